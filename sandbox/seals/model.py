"""Defines a seal: a program, what it may see, what it may write, and how much of the machine it may use.

A `Seal` is a frozen value. It names no mechanism: `bubblewrap.py` turns it into an argument list, another
adapter may turn it into a pod. What a seal does not name does not exist inside it: no file, no variable, no
network, no process.
"""

from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Protocol

from sandbox.errors import InvalidInput

MIB = 1024 * 1024


@dataclass(frozen=True)
class Limits:
    """How much one sealed process tree may use; everything is a number, nothing is unlimited."""

    memory_bytes: int = 4096 * MIB  # address space of each process
    tree_bytes: int = 4096 * MIB  # memory of all processes together; the folders in memory come on top
    processes: int = 128  # threads count as processes
    open_files: int = 256  # of each process
    file_bytes: int = 256 * MIB  # the largest file that may be written
    cpu_seconds: int = 12 * 3600  # of each process
    home_bytes: int = 256 * MIB  # the working folder, in memory, gone with the seal
    tmp_bytes: int = 256 * MIB
    shm_bytes: int = 64 * MIB

    @property
    def all_bytes(self) -> int:
        """Memory of all processes and of the folders in memory."""
        return self.tree_bytes + self.home_bytes + self.tmp_bytes + self.shm_bytes

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value < 1:
                raise InvalidInput(f"the limit {name} must be at least 1, not {value}")


@dataclass(frozen=True)
class Bind:
    """A folder or file of the host, `source`, that the seal shows at `target`."""

    source: str
    target: str

    def __post_init__(self) -> None:
        for path in (self.source, self.target):
            if not path.startswith("/") or ".." in PurePosixPath(path).parts or "\0" in path:
                raise InvalidInput(f"a seal binds absolute, plain paths only, not {path!r}")
            if PurePosixPath(path) == PurePosixPath("/"):
                raise InvalidInput("a seal never binds the root of the file system")


@dataclass(frozen=True)
class Seal:
    """One program in its seal. `readable`, `own`, `doors` and `writable` are all of the host that it sees
    beside the system's /usr.

    `readable` is what other seals see too, folders only: each seal gets inodes of its own over them. `own`
    and `writable` are folders that this seal alone is shown. `doors` are folders with sockets of trusted
    processes, which more seals may be shown. `texts` are small files of its own: path, content.
    """

    command: tuple[str, ...]
    readable: tuple[Bind, ...] = ()
    own: tuple[Bind, ...] = ()
    doors: tuple[Bind, ...] = ()
    writable: tuple[Bind, ...] = ()
    texts: tuple[tuple[str, str], ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    scratch: tuple[
        tuple[str, int], ...
    ] = ()  # more sized folders in memory beside its home, gone with it: path, bytes
    limits: Limits = field(default_factory=Limits)
    folder: str = "/home/analyst"  # where it starts: a sized folder in memory, the only home there is
    name: str = "seal"  # what its host user is derived from: no two seals that run at once share it
    network: bool = (
        True  # whether it may have sockets of the internet's family, in an empty network of its own
    )
    narrowing: bool = False  # whether its processes may give up more system calls (prctl(2), PR_SET_SECCOMP)

    def __post_init__(self) -> None:
        if not self.command or not self.command[0].startswith("/"):
            raise InvalidInput("a seal's command starts with an absolute path")
        targets = [
            *(bind.target for bind in self.binds),
            *(path for path, _ in self.scratch),
            *(path for path, _ in self.texts),
        ]
        if len(targets) != len(set(targets)):
            raise InvalidInput("two binds of a seal have the same target")

    @property
    def binds(self) -> tuple[Bind, ...]:
        return (*self.readable, *self.own, *self.doors, *self.writable)

    @property
    def all_bytes(self) -> int:
        """Memory of all processes and of every folder in memory."""
        return self.limits.all_bytes + sum(size for _, size in self.scratch)


class SealedProcess(Protocol):
    """A program that runs in a seal; ending it ends everything that it started."""

    pid: int

    def poll(self) -> int | None: ...

    def wait(self, timeout: float | None = None) -> int: ...

    def kill(self) -> None: ...
