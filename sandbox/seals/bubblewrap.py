"""How is a seal made with bubblewrap? A pure list of arguments, and the one place that starts it.

As root, bubblewrap makes the mounts with root's own rights (an interpreter may lie under a home that only root can
read) and `setpriv` then gives up every right: the program runs as a host user that belongs to its seal alone. As an
ordinary user, a user namespace gives the rights to mount, and the program keeps that user's number.
Recipe: bwrap(1), setpriv(1), prlimit(1).
"""

import os
import signal
import subprocess
import sys
from pathlib import Path, PurePosixPath
from typing import IO

from sandbox.errors import Unavailable
from sandbox.seals import syscalls
from sandbox.seals.host import Host, this_host
from sandbox.seals.model import Seal, SealedProcess

NAMESPACES = ("--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-net", "--unshare-cgroup-try")
USER_NAMESPACE = ("--unshare-user", "--uid", "1000", "--gid", "1000", "--cap-drop", "ALL")
# the three rights that setpriv needs to give up all rights
RIGHTS_TO_DROP_RIGHTS = ("--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID",
                         "--cap-add", "CAP_SETPCAP")

SHUT, SHUT_SECONDS = Path(__file__).with_name("shut.py"), 20
WATCH = Path(__file__).with_name("watch.py")
OWN_PROCESSES = 4  # bubblewrap's
SHARED_MEMORY, TEMPORARY = "/dev/shm", "/tmp"  # noqa: S108  # the seal's own, in memory


class WatchedProcess(subprocess.Popen[bytes]):
    """The program that watches a seal (watch.py). `kill` asks it to end: it kills the seal, whatever that came to, and ends
    when nothing of it is left. Killed itself it could not, and bubblewrap that is still starting would go on."""

    def send_signal(self, sig: int) -> None:
        super().send_signal(signal.SIGTERM if sig == signal.SIGKILL else sig)


