"""Keeps what a run left until reviewers have decided: in the quarantine bucket, with a row for each file."""

import hashlib
import json
from uuid import UUID

from sqlalchemy import insert

from sandbox.database import Transaction
from sandbox.errors import InvalidInput
from sandbox.jobs.sealed_run import Ending
from sandbox.jobs.tables import run_files
from sandbox.storage import ObjectVersion, QuarantineStore
from sandbox.storage.names import checked_name

LOG, EXIT = "log.txt", "exit.json"
WHY = {
    "memory": (
        "Its processes together used more memory than a run may. / 其所有进程合计使用的内存超过运行的限额。"
    ),
    "time": "It reached its time limit. / 已达到运行时限。",
    "processor": "It used more processor time than a run may. / 其使用的处理器时间超过运行的限额。",
    "processes": (
        "A process or thread could not be started: it had as many as a run may. / "
        "进程或线程数已达到运行的限额，无法再启动新的进程或线程。"
    ),
}
NO_MORE_PROCESSES = (b"Resource temporarily unavailable", b"can't start new thread")


def why_ended(ending: Ending) -> str:
    """What ended the run, for its team and its reviewers; "" where the program ended itself."""
    last = ending.said.rstrip().rpartition(b"\n")[2]
    if ending.how == "itself" and ending.status and any(sign in last for sign in NO_MORE_PROCESSES):
        return WHY["processes"]
    return WHY.get(ending.how, "")


def files_of(ending: Ending) -> dict[str, bytes]:
    """What a run left, and its log and its end beside it, which are no less about the data than its files."""
    why = why_ended(ending)
    end = {
        "ended": ending.how,
        "status": ending.status,
        "seconds": ending.seconds,
        **({"why": why} if why else {}),
        **({"predictions": ending.predictions} if ending.predictions else {}),
        **({"recipes": ending.recipes} if ending.recipes else {}),
        "left_out": [{"path": one.path, "why": one.why} for one in ending.outbox.left_out],
    }
    return {
        **ending.outbox.files,
        LOG: ending.said,
        EXIT: (json.dumps(end, indent=1, ensure_ascii=False) + "\n").encode(),
    }


def put_files(store: QuarantineStore, run: UUID, files: dict[str, bytes]) -> dict[str, ObjectVersion]:
    """Each file by its path, stored. Raises `Unavailable`."""
    return {path: store.put(object_name(run, path), content) for path, content in files.items()}


def object_name(run: UUID, path: str) -> str:
    """`runs/<run>/<path>`, or another name where the path has capitals,
    which objects' names here have not."""
    try:
        return checked_name(f"{folder(run)}/{path}")
    except InvalidInput:
        return f"{folder(run)}/named/{hashlib.sha256(path.encode()).hexdigest()}"


def folder(run: UUID) -> str:
    return f"runs/{run}"


def record_files(tx: Transaction, run: UUID, stored: dict[str, ObjectVersion]) -> None:
    """The rows of `vault.run_files`."""
    rows: list[dict[str, object]] = [
        {
            "run": run,
            "path": path,
            "object_name": one.name,
            "object_version": one.version_id,
            "sha256": one.sha256,
            "size": one.size,
        }
        for path, one in stored.items()
    ]
    if rows:
        tx.execute(insert(run_files), rows)
