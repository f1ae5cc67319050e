"""Where a sealed run pauses its team's kernels, none runs until the declared moment;
then all go on, and the person reads why."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import cast
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert, update

from sandbox.errors import Unavailable
from sandbox.jobs.claim import Claimed
from sandbox.jobs.context import RunContext
from sandbox.jobs.kernel_pauses import KernelPauses
from sandbox.jobs.read import load_run
from sandbox.jobs.tables import runs
from sandbox.jobs.worker import Worker, seconds_left
from sandbox.seals.freeze import still
from workspace import VaultProcess, workspace_process


def until(true: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.05)  # another process does it; there is no event to wait on


def begin(vault: VaultProcess, seconds: float) -> UUID:
    """A run of the team that has begun, and is told in so many seconds."""
    id, now = uuid4(), datetime.now(UTC)
    with vault.story.database.transaction() as tx:
        tx.execute(
            insert(runs).values(
                id=id,
                name="a run",
                team="lake",
                submitted_by="wang",
                entry="main.py",
                files={"main.py": "pass"},
                program_sha256="0" * 64,
                environment_sha256="0" * 64,
                inputs=[],
                limit_seconds=10,
                state="running",
                started_at=now,
                told_at=now + timedelta(seconds=seconds),
                kernels_frozen=True,
            )
        )
    return id


def end(vault: VaultProcess, id: UUID) -> None:
    with vault.story.database.transaction() as tx:
        tx.execute(update(runs).where(runs.c.id == id).values(state="cancelled"))


def stopped(marker: str) -> bool:
    """Whether every process with the marker in its environment stands still; there is at least one."""
    found = [int(path.parent.name) for path in Path("/proc").glob("[0-9]*/environ") if has(path, marker)]
    return bool(found) and all(still(pid) for pid in found)


def has(path: Path, marker: str) -> bool:
    try:
        return (
            b"IPYTHONDIR" in path.read_bytes()
            and marker.encode() in Path(path.parent / "cmdline").read_bytes()
        )
    except OSError:
        return False


def test_kernels_are_paused_until_the_declared_moment_and_no_longer_run_starts_meanwhile(
    vault: VaultProcess,
) -> None:
    with workspace_process(vault, "song") as server, server.kernel() as kernel:
        mark = "x" * 40 + str(uuid4())
        program = f"[sys.executable, '-c', 'import time; time.sleep(600)', '{mark}']"
        kernel.text(f"import subprocess, sys; kept = subprocess.Popen({program})")
        id = begin(vault, 20)
        until(lambda: stopped(mark))
        refused = server.request("POST", "/api/kernels", json={"name": "cihu"})
        assert refused.status_code == 503 and "sealed program of your team" in refused.text
        # waits in the socket; goes on at the moment, though the run is still there
        said = kernel.text("print('after')", 90)
        assert "after" in said and "was paused" in said and "内核曾暂停运行" in said
        end(vault, id)
        assert "paused" not in kernel.text("print('again')")


def test_a_program_begins_when_every_server_has_paused_its_kernels(vault: VaultProcess) -> None:
    pauses = KernelPauses(vault.story.database)
    id = begin(vault, 600)
    try:
        with vault.story.database.transaction() as tx:
            run = load_run(tx, id)
        assert pauses.hear("song", "of-song-1", 1) == run.told_at
        with pytest.raises(Unavailable, match="paused"):
            pauses.await_frozen(run, 0.5)
        answered: list[None] = []
        waiting = threading.Thread(target=lambda: answered.append(pauses.await_frozen(run, 60)))
        waiting.start()
        while waiting.is_alive():
            pauses.hear("song", "of-song-1", 0)
            waiting.join(0.1)
        assert answered == [None]
    finally:
        end(vault, id)


def test_kernels_of_other_teams_are_not_waited_for_nor_paused(vault: VaultProcess) -> None:
    pauses = KernelPauses(vault.story.database)
    id = begin(vault, 600)
    try:
        with vault.story.database.transaction() as tx:
            run = load_run(tx, id)
        assert pauses.hear("chen", "of-chen-1", 3) is None
        pauses.await_frozen(run, 60)
    finally:
        end(vault, id)


def test_what_measuring_took_is_not_missing_for_the_program_that_follows_it(vault: VaultProcess) -> None:
    id = begin(vault, 12)  # the recipes took all the time in which kernels are paused
    try:
        with vault.story.database.transaction() as tx:
            assert 0 < seconds_left(load_run(tx, id)) <= 9
    finally:
        end(vault, id)


def test_why_a_run_did_not_start_is_in_quarantine_and_in_the_vaults_log(
    vault: VaultProcess, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = Worker(cast("RunContext", SimpleNamespace(database=vault.story.database)))
    monkeypatch.setattr(worker, "require_seal", lambda: None)
    told: list[dict[str, bytes]] = []
    monkeypatch.setattr(worker, "_tell", lambda *given: told.append(given[2]))
    id = begin(vault, 12)
    try:
        with vault.story.database.transaction() as tx:
            run = load_run(tx, id)
        worker.pauses.hear("song", "of-song-1", 1)
        worker._carry_out(Claimed(run, ()))
    finally:
        end(vault, id)
    assert b"Kernels of the team could not be paused" in told[0]["log.txt"]
    assert str(id) in caplog.text and "Kernels of the team could not be paused" in caplog.text
