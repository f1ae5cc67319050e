"""What ended a part is told truly, and how long it waits to be started again."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.standalone.backoff import HEALTHY_SECONDS, MOST_SECONDS, Backoff
from sandbox.standalone.ended import Ended, OutOfMemoryKills, out_of_memory_kills
from sandbox.standalone.log_files import last_line, rotate

NONE = OutOfMemoryKills(0, 0)


@pytest.mark.parametrize(
    "how", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM, signal.SIGABRT, signal.SIGBUS]
)
def test_a_signal_is_named_whoever_waited_for_the_process(how: signal.Signals) -> None:
    itself = subprocess.run(
        [sys.executable, "-c", f"import os; os.kill(os.getpid(), {int(how)})"], check=False
    )
    assert Ended(itself.returncode, NONE, NONE).signal == how.name
    shell = subprocess.run(
        ["/bin/sh", "-c", f"{sys.executable} -c 'import os; os.kill(os.getpid(), {int(how)})'; exit $?"],
        check=False,
        stderr=subprocess.DEVNULL,
    )
    assert Ended(shell.returncode, NONE, NONE).signal == how.name, (
        "a program that waited for it tells 128 and the signal"
    )


def test_a_status_is_no_signal() -> None:
    assert [Ended(status, NONE, NONE).words() for status in (0, 1, 91, 127, 255)] == [
        f"exit status {status}" for status in (0, 1, 91, 127, 255)
    ]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (OutOfMemoryKills(3, 9), OutOfMemoryKills(4, 10), "1 out-of-memory kills in its cgroup"),
        (OutOfMemoryKills(None, 9), OutOfMemoryKills(None, 11), "2 out-of-memory kills in this machine"),
        (OutOfMemoryKills(3, 9), OutOfMemoryKills(3, 9), "so somebody sent it"),
        (OutOfMemoryKills(None, None), OutOfMemoryKills(None, None), "cannot be read here"),
    ],
)
def test_a_kill_for_want_of_memory_is_told_from_one_that_somebody_sent(
    before: OutOfMemoryKills, after: OutOfMemoryKills, said: str
) -> None:
    assert said in Ended(-9, before, after).words()
    assert "memory" not in Ended(-11, before, after).words(), "only a SIGKILL can be one"


def test_the_counts_are_those_of_the_kernel(tmp_path: Path) -> None:
    proc, cgroups = tmp_path / "proc", tmp_path / "cgroup"
    (proc / "self").mkdir(parents=True)
    (cgroups / "a" / "b").mkdir(parents=True)
    assert out_of_memory_kills(proc, cgroups) == OutOfMemoryKills(None, None)
    (proc / "self" / "cgroup").write_text("1:cpu:/x\n0::/a/b\n")
    (proc / "vmstat").write_text("nr_free_pages 1\noom_kill 12\n")
    (cgroups / "a" / "b" / "memory.events").write_text("low 0\noom 3\noom_kill 2\noom_group_kill 0\n")
    assert out_of_memory_kills(proc, cgroups) == OutOfMemoryKills(2, 12)
    assert out_of_memory_kills().machine is not None, "this machine counts them"


def test_the_wait_doubles_is_bounded_and_begins_anew_after_health() -> None:
    backoff = Backoff()
    waits = [backoff.seconds(1.0) for _ in range(40)]
    assert waits[:4] == [0.5, 1.0, 2.0, 4.0] and max(waits) == MOST_SECONDS and waits == sorted(waits)
    assert backoff.seconds(HEALTHY_SECONDS) == 0.5


def test_a_log_that_grew_is_put_aside_and_its_writer_goes_on(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    with log.open("ab", buffering=0) as writer:
        for number in range(7):
            writer.write(f"{number} ".encode() * 600)
            assert rotate(log, most_bytes=1000, kept=3)
            assert not rotate(log, most_bytes=1000, kept=3)
        writer.write(b"the end\n")
    assert last_line(log) == "the end" and log.stat().st_size == 8, "no hole where the old lines were"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["x.log", "x.log.1", "x.log.2", "x.log.3"]
    assert log.with_name("x.log.1").read_bytes().startswith(b"6 ") and log.with_name(
        "x.log.3"
    ).read_bytes().startswith(b"4 ")
