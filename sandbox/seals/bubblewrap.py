"""The seal that bubblewrap makes: a pure list of arguments, and the one place that starts it.

As root, bubblewrap makes the mounts with root's own rights (an interpreter may lie under a home that only
root can read) and `setpriv` then gives up every right: the program runs as a host user that belongs to its
seal alone. As an ordinary user, a user namespace gives the rights to mount, and the program keeps that user's
number. Recipe: bwrap(1), setpriv(1), prlimit(1).

No two seals see one inode that either could lock, watch or touch. What both may read is an overlay
(overlayfs.rst): each mount of it has inodes of its own. Small files are copied. Devices cannot be had twice
by an ordinary user: `watch.py` makes them read-only, and this process holds a shared lock on the whole of
each, so that a seal can neither have an exclusive one nor learn of another's; and so it does with the one
inode of all eventfds and their like. There is no /proc: its root alone tells how many processes the machine
has (st_nlink), and /proc/self which pages of a common file somebody else has mapped.
"""

import fcntl
import os
import signal
import struct
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import IO, Final

from sandbox.errors import Unavailable
from sandbox.seals import syscalls
from sandbox.seals.host import Host, this_host
from sandbox.seals.model import Seal, SealedProcess

NAMESPACES = ("--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-net", "--unshare-cgroup-try")
USER_NAMESPACE = ("--unshare-user", "--uid", "1000", "--gid", "1000", "--cap-drop", "ALL")
# the three rights that setpriv needs to give up all rights
RIGHTS_TO_DROP_RIGHTS = (
    "--cap-drop",
    "ALL",
    "--cap-add",
    "CAP_SETUID",
    "--cap-add",
    "CAP_SETGID",
    "--cap-add",
    "CAP_SETPCAP",
)

SHUT, SHUT_SECONDS = Path(__file__).with_name("remount_readonly.py"), 20
WATCH = Path(__file__).with_name("watch.py")
OWN_PROCESSES = 4  # bubblewrap's
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
EVENTS = "anon_inode"
"""What an eventfd, an epoll, a timerfd and a signalfd have for an inode:
the kernel has one for all of the machine."""
F_OFD_SETLK: Final = 37
HELD: dict[tuple[int, int], int] = {}
"""Descriptors with a lock, by device and inode:
as long as this process lives, and so any seal that it started."""
TOO_MUCH_PROCESSOR = 128 + signal.SIGXCPU  # the exit status of a program that used up its processor time
PENDING_SIGNALS = 1024  # counted for each user of the machine
DEV_BYTES = 1024 * 1024
SHARED_MEMORY, TEMPORARY = "/dev/shm", "/tmp"  # noqa: S108  # the seal's own, in memory


class WatchedProcess(subprocess.Popen[bytes]):
    """The program that watches a seal (watch.py).
    `kill` asks it to end: it kills the seal, whatever that came to, and ends when nothing of it is left.
    Killed itself it could not, and bubblewrap that is still starting would go on."""

    def send_signal(self, sig: int) -> None:
        super().send_signal(signal.SIGTERM if sig == signal.SIGKILL else sig)


def hold(path: str) -> None:
    """Take a shared lock of both kinds on all of `path`, or of `EVENTS`, before any seal of this process can.

    Then nobody gets an exclusive lock there, a shared one says nothing, and `F_GETLK` answers with the first
    lock in the inode's list, which is ours and not that of a seal (fs/locks.c: a new owner is added at the
    end). Raises Unavailable.
    """
    try:
        descriptor = os.eventfd(0) if path == EVENTS else os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        about = os.fstat(descriptor)
        if (about.st_dev, about.st_ino) in HELD:
            os.close(descriptor)
            return
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        fcntl.fcntl(descriptor, F_OFD_SETLK, struct.pack("hhqqi4x", fcntl.F_RDLCK, os.SEEK_SET, 0, 0, 0))
    except OSError as failed:
        raise Unavailable(
            f"Programs cannot be sealed: {path} is locked or missing.",
            remedy=f"End the program that holds a lock on {path} (lslocks says which), and start again.",
            zh=f"程序无法密封：{path} 已被锁定或不存在。",
            remedy_zh=f"请结束锁定 {path} 的程序（可用 lslocks 查看），然后重新启动。",
            internal=str(failed),
        ) from failed
    HELD[about.st_dev, about.st_ino] = descriptor


