"""What ends a seal when all of its processes together take too much memory? Run as a program that starts the seal itself:

    python watch.py PARENT RESIDENT ADDRESSES MEMORY PROCESSES CGROUPS -- BUBBLEWRAP...

The seal is this program's child, so it cannot be without it: who ends this ends the seal, and an error here does too. It is
asked to end by SIGTERM, which is also what it gets when its parent ends, and ends when nothing of the seal is left.
It looks some times a second; and where CGROUPS names a folder of cgroup v2 in which one may be made, the kernel itself keeps to
MEMORY and PROCESSES. Needs the standard library alone; imports nothing of ours. Sources: proc(5), cgroup-v2.rst (Linux),
prctl(2), pidfd_open(2).
"""

import contextlib
import ctypes
import os
import select
import signal
import sys
from pathlib import Path

PAUSE_MS, SHORT_PAUSE_MS = 200, 25  # the short one when half of a limit is reached
TOO_MUCH_MEMORY = 91  # this program's status when it ended the seal
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
LIBC = ctypes.CDLL(None)
KIB = 1024


def taken(first: int) -> tuple[int, int]:
    """The memory that the process `first` and all below it hold, and the addresses that they have reserved, in bytes.

    Both, because shared memory can be kept while none of it is resident in any process; it keeps its addresses, though.
    What processes share is counted for each.
    """
    resident = addresses = 0
    left = [first]
    while left:
        pid = left.pop()
        counted = False
        with contextlib.suppress(OSError):
            for task in os.listdir(f"/proc/{pid}/task"):
                with contextlib.suppress(OSError):  # it ended between
                    about = Path(f"/proc/{pid}/task/{task}")
                    left += map(int, (about / "children").read_text().split())
                    # one thread speaks for all, but one that has ended is silent, and it may be the first
                    if not counted and (said := memory((about / "status").read_text(errors="replace"))):
                        counted, resident, addresses = True, resident + said[0], addresses + said[1]
    return resident, addresses


def memory(status: str) -> tuple[int, int] | None:
    said = dict(line.split(":", 1) for line in status.splitlines() if line.startswith(("Vm", "Rss")))
    if "VmSize" not in said:
        return None
    kib = {name: int(value.split()[0]) for name, value in said.items()}
    return (kib["RssAnon"] + kib["RssShmem"] + kib["VmSwap"] + kib["VmPTE"]) * KIB, kib["VmSize"] * KIB


class Cgroup:
    """A cgroup of this seal alone, or nothing where none can be made."""

    def __init__(self, parent: str, memory_bytes: int, processes: int) -> None:
        self.folder: Path | None = None
        if not parent:
            return
        for left in Path(parent).glob("seal-*"):
            with contextlib.suppress(OSError):  # one that is in use stays
                left.rmdir()
        folder = Path(parent) / f"seal-{os.getpid()}"
        with contextlib.suppress(OSError):
            folder.mkdir()
            (folder / "memory.max").write_text(str(memory_bytes))
            (folder / "memory.oom.group").write_text("1")
            (folder / "pids.max").write_text(str(processes))
            with contextlib.suppress(OSError):  # a machine without swap may not have it
                (folder / "memory.swap.max").write_text("0")
            self.folder = folder

    def join(self) -> None:
        if self.folder:
            (self.folder / "cgroup.procs").write_text(str(os.getpid()))

    def was_full(self) -> bool:
        if not self.folder:
            return False
        events = dict(line.split() for line in (self.folder / "memory.events").read_text().splitlines())
        return int(events.get("oom_kill", "0")) > 0

    def remove(self) -> None:
        """What is still ending in it, the next seal removes."""
        if self.folder:
            with contextlib.suppress(OSError):
                self.folder.rmdir()


def end_when_asked() -> None:
    """From now on SIGTERM raises `SystemExit` here, so that `end_all` is come to; and what bubblewrap leaves becomes our child.

    bubblewrap ties its processes to each other only when it is through with its work: killed while it starts, it leaves its
    first process, and all that this starts later, to whoever collects orphans.
    """

    def end(*_: object) -> None:
        sys.exit(128 + signal.SIGTERM)

    LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1)
    signal.signal(signal.SIGTERM, end)


def end_all() -> None:
    """End every process of the seal, and return when none is left."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    me = os.getpid()
    while True:
        for child in Path(f"/proc/{me}/task/{me}/children").read_text().split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(child), signal.SIGKILL)
        try:
            os.waitpid(-1, 0)  # before it can be waited for, its own children are ours
        except ChildProcessError:
            return


def start(command: list[str], cgroup: Cgroup) -> int:
    """Start the seal in `cgroup`. When the machine's memory runs out, it is the first to go."""
    watcher = os.getpid()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})  # between a child and knowing of it
    child = os.fork()
    if child == 0:
        try:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
            LIBC.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL))  # should this watcher be killed so that it cannot end it
            if os.getppid() != watcher:
                os._exit(127)
            cgroup.join()
            with contextlib.suppress(OSError):
                Path("/proc/self/oom_score_adj").write_text("1000")
            os.execv(command[0], command)  # noqa: S606  # a list, no shell
        finally:
            os._exit(127)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    return child


def watch(child: int, resident: int, addresses: int) -> int:
    """Wait for the end of `child`, or end it. The status to leave with."""
    ended = select.poll()
    ended.register(os.pidfd_open(child), select.POLLIN)
    part = 0.0
    while not ended.poll(SHORT_PAUSE_MS if part > 1 / 2 else PAUSE_MS):
        held = taken(child)
        part = max(held[0] / resident, held[1] / addresses)
        if part > 1:
            return TOO_MUCH_MEMORY
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return status if status >= 0 else 128 - status


def main(parent: str, resident: str, addresses: str, limit: str, processes: str, cgroups: str, *command: str) -> int:
    if LIBC.prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM)) or os.getppid() != int(parent):
        return 1
    end_when_asked()
    cgroup = Cgroup(cgroups, int(limit), int(processes))
    try:
        child = start(list(command[1:]), cgroup)
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, 0, -10)  # what it watches must not starve it; only root may
        status = watch(child, int(resident), int(addresses))
        if cgroup.was_full():
            status = TOO_MUCH_MEMORY
    finally:
        end_all()
        cgroup.remove()
    return status


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
