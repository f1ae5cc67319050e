"""A process has ended when all its threads have: its first thread's status is not enough."""

import platform
import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from sandbox.standalone import process_tree

FIRST_THREAD_ENDS = """
import ctypes, sys, threading
threading.Thread(target=sys.stdin.read).start()
print("ready", flush=True)
ctypes.CDLL(None).syscall({exit_of_one_thread}, 0)
"""


@pytest.fixture
def half_ended() -> Iterator[subprocess.Popen[str]]:
    """A process whose first thread has ended while its other thread still reads."""
    number = {"x86_64": 60, "aarch64": 93}[platform.machine()]
    child = subprocess.Popen(
        [sys.executable, "-c", FIRST_THREAD_ENDS.format(exit_of_one_thread=number)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None and child.stdout.readline() == "ready\n"
    while psutil.Process(child.pid).status() != psutil.STATUS_ZOMBIE:
        pass  # its first thread is on its way out
    yield child
    child.kill()
    child.wait()
    assert child.stdin is not None
    child.stdin.close()
    child.stdout.close()


def test_a_process_whose_first_thread_ended_lives_until_its_last_does(
    half_ended: subprocess.Popen[str],
) -> None:
    one = psutil.Process(half_ended.pid)
    assert not process_tree.await_end(one, 0.05)
    half_ended.kill()
    assert process_tree.await_end(one, 20)


def test_its_number_is_free_after_its_end(half_ended: subprocess.Popen[str]) -> None:
    """Who kept the number in a file must not believe that it lives."""
    one = psutil.Process(half_ended.pid)
    half_ended.kill()
    process_tree.collect_orphans()
    assert not psutil.pid_exists(one.pid)