class Bubblewrap:
    """The seals of this machine. Making one reads the machine; Unavailable says what is missing."""

    waived: frozenset[str] = frozenset()  # walls of probe.py that are not its own
    own_kernel = False

    def __init__(self, host: Host | None = None) -> None:
        self.host = host or this_host()
        self.programs = syscalls.programs()

    def start(self, seal: Seal, *, output: IO[bytes] | int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
        """Start the program; `output` takes what it writes to stdout and stderr. Call from a thread that lives on:
        the seal ends with the thread that made it. What is returned watches the seal, and is its parent."""
        filters = [syscalls.as_descriptor(program) for program in self.programs]
        command = [*watched(seal, self.host, os.getpid()), *self.line(seal, filters)]
        try:
            return WatchedProcess(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, pass_fds=filters,
                                    close_fds=True, cwd="/", env={})
        except OSError as failed:
            raise Unavailable("The seal could not be started.", mend="Run `cihu up` to see what is missing.",
                              internal=str(failed)) from failed
        finally:
            for descriptor in filters:
                os.close(descriptor)

    def line(self, seal: Seal, filters: list[int]) -> list[str]:
        return arguments(seal, self.host, filters)

    def shut(self, process: SealedProcess, folder: str) -> None:
        """From now on the sealed program may read `folder`, one of its writable binds, and write nothing to it.
        Raises Unavailable; then end the process."""
        command = [sys.executable, "-I", "-S", str(SHUT), str(first_of(process)), folder]
        done = subprocess.run(command, capture_output=True, check=False, timeout=SHUT_SECONDS, env={}, cwd="/")
        if done.returncode:
            raise Unavailable("A folder of the seal could not be shut.", mend="See sandbox/seals/README.md.",
                              internal=done.stderr.decode(errors="replace")[-300:])


def first_of(process: SealedProcess) -> int:
    """The first process inside a seal that was started: when it has ended, so has every other in it (pid_namespaces(7)).
    Raises Unavailable if it is gone."""
    return first_inside(child(process.pid))


def first_inside(pid: int) -> int:
    """The first process in the seal that bubblewrap's outer process `pid` made. Raises Unavailable if it is gone."""
    return child(pid)


def child(pid: int) -> int:
    """The first child of `pid`. Raises Unavailable if there is none."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        children = []
    if not children:
        raise Unavailable("The sealed program has ended.", mend="Start it again.")
    return int(children[0])


def watched(seal: Seal, host: Host, parent: int) -> list[str]:
    """The program that starts the command line after it, and ends it when it takes too much."""
    limits = seal.limits
    numbers = (parent, limits.tree_bytes, limits.tree_address_bytes, seal.all_bytes, limits.processes + OWN_PROCESSES)
    return [sys.executable, "-I", "-S", str(WATCH), *map(str, numbers), host.cgroups, "--"]


def arguments(seal: Seal, host: Host, filters: list[int], *, rights: tuple[str, ...] = (),
              first: tuple[str, ...] = ()) -> list[str]:
    """The whole command line of `seal` on `host`, with its filters at these file descriptors.

    `first`, a program that becomes what stands after it, has some more `rights`, and must lead to one that gives them up.
    """
    made = [host.bwrap, *NAMESPACES, *(RIGHTS_TO_DROP_RIGHTS if host.root else USER_NAMESPACE), *rights]
    made += ["--hostname", "sealed", "--die-with-parent", "--new-session", "--clearenv"]
    for name, value in seal.environment:
        made += ["--setenv", name, value]
    made += system(host) + memory(seal) + folders(seal) + ["--remount-ro", "/", "--chdir", seal.folder]
    for descriptor in filters:
        made += ["--add-seccomp-fd", str(descriptor)]
    return [*made, "--", *first, *given_up(seal, host), *limited(seal, host), *seal.command]


def system(host: Host) -> list[str]:
    made: list[str] = []
    for folder in host.folders:
        made += ["--ro-bind", folder, folder]
    for path, target in host.links:
        made += ["--symlink", target, path]
    made += parents(list(host.files))
    for file in host.files:
        made += ["--ro-bind", file, file]
    return [*made, "--proc", "/proc"]


def memory(seal: Seal) -> list[str]:
    """Folders in memory, each with its size: plain --dev would leave half the machine's memory writable."""
    limits = seal.limits
    made = ["--dev", "/dev", *sized(SHARED_MEMORY, limits.shm_bytes), "--remount-ro", "/dev"]
    made += sized(TEMPORARY, limits.tmp_bytes)
    for folder, size in ((seal.folder, limits.home_bytes), *seal.scratch):
        made += [*parents([folder]), *sized(folder, size)]
    return made


def sized(folder: str, size: int) -> list[str]:
    return ["--perms", "1777", "--size", str(size), "--tmpfs", folder]


def folders(seal: Seal) -> list[str]:
    made = parents([bind.target for bind in (*seal.readable, *seal.writable)])
    for bind in seal.readable:
        made += ["--ro-bind", bind.source, bind.target]
    for bind in seal.writable:
        made += ["--bind", bind.source, bind.target]
    return made


def parents(targets: list[str]) -> list[str]:
    """Make the folders above each target passable: bubblewrap's own would be root's alone."""
    above = {str(parent) for target in targets for parent in PurePosixPath(target).parents} - {"/"}
    made: list[str] = []
    for folder in sorted(above):
        made += ["--perms", "0755", "--dir", folder]
    return made


def given_up(seal: Seal, host: Host) -> list[str]:
    if not host.root:
        return []
    user = str(host.user(seal.name))
    return [host.setpriv, "--reuid", user, "--regid", user, "--clear-groups", "--inh-caps=-all", "--ambient-caps=-all",
            "--bounding-set=-all", "--no-new-privs", "--"]


def limited(seal: Seal, host: Host) -> list[str]:
    return [host.prlimit, *limits_of(seal), "--"]


def limits_of(seal: Seal) -> list[str]:
    """The arguments of prlimit(1)."""
    limits = seal.limits
    return [f"--as={limits.memory_bytes}", f"--nproc={limits.processes}", f"--nofile={limits.open_files}",
            f"--fsize={limits.file_bytes}", f"--cpu={limits.cpu_seconds}", "--core=0", "--memlock=65536",
            "--msgqueue=0", "--rtprio=0", "--nice=0"]
