"""Finds what ended a process: an exit status, or a signal, and whether the machine's out-of-memory killer was
at work.

An out-of-memory kill looks like any other SIGKILL to the waiting process. The kernel counts them, though: for
each cgroup (memory.events, cgroup-v2.rst) and for the whole machine (oom_kill of /proc/vmstat). So the counts
are taken when a process starts, and compared when it has ended.
"""

import signal
from dataclasses import dataclass
from pathlib import Path

SHELL_SIGNAL = 128  # a program that waits for another (bubblewrap, a shell) ends with 128 + its signal


@dataclass(frozen=True)
class OutOfMemoryKills:
    """How many there have been so far in our cgroup and on this machine; None where that cannot be read."""

    cgroup: int | None
    machine: int | None


def out_of_memory_kills(
    proc: Path = Path("/proc"), cgroups: Path = Path("/sys/fs/cgroup")
) -> OutOfMemoryKills:
    return OutOfMemoryKills(counted(cgroup_of(proc, cgroups) / "memory.events"), counted(proc / "vmstat"))


def cgroup_of(proc: Path, cgroups: Path) -> Path:
    """Our folder in cgroup v2, as /proc/self/cgroup says it (`0::/path`)."""
    try:
        lines = (proc / "self" / "cgroup").read_text().splitlines()
    except OSError:
        lines = []
    path = next((line[3:] for line in lines if line.startswith("0::")), "/")
    return cgroups / path.lstrip("/")


def counted(file: Path) -> int | None:
    """The line `oom_kill N` of a file."""
    try:
        rows = (line.split() for line in file.read_text().splitlines())
        return next((int(row[1]) for row in rows if row[0] == "oom_kill"), None)
    except (OSError, ValueError, IndexError):
        return None


@dataclass(frozen=True)
class Ended:
    """`status` as Popen.returncode: negative for a signal.
    `before` and `after`: counts at its start and its end."""

    status: int
    before: OutOfMemoryKills
    after: OutOfMemoryKills

    @property
    def signal(self) -> str:
        """The name of the signal that ended it, or of that which ended the program it waited for;
        empty for none."""
        number = -self.status if self.status < 0 else self.status - SHELL_SIGNAL
        try:
            return signal.Signals(number).name
        except ValueError:
            return ""

    def words(self) -> str:
        if not self.signal:
            return f"exit status {self.status}"
        inner = f" (exit status {self.status})" if self.status > 0 else ""
        return f"signal {self.signal}{inner}{self._memory() if self.signal == 'SIGKILL' else ''}"

    def _memory(self) -> str:
        for where, before, after in (
            ("its cgroup", self.before.cgroup, self.after.cgroup),
            ("this machine", self.before.machine, self.after.machine),
        ):
            if before is not None and after is not None and after > before:
                return (
                    f", and the kernel counted {after - before} out-of-memory kills in "
                    f"{where} since it started: it has probably run out of memory (see `dmesg`)"
                )
        if self.after.cgroup is None and self.after.machine is None:
            return "; whether it ran out of memory cannot be read here (see `dmesg`)"
        return "; the kernel counted no out-of-memory kill since it started, so somebody sent it"
