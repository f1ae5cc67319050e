"""What a seal's processes take together is added up, and kept to by a cgroup where there can be one."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from sandbox.seals import Bubblewrap, Limits, Seal, first_of, interpreter, watch
from sandbox.seals.bubblewrap import WATCH
from sandbox.seals.host import cgroups_of
from sandbox.seals.model import MIB
from sandbox.seals.watch import memory
from sandbox.standalone import process_tree
from workspace import CHECKOUT, KERNEL_PYTHON


def test_memory_is_read_from_what_the_kernel_says_and_a_zombie_says_nothing() -> None:
    said = (
        "Name:\tVmSize\nVmSize:\t  10 kB\nVmRSS:\t 9 kB\nRssAnon:\t 4 kB\nRssShmem:\t 1 kB\n"
        "VmPTE:\t 2 kB\nVmSwap:\t 0 kB\n"
    )
    assert memory(said) == (7 * 1024, 10 * 1024)
    assert memory("Name:\tx\nState:\tZ (zombie)\n") is None


def delegated(folder: Path, control: str) -> Path:
    folder.mkdir(parents=True)
    (folder / "cgroup.subtree_control").write_text(control)
    (folder / "cgroup.procs").write_text("")
    return folder


def test_what_ended_between_two_looks_uses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A child shares nearly all with who forked it: counted whole, it would end a program that is within its
    limit."""
    ended = subprocess.Popen(["true"])
    ended.wait()
    about = Path(f"/proc/{ended.pid}/task/{ended.pid}")
    monkeypatch.setattr(watch, "processes", lambda _: [(about, 500 * MIB, 2000 * MIB)])
    assert watch.used(ended.pid, 600 * MIB) == 0


def test_the_nearest_folder_that_hands_out_memory_and_pids_is_found(tmp_path: Path) -> None:
    delegated(tmp_path / "a", "cpu memory pids\n")
    delegated(tmp_path / "a" / "b", "memory\n")
    assert cgroups_of("1:memory:/x\n0::/a/b/c\n", tmp_path) == str(tmp_path / "a")
    assert cgroups_of("0::/b\n", tmp_path) == ""
    assert cgroups_of("0::/../a\n", tmp_path) == ""
    assert cgroups_of("1:memory:/x\n", tmp_path) == ""


def watched(cgroups: Path | str, *command: str) -> subprocess.Popen[bytes]:
    numbers = (os.getpid(), 100 * MIB, 300 * MIB, 7, MIB, -1)
    return subprocess.Popen(
        [sys.executable, "-I", "-S", WATCH, *map(str, numbers), str(cgroups), "", "--", *command]
    )


def test_a_seal_joins_a_cgroup_with_its_limits(tmp_path: Path) -> None:
    """On a plain folder: what is written is what cgroup-v2.rst asks for."""
    (tmp_path / "seal-left").mkdir()
    process = watched(tmp_path, "/bin/sleep", "60")
    folder = tmp_path / f"seal-{process.pid}"
    deadline = time.monotonic() + 120
    while not (folder / "cgroup.procs").exists() or not (folder / "cgroup.procs").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.01)  # another process writes it
    [child] = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    written = {file.name: file.read_text() for file in folder.iterdir()}
    assert written == {
        "memory.max": str(300 * MIB),
        "memory.oom.group": "1",
        "memory.swap.max": "0",
        "pids.max": "7",
        "cgroup.procs": child,
    }
    assert not (tmp_path / "seal-left").exists()
    process.kill()
    process.wait()
    os.kill(int(child), signal.SIGKILL)  # a plain program; a seal ends with its parent


def test_the_status_of_the_program_is_handed_on() -> None:
    assert watched("", "/bin/sh", "-c", "exit 5").wait(120) == 5
    assert watched("", "/bin/sh", "-c", "kill -9 $$").wait(120) == 128 + signal.SIGKILL


def test_who_ends_the_watch_ends_the_seal(kernel_python: Path) -> None:
    said, output = os.pipe()
    seal = Seal(
        command=(str(kernel_python), "-c", "import time; print(1, flush=True); time.sleep(60)"),
        readable=interpreter(kernel_python),
        limits=Limits(),
    )
    process = Bubblewrap().start(seal, output=output)
    os.close(output)
    assert os.read(said, 1) == b"1"
    process.kill()
    process.wait()
    while os.read(said, 100):
        pass  # the pipe ends when the last process that could write to it has
    os.close(said)


def test_when_the_machines_memory_runs_out_the_seal_goes_first(kernel_python: Path) -> None:
    said, output = os.pipe()
    seal = Seal(
        command=(str(kernel_python), "-c", "import time; print(1, flush=True); time.sleep(60)"),
        readable=interpreter(kernel_python),
    )
    process = Bubblewrap().start(seal, output=output)
    os.close(output)
    assert os.read(said, 1) == b"1"
    os.close(said)
    assert Path(f"/proc/{first_of(process)}/oom_score_adj").read_text().split() == ["1000"]
    process.kill()
    process.wait()


def sealed_sleep(mark: str) -> Seal:
    python = KERNEL_PYTHON
    return Seal(
        command=(str(python), "-c", f"import time; time.sleep(600)  # {mark}"),
        readable=interpreter(python),
        name="x",
    )


def alive(mark: str) -> list[psutil.Process]:
    """Processes that have `mark` in their command line:
    bubblewrap's and the program's, since they have it all."""
    found = []
    for one in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if mark in " ".join(one.cmdline()) and process_tree.is_alive(one):
                found.append(one)
    return found


def test_a_seal_that_is_ended_at_any_moment_of_its_start_leaves_no_process() -> None:
    """Without the watcher's end_all more than a third of them did:
    bubblewrap, killed while it starts, leaves its first process. That all forty would be gone by chance has a
    probability below 1e-7."""
    bubblewrap, chance, mark = Bubblewrap(), random.Random(1), f"ended-{os.getpid()}"
    for _ in range(40):
        process = bubblewrap.start(sealed_sleep(mark))
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(chance.uniform(0.02, 0.25))
        process.kill()
        process.wait(120)
        assert alive(mark) == [], "what was waited for was not the end of all"


STARTER = """
import sys, time
sys.path[:0] = sys.argv[2:]
from seals.test_seal_watch import Bubblewrap, sealed_sleep
Bubblewrap().start(sealed_sleep(sys.argv[1]))
print("started", flush=True)
time.sleep(600)
"""


def test_a_seal_whose_starter_is_killed_at_any_moment_leaves_no_process() -> None:
    chance, mark = random.Random(2), f"starter-{os.getpid()}"
    places = [str(CHECKOUT), str(CHECKOUT / "tests"), str(CHECKOUT / "tests" / "support")]
    for _ in range(12):
        # the mark is not in its own command line, or it would be found itself
        starter = subprocess.Popen(
            [sys.executable, "-c", STARTER.replace("sys.argv[1]", repr(mark)), "", *places],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert starter.stdout is not None and starter.stdout.readline() == "started\n"
        with contextlib.suppress(subprocess.TimeoutExpired):
            starter.wait(chance.uniform(0, 0.25))
        starter.kill()
        starter.wait(120)
        starter.stdout.close()
        deadline = time.monotonic() + 120
        while left := [one for one in alive(mark) if one.pid != starter.pid]:
            assert process_tree.await_end(left[0], deadline - time.monotonic()), (
                "a seal outlived who started it"
            )
