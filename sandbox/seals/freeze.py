"""Pauses a seal: every process inside is stopped (signal(7), SIGSTOP), and goes on later as if nothing had
been.

Its parent, which bounds its memory, is not stopped. Whatever was sent to a stopped process meanwhile waits in
its sockets.
"""

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

from sandbox.errors import Unavailable
from sandbox.seals.bubblewrap import first_of
from sandbox.seals.model import SealedProcess

STILL = frozenset("TtZX")  # stopped, or without a life of its own: proc(5), stat
ROUNDS = 1000


def freeze(process: SealedProcess) -> None:
    """Return when no thread of the seal runs.
    Raises Unavailable if that cannot be had; a seal that has ended is still enough."""
    try:
        first = first_of(process)
    except Unavailable:
        return
    for _ in range(ROUNDS):
        # a process that was started between two rounds is seen in the next: once all are still,
        # nobody can start another
        moving = [pid for pid in below(first) if not still(pid)]
        if not moving:
            return
        for pid in moving:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        os.sched_yield()
    raise Unavailable(
        "A kernel could not be paused.",
        remedy="Try again, or end the kernel.",
        zh="无法暂停一个内核。",
        remedy_zh="请重试，或结束该内核。",
        internal=f"{len(moving)} processes still run",
    )


def thaw(process: SealedProcess) -> None:
    with contextlib.suppress(Unavailable):
        for pid in below(first_of(process)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def below(first: int) -> Iterator[int]:
    """`first` and every process below it."""
    left = [first]
    while left:
        pid = left.pop()
        with contextlib.suppress(OSError):
            for task in os.listdir(f"/proc/{pid}/task"):
                with contextlib.suppress(OSError):
                    left += map(int, Path(f"/proc/{pid}/task/{task}/children").read_text().split())
            yield pid


def still(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return all(
            Path(f"/proc/{pid}/task/{task}/stat").read_text(errors="replace").rpartition(")")[2].split()[0]
            in STILL
            for task in os.listdir(f"/proc/{pid}/task")
        )
    return True  # it is gone
