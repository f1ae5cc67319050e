"""How long does publishing take, by step, and how much memory?
An officer's file over HTTP to a real vault, as CSV and as Parquet: uploaded, drafted, published with quality
and identifier rules. Memory is the proportional set size of the vault's whole process tree, looked at ten
times a second. "published" is when the version stands; the vault then loads it for questions and measures it.
"""

import argparse
import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any, Self

import httpx
import psutil
from sqlalchemy import create_engine, text

import sandbox.vault.migrate
from asked_vault import AskedVault, asked_vault
from benchmarks.visits import make_visits
from sandbox.identity import create_account
from sandbox.standalone.postgres import Postgres
from sandbox.standalone.s3 import S3Server

RULES = """
expect:
  - {complete: 金额, at_least: 0.99, else: warn}
  - {rule: "金额 >= 0 AND 天数 < 400", else: stop}
  - {unique: [身份证号, 就诊日期], at_least: 0.5, else: warn}
"""
LAST_STEP = "measuring"
GOAL = {"csv": 30, "parquet": 20}
CHUNK_BYTES = 1 << 20
PATIENCE = 1800.0


class Watch:
    """The memory of a process and all that it starts, in bytes, and the processor seconds of the process."""

    def __init__(self, pid: int) -> None:
        self._root, self._ended = psutil.Process(pid), Event()
        self.step_peak = 0
        self._thread = Thread(target=self._look)

    def _look(self) -> None:
        while not self._ended.wait(0.1):
            size = 0
            for process in (self._root, *self._root.children(recursive=True)):
                try:
                    size += process.memory_full_info().pss
                except psutil.Error:
                    continue
            self.step_peak = max(self.step_peak, size)

    def seconds(self) -> float:
        times = self._root.cpu_times()
        return float(times.user + times.system + times.children_user + times.children_system)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()


@contextmanager
def city() -> Iterator[AskedVault]:
    """A vault on a Postgres and an S3 server of its own, and two officers of one department."""
    home = Path(tempfile.mkdtemp(prefix="cb", dir="/tmp"))  # sockets need short paths
    postgres = Postgres(home / "pg", home / "pg.log", durable=False)
    s3 = S3Server(home / "s3", home / "s3.log")
    try:
        postgres.start()
        s3.start()
        owner = create_engine(postgres.url(database="postgres"), isolation_level="AUTOCOMMIT")
        with owner.connect() as connection:
            connection.execute(text("CREATE DATABASE cihu"))
        owner.dispose()
        sandbox.vault.migrate.migrate(postgres.url())
        with asked_vault(postgres, "cihu", s3) as made:
            with made.story.database.transaction() as tx:
                create_account(
                    tx,
                    account_id="sun",
                    display_name="sun",
                    organisation="health",
                    roles=["officer"],
                    by="system",
                )
            yield made
    finally:
        s3.stop()
        postgres.stop()
        shutil.rmtree(home, ignore_errors=True)


class Run:
    """One file's way, a line for each step."""

    def __init__(self, asked: AskedVault, watch: Watch) -> None:
        self.asked, self.watch, self.total, self.peak = asked, watch, 0.0, 0
        self._mark()

    def _mark(self) -> None:
        self.watch.step_peak = 0
        self._computed, self._began = self.watch.seconds(), time.monotonic()

    def told(self, name: str, *, counts: bool = True) -> None:
        """A step has ended; it counts for the whole, or comes after."""
        took, peak = time.monotonic() - self._began, self.watch.step_peak
        if counts:
            self.total, self.peak = self.total + took, max(self.peak, peak)
        print(
            f"  {name:24} {took:6.1f} s   computing {self.watch.seconds() - self._computed:6.1f} s   "
            f"peak {peak >> 20:5} MiB",
            flush=True,
        )
        self._mark()

    def send(
        self, person: str, method: str, path: str, headers: dict[str, str] | None = None, **more: Any
    ) -> dict[str, Any]:
        answer = httpx.request(
            method,
            f"{self.asked.url}{path}",
            headers={"Authorization": f"Bearer {self.asked.token(person)}", **(headers or {})},
            timeout=PATIENCE,
            trust_env=False,
            **more,
        )
        assert answer.status_code < 300, answer.text
        return dict(answer.json())

    def follow(self, file: str) -> None:
        """A line for each step of a publishing, as the vault tells them."""
        token = self.asked.token("lin")
        step = ""
        with httpx.stream(
            "GET",
            f"{self.asked.url}/v1/uploads/{file}/progress",
            headers={"Authorization": f"Bearer {token}"},
            timeout=PATIENCE,
            trust_env=False,
        ) as stream:
            for line in stream.iter_lines():
                if not line.startswith("data: "):
                    continue
                told = json.loads(line.removeprefix("data: "))
                if step and told["step"] != step:
                    self.told(f"publish: {step}", counts=step != LAST_STEP)
                step = told["step"]
        self.told(f"publish: {step}", counts=step != LAST_STEP)


def run(asked: AskedVault, path: Path, kind: str) -> None:
    with asked.start() as vault, Watch(vault.pid) as watch:
        way = Run(asked, watch)

        def chunks() -> Iterator[bytes]:
            with path.open("rb") as stream:
                while part := stream.read(CHUNK_BYTES):
                    yield part

        file = way.send("lin", "POST", "/v1/uploads", params={"name": path.name}, content=chunks())
        way.told("upload")
        draft = way.send("lin", "POST", "/v1/drafts", json={"file": file["id"]})
        way.told("draft")
        id = draft["id"]
        policy = {"revision": draft["revision"], "policy": draft["policy"].rstrip() + RULES}
        saved = way.send("lin", "PUT", f"/v1/drafts/{id}", json=policy)
        assert not saved["problems"], saved["problems"]
        at = {"revision": saved["revision"]}
        way.send("sun", "POST", f"/v1/drafts/{id}/agree", json=at)
        way.told("save, agree")
        with ThreadPoolExecutor(1) as pool:
            followed = pool.submit(way.follow, file["id"])
            done = way.send("lin", "POST", f"/v1/drafts/{id}/publish", json=at)
            followed.result()
        print(
            f"  {'published':24} {way.total:6.1f} s (goal {GOAL[kind]} s for 5,000,000 rows), "
            f"peak {way.peak >> 20} MiB (goal 700 MiB): {done['rows']:,} rows, "
            f"{path.stat().st_size / 1e6:.0f} MB, {done['sha256'][:12]}",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--folder", type=Path, default=Path("/tmp/cihu-bench"))
    parser.add_argument("--kinds", nargs="+", choices=sorted(GOAL), default=sorted(GOAL))
    asked_for = parser.parse_args()
    for kind in asked_for.kinds:
        path = make_visits(asked_for.folder, asked_for.rows, kind)
        with city() as asked:
            print(f"{asked_for.rows:,} rows as {kind}", flush=True)
            run(asked, path, kind)


if __name__ == "__main__":
    main()
