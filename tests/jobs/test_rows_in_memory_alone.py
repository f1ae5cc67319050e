"""A run's rows never lie on a disk in clear, and are gone from memory when the vault is, however it ended."""

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.errors import Unavailable
from sandbox.jobs import run_folder

CANARY = b"CANARY-RAW-ROW-4711"
PROGRAM = """
import sys, time
from pathlib import Path
from sandbox.jobs import run_folder
runs = Path(sys.argv[1])
run_folder.empty(runs)
remover = run_folder.RemoverAtDeath(runs)
place = run_folder.make(runs, "run")
place.write_input("clinic.visits", b"CANARY-RAW-ROW-4711")
print(remover.process.pid, place.inputs, flush=True)
time.sleep(1000)
"""


def holding(folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file() and CANARY in file.read_bytes()]


def test_a_killed_vault_leaves_no_row_anywhere(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    vault = subprocess.Popen([sys.executable, "-c", PROGRAM, str(runs)], stdout=subprocess.PIPE)
    assert vault.stdout is not None
    pid, inputs = vault.stdout.readline().decode().split()
    remover = os.pidfd_open(int(pid))
    try:
        assert holding(Path(inputs)), "the run can read its rows"
        assert not holding(tmp_path), "but not from a disk"
        vault.send_signal(signal.SIGKILL)
        vault.wait()
        ended = select.poll()
        ended.register(remover, select.POLLIN)
        assert ended.poll(60_000), "the remover ends by itself"
    finally:
        os.close(remover)
    assert not Path(inputs).exists() and not holding(tmp_path)


def test_what_is_left_all_the_same_is_removed_at_the_next_start(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    run_folder.empty(runs)
    place = run_folder.make(runs, "run")
    place.write_input("clinic.visits", CANARY)
    run_folder.empty(runs)
    assert not run_folder.memory_folder(runs).exists() and not holding(tmp_path)


def test_rows_are_refused_where_they_would_lie_on_a_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Path("/var/tmp") / f"cihu-test-{os.getpid()}"
    if run_folder._in_memory(Path("/var/tmp")):
        pytest.skip("this machine has no disk")
    disk.mkdir()
    try:
        monkeypatch.setattr(run_folder, "MEMORY", disk)
        with pytest.raises(Unavailable, match="on a disk"):
            run_folder.private_memory(tmp_path / "runs")
    finally:
        for path in sorted(disk.rglob("*"), reverse=True):
            path.rmdir()
        disk.rmdir()


def test_somebody_elses_folder_is_not_used(tmp_path: Path) -> None:
    folder = run_folder.memory_folder(tmp_path / "runs")
    folder.symlink_to(tmp_path)
    try:
        with pytest.raises(Unavailable, match="not the vault's own"):
            run_folder.private_memory(tmp_path / "runs")
    finally:
        folder.unlink()