class Bubblewrap:
    """The seals of this machine. Making one reads the machine; Unavailable says what is missing."""

    waived: frozenset[str] = frozenset()  # walls of probe.py that are not its own
    own_kernel = False
    watch: tuple[str, ...] = (sys.executable, "-I", "-S", str(WATCH))
    shutter: tuple[str, ...] = (sys.executable, "-I", "-S", str(SHUT))

    def __init__(self, host: Host | None = None) -> None:
        self.host = host or this_host()
        for common in (*DEVICES, EVENTS):
            hold(common)

    def programs(self, seal: Seal) -> syscalls.Programs:
        return syscalls.programs(network=seal.network, narrowing=seal.narrowing)

    def start(self, seal: Seal, *, output: IO[bytes] | int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
        """Start the program; `output` takes what it writes to stdout and stderr.
        Call from a thread that lives on: the seal ends with the thread that made it. What is returned watches
        the seal, and is its parent."""
        for door in seal.doors:
            hold(door.source)
        programs = self.programs(seal)
        opened: list[int] = []

        def given(content: bytes) -> int:
            opened.append(syscalls.as_descriptor(content))
            return opened[-1]

        try:
            filters = [given(program) for program in programs.filters]
            texts = {path: given(content) for path, content in files_of(seal, self.host).items()}
            answered = given(programs.answered) if programs.answered else -1
            command = [
                *self.watch,
                *watched(seal, self.host, os.getpid(), answered),
                *self.line(seal, filters, texts),
            ]
            return WatchedProcess(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=opened,
                close_fds=True,
                cwd="/",
                env={},
            )
        except OSError as failed:
            raise Unavailable(
                "The seal could not be started.",
                remedy="Run `cihu up` to see what is missing.",
                zh="密封无法启动。",
                remedy_zh="请运行 `cihu up` 查看缺少什么。",
                internal=str(failed),
            ) from failed
        finally:
            for descriptor in opened:
                os.close(descriptor)

    def line(self, seal: Seal, filters: list[int], texts: Mapping[str, int]) -> list[str]:
        return arguments(seal, self.host, filters, texts)

    def shut(self, process: SealedProcess, folder: str) -> None:
        """From now on the sealed program may read `folder`, one of its writable binds,
        and write nothing to it. Raises Unavailable; then end the process."""
        command = [*self.shutter, str(first_of(process)), folder]
        done = subprocess.run(
            command, capture_output=True, check=False, timeout=SHUT_SECONDS, env={}, cwd="/"
        )
        if done.returncode:
            raise Unavailable(
                "A folder of the seal could not be made read-only.",
                remedy="See sandbox/seals/README.md.",
                zh="密封的一个文件夹无法改为只读。",
                remedy_zh="请参阅 sandbox/seals/README.md。",
                internal=done.stderr.decode(errors="replace")[-300:],
            )


def first_of(process: SealedProcess) -> int:
    """The first process inside a seal that was started:
    when it has ended, so has every other in it (pid_namespaces(7)). Raises Unavailable if it is gone."""
    return first_inside(child(process.pid))


def first_inside(pid: int) -> int:
    """The first process in the seal that bubblewrap's outer process `pid` made.
    Raises Unavailable if it is gone."""
    return child(pid)


def child(pid: int) -> int:
    """The first child of `pid`. Raises Unavailable if there is none."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        children = []
    if not children:
        raise Unavailable(
            "The sealed program has ended.",
            remedy="Start it again.",
            zh="密封的程序已结束。",
            remedy_zh="请重新启动。",
        )
    return int(children[0])


def watched(seal: Seal, host: Host, parent: int, answered: int) -> list[str]:
    """The arguments of the program that starts the command line after them, answers some of its calls,
    and ends it when it takes too much."""
    limits = seal.limits
    numbers = (
        parent,
        limits.tree_bytes,
        seal.all_bytes,
        limits.processes + OWN_PROCESSES,
        limits.home_bytes,
        answered,
    )
    return [*map(str, numbers), host.cgroups, ",".join(DEVICES), "--"]


def files_of(seal: Seal, host: Host) -> dict[str, bytes]:
    """The small files of a seal: copies of the system's, and its own texts."""
    files = {}
    for path in host.files:
        with suppress(OSError):  # the system replaces it just now; programs live without
            files[path] = Path(path).read_bytes()
    return files | {path: text.encode() for path, text in seal.texts}


def arguments(
    seal: Seal,
    host: Host,
    filters: list[int],
    texts: Mapping[str, int],
    *,
    rights: tuple[str, ...] = (),
    first: tuple[str, ...] = (),
    proc: bool = False,
) -> list[str]:
    """The whole command line of `seal` on `host`, with its filters and the content of its files at
    these file descriptors.

    `first`, a program that becomes what stands after it, has some more `rights`, and must lead to one that
    gives them up. `proc`: with /proc, for a program that makes a kernel of its own.
    """
    made = [host.bwrap, *NAMESPACES, *(RIGHTS_TO_DROP_RIGHTS if host.root else USER_NAMESPACE), *rights]
    made += ["--hostname", "sealed", "--die-with-parent", "--new-session", "--clearenv"]
    for name, value in seal.environment:
        made += ["--setenv", name, value]
    made += (
        system(host) + (["--proc", "/proc"] if proc else []) + memory(seal) + folders(seal) + copies(texts)
    )
    made += ["--remount-ro", "/", "--chdir", seal.folder]
    for descriptor in filters:
        made += ["--add-seccomp-fd", str(descriptor)]
    return [*made, "--", *first, *given_up(seal, host), *limited(seal, host), *seal.command]


def system(host: Host) -> list[str]:
    made = parents(list(host.folders))
    for folder in host.folders:
        made += overlay(folder, folder)
    for path, target in host.links:
        made += ["--symlink", target, path]
    return made


def overlay(source: str, target: str) -> list[str]:
    """`source` under inodes that this seal alone has.
    It has an upper layer, in the seal's own memory, so that its free space (statfs(2)) is not that of the
    disk; nothing is written there."""
    return ["--overlay-src", source, "--tmp-overlay", target, "--remount-ro", target]


def copies(texts: Mapping[str, int]) -> list[str]:
    made = parents(list(texts))
    for path, descriptor in texts.items():
        made += ["--perms", "0444", "--ro-bind-data", str(descriptor), path]
    return made


def memory(seal: Seal) -> list[str]:
    """Folders in memory, each with its size.
    No pseudo-terminals: there is one purse of them for the whole machine."""
    limits = seal.limits
    made = ["--perms", "0755", "--size", str(DEV_BYTES), "--tmpfs", "/dev"]
    for device in DEVICES:
        made += ["--dev-bind", device, device]
    made += [*sized(SHARED_MEMORY, limits.shm_bytes), "--remount-ro", "/dev"]
    made += sized(TEMPORARY, limits.tmp_bytes)
    for folder, size in ((seal.folder, limits.home_bytes), *seal.scratch):
        made += [*parents([folder]), *sized(folder, size)]
    return made


def sized(folder: str, size: int) -> list[str]:
    return ["--perms", "1777", "--size", str(size), "--tmpfs", folder]


def folders(seal: Seal) -> list[str]:
    made = parents([bind.target for bind in seal.binds])
    for bind in seal.readable:
        made += overlay(bind.source, bind.target)
    for bind in (*seal.own, *seal.doors):
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
    return [
        host.setpriv,
        "--reuid",
        user,
        "--regid",
        user,
        "--clear-groups",
        "--inh-caps=-all",
        "--ambient-caps=-all",
        "--bounding-set=-all",
        "--no-new-privs",
        "--",
    ]


def limited(seal: Seal, host: Host) -> list[str]:
    return [host.prlimit, *limits_of(seal), "--"]


def limits_of(seal: Seal) -> list[str]:
    """The arguments of prlimit(1)."""
    limits = seal.limits
    return [
        f"--as={limits.memory_bytes}",
        f"--nproc={limits.processes}",
        f"--nofile={limits.open_files}",
        f"--fsize={limits.file_bytes}",
        f"--cpu={limits.cpu_seconds}:{limits.cpu_seconds + 5}",
        "--core=0",
        "--memlock=65536",
        f"--sigpending={PENDING_SIGNALS}",
        "--msgqueue=0",
        "--rtprio=0",
        "--nice=0",
    ]
