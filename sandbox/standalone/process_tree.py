"""Finds and ends all processes that a city started: in /proc, by a mark in their environment, or by descent.

A process number alone names nothing: it may be somebody else's by now. So a process is its
number and its start time.
"""

import contextlib
import os
import select
import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

MARK, PART = "CIHU_CITY", "CIHU_PART"


@dataclass(frozen=True)
class Process:
    """`started` in clock ticks since the machine booted (proc(5))."""

    pid: int
    started: int

    def is_alive(self) -> bool:
        return (seen := stat(self.pid)) is not None and seen[1] == self.started and seen[2] != "Z"


def stat(pid: int) -> tuple[int, int, str] | None:
    """Parent, start time and state of a process, or nothing if it is gone."""
    try:
        rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return int(rest[1]), int(rest[19]), rest[0]


def process(pid: int) -> Process | None:
    return Process(pid, seen[1]) if (seen := stat(pid)) is not None else None


def pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def marked(mark: str, part: str = "") -> list[Process]:
    """Every process of ours whose environment says `CIHU_CITY=mark` (and `CIHU_PART=part`,
    if a part is named)."""
    needles = {f"{MARK}={mark}".encode(), *([f"{PART}={part}".encode()] if part else [])}
    found = []
    for pid in pids():
        try:
            environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if needles <= set(environment) and pid != os.getpid() and (one := process(pid)):
            found.append(one)
    return found


def descendants(pid: int) -> list[Process]:
    """The children of `pid`, their children, and so on."""
    children: dict[int, list[Process]] = {}
    for each in pids():
        if seen := stat(each):
            children.setdefault(seen[0], []).append(Process(each, seen[1]))
    found = list(children.get(pid, ()))
    for one in found:  # it grows as we walk it
        found += children.get(one.pid, ())
    return found


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
    for pid in pids():
        seen = stat(pid)
        if seen and seen[0] == os.getpid() and seen[2] == "Z" and pid not in kept:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)


def send(one: Process, what: signal.Signals) -> bool:
    """Whether `one` was there to get it."""
    try:
        handle = os.pidfd_open(one.pid)
    except OSError:
        return False
    try:
        if not one.is_alive():
            return False
        signal.pidfd_send_signal(handle, what)
    except OSError:
        return False
    finally:
        os.close(handle)
    return True


def await_end(one: Process, seconds: float) -> bool:
    """Whether `one` ended within `seconds`."""
    try:
        handle = os.pidfd_open(one.pid)
    except OSError:
        return True
    try:
        return not one.is_alive() or bool(select.select([handle], [], [], max(seconds, 0))[0])
    finally:
        os.close(handle)
