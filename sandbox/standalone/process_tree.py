"""Finds and ends all processes that a city started: by a mark in their environment, or by descent.

psutil finds them, and names each by its number and its start time: a number alone may be somebody else's by
now. They are awaited by pidfd_open(2): psutil would collect a child that `subprocess` waits for.
"""

import contextlib
import os
import select
import signal
import time
from collections.abc import Iterable

import psutil
from psutil import Process

MARK, PART = "CIHU_CITY", "CIHU_PART"


def is_alive(one: Process) -> bool:
    try:
        return one.is_running() and one.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def process(pid: int) -> Process | None:
    with contextlib.suppress(psutil.Error):
        return Process(pid)
    return None


def marked(mark: str, part: str = "") -> list[Process]:
    """Every process but this one whose environment says `CIHU_CITY=mark` (and `CIHU_PART=part`, if named)."""
    wanted = {MARK: mark, **({PART: part} if part else {})}
    found = []
    for one in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if one.pid != os.getpid() and wanted.items() <= one.environ().items():
                found.append(one)
    return found


def descendants(pid: int) -> list[Process]:
    """The children of `pid`, their children, and so on."""
    try:
        return list(Process(pid).children(recursive=True))
    except psutil.Error:
        return []


def end(processes: Iterable[Process], *, patience_seconds: float) -> None:
    """Ask each to end (SIGTERM); what is still there after `patience_seconds` is killed."""
    living = [one for one in processes if send(one, signal.SIGTERM)]
    deadline = time.monotonic() + patience_seconds
    for one in living:
        if not await_end(one, deadline - time.monotonic()):
            send(one, signal.SIGKILL)
            await_end(one, 1)
        with contextlib.suppress(ChildProcessError):
            # an orphan comes to us where we collect orphans, or are a container's first process: its number
            # must not stay taken, or who kept it in a file (the hub, of its proxy) believes that it lives
            os.waitpid(one.pid, os.WNOHANG)


def collect_orphans(*, but: Iterable[int] = ()) -> None:
    """Collect our dead children, but those of these numbers, which somebody waits for:
    orphans that came to us.

    We get them as a container's first process. The number of one that nobody collects stays taken, and who
    kept it in a file believes that it lives.
    """
    kept = set(but)
    for one in Process().children():
        with contextlib.suppress(psutil.Error, ChildProcessError):
            if one.pid not in kept and one.status() == psutil.STATUS_ZOMBIE and await_end(one, 1):
                os.waitpid(one.pid, os.WNOHANG)


def send(one: Process, what: signal.Signals) -> bool:
    """Whether `one` was there to get it."""
    try:
        handle = os.pidfd_open(one.pid)
    except OSError:
        return False
    try:
        if not is_alive(one):
            return False
        signal.pidfd_send_signal(handle, what)
    except OSError:
        return False
    finally:
        os.close(handle)
    return True


def await_end(one: Process, seconds: float) -> bool:
    """Whether `one` ended within `seconds`, with all its threads.

    Its status does not count: the first thread's may be "zombie" while others still end, and until they have,
    nobody can collect it.
    """
    try:
        handle = os.pidfd_open(one.pid)
    except OSError:
        return True
    try:
        return not one.is_running() or bool(select.select([handle], [], [], max(seconds, 0))[0])
    finally:
        os.close(handle)
