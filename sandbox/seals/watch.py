"""The parent of a seal: it starts it, answers some of its calls,
and ends it when its processes take too much memory together. Run as a program:

    python watch.py PARENT USED MEMORY PROCESSES HOME ANSWERED CGROUPS DEVICES -- BUBBLEWRAP...

The seal is this program's child, so it cannot be without it: who ends this ends the seal, and an error here
does too. It is asked to end by SIGTERM, which is also what it gets when its parent ends, and ends when
nothing of the seal is left. It looks some times a second; and where CGROUPS names a folder of cgroup v2 in
which a cgroup may be made, the kernel itself keeps to MEMORY and PROCESSES. ANSWERED is a descriptor with the
filter whose calls are answered here (`Answers`), -1 for none. Before the seal, the DEVICES become read-only
in a mount namespace of its own: or `touch /dev/null` could be seen in another seal. Needs the standard
library alone; imports nothing of ours. Sources: proc(5), cgroup-v2.rst (Linux), prctl(2), pidfd_open(2),
seccomp_unotify(2), user_namespaces(7), sysinfo(2), getrusage(2), statfs(2), stat(2), statx(2).
"""

import _socket
import contextlib
import ctypes
import errno
import fcntl
import os
import platform
import re
import select
import signal
import stat
import struct
import sys
import time
from pathlib import Path

PAUSE_MS, SHORT_PAUSE_MS = 200, 25  # the short one when half of the limit is reached
LOOK_PART = 10  # a slow look makes the pause at least this many times as long
TOO_MUCH_MEMORY = 91  # this program's status when it ended the seal
NOT_SEALED = 127
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 1, 36, 38
KIB, PAGE = 1024, 4096
LIBC = ctypes.CDLL(None, use_errno=True)

CLONE_NEWNS, CLONE_NEWUSER = 0x00020000, 0x10000000
MS_RDONLY, MS_REMOUNT, MS_BIND, MS_REC, MS_SLAVE = 1, 32, 4096, 16384, 1 << 19
# statvfs says it, mount(2) takes it: flags that a namespace may not drop must be named again
KEPT = {
    os.ST_NOSUID: 2,
    os.ST_NODEV: 4,
    os.ST_NOEXEC: 8,
    os.ST_NOATIME: 1024,
    os.ST_NODIRATIME: 2048,
    os.ST_RELATIME: 1 << 21,
}

SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER = 1, 8
SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV = 32  # Linux 5.19: no signal interrupts a call that is being answered
NOTIF_RECV, NOTIF_SEND, NOTIF_ID_VALID = 0xC0502100, 0xC0182101, 0x40082102
NUMBERS = {  # of system calls; libc has no name for seccomp
    "x86_64": {
        "seccomp": 317,
        "sysinfo": 99,
        "statfs": 137,
        "fstatfs": 138,
        "getrusage": 98,
        "link": 86,
        "linkat": 265,
        "fstat": 5,
        "newfstatat": 262,
        "statx": 332,
    },
    "aarch64": {
        "seccomp": 277,
        "sysinfo": 179,
        "statfs": 43,
        "fstatfs": 44,
        "getrusage": 165,
        "linkat": 37,
        "fstat": 80,
        "newfstatat": 79,
        "statx": 291,
    },
}
# size of a struct, and where it has the inode's number (64 bits), the user (32, and after it
# the group) and the mode
STAT = {"x86_64": (144, 8, 28, 24), "aarch64": (128, 8, 24, 16)}
STATX, STATX_DEVICE = (256, 32, 20, 28), 136
NO_NUMBER = 1
OVERFLOW_ID = 65534  # what a user namespace shows for a user that has no number there
TMPFS_MAGIC, LONGEST_NAME = 0x01021994, 255
AT_FDCWD, AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH = -100, 0x100, 0x1000
LOW_32_BITS = 0xFFFFFFFF
SEMAPHORE = re.compile(rb"/dev/shm/sem\.[A-Za-z0-9_.-]{1,200}")


def memory(status: str) -> tuple[int, int] | None:
    """What /proc/PID/status says: bounds on the memory that is held, and on the addresses that are reserved,
    in bytes."""
    sizes = dict(line.split(":", 1) for line in status.splitlines() if line.startswith(("Vm", "Rss")))
    if "VmSize" not in sizes:
        return None
    kib = {name: int(value.split()[0]) for name, value in sizes.items()}
    return (kib["RssAnon"] + kib["RssShmem"] + kib["VmSwap"] + kib["VmPTE"]) * KIB, kib["VmSize"] * KIB


def processes(first: int) -> list[tuple[Path, int, int]]:
    """`first` and all below it: a living thread of each, and what `memory` says of it."""
    seen: list[tuple[Path, int, int]] = []
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
                    if not counted and (sizes := memory((about / "status").read_text(errors="replace"))):
                        counted = True
                        seen.append((about, *sizes))
    return seen


def used(first: int, limit: int) -> int:
    """The memory that the process `first` and all below it use, in bytes; what they share counts once.

    What is resident is the upper bound of the cheap look. Where that, or the addresses, leave room for too
    much, each page is counted by its share (Pss), and anonymous shared memory by its inode: it is kept while
    none of it is resident in any process, and files in memory have a size of their own.
    """
    seen = processes(first)
    most = sum(held for _, held, _ in seen)
    if most <= limit / 2 and sum(addresses for *_, addresses in seen) <= limit:
        return most
    total, shared = 0, {}
    for about, held, _ in seen:
        try:
            if rollup := (about / "smaps_rollup").read_text():  # nothing stands there once its memory is gone
                total += of_its_own(rollup)
                shared.update(shared_memory(about))
        except (
            FileNotFoundError,
            ProcessLookupError,
        ):  # it ended: what it shared, others have
            continue
        except (
            OSError,
            KeyError,
        ):  # this container's root may not look, or an old kernel: whole
            total += held
    return total + sum(shared.values())


def of_its_own(rollup: str) -> int:
    """What /proc/PID/smaps_rollup says of memory without a file: its share of each page, in bytes."""
    sizes = dict(line.split(":", 1) for line in rollup.splitlines()[1:] if ":" in line)
    return sum(int(sizes[name].split()[0]) for name in ("Pss_Anon", "SwapPss")) * KIB


def shared_memory(about: Path) -> dict[str, int]:
    """Inode -> bytes of the anonymous memory that a process shares:
    what is allocated, or where that cannot be read, its addresses."""
    shared: dict[str, int] = {}
    for line in (about / "maps").read_text(errors="replace").splitlines():
        if "/dev/zero (deleted)" not in line:
            continue
        addresses, _, offset, _, inode = line.split()[:5]
        start, end = (int(number, 16) for number in addresses.split("-"))
        try:
            size = os.stat(about.parent.parent / "map_files" / addresses).st_blocks * 512  # noqa: PTH116
        except OSError:
            size = int(offset, 16) + end - start
        shared[inode] = max(size, shared.get(inode, 0))
    return shared


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
    """From now on SIGTERM raises `SystemExit` here, so that `end_all` is come to;
    and what bubblewrap leaves becomes our child.

    bubblewrap ties its processes to each other only when it is through with its work: killed while it starts,
    it leaves its first process, and all that this starts later, to whoever collects orphans.
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


class Refused(Exception):
    """The call fails with this error."""

    def __init__(self, number: int) -> None:
        self.number = number


class Answers:
    """The answers to the calls that the kernel would answer with the machine's numbers,
    for the processes of one seal.

    A call is done here, on copies of its arguments, or refused: none goes on to the kernel, which would read
    arguments again that another thread has changed meanwhile.
    """

    def __init__(self, listener: int, memory_bytes: int, processes: int, home_bytes: int) -> None:
        self.listener, self.memory_bytes, self.processes, self.home_bytes = (
            listener,
            memory_bytes,
            processes,
            home_bytes,
        )
        self.machine_type = platform.machine()
        self.numbers = NUMBERS.get(self.machine_type, {})
        self.calls = {number: name for name, number in self.numbers.items() if name != "seccomp"}
        self.identity = os.geteuid() == 0  # then the seal has no user namespace
        memory = os.memfd_create("device")
        self.memory_device = os.fstat(memory).st_dev
        os.close(memory)

    def answer(self) -> None:
        request = bytearray(80)
        try:
            fcntl.ioctl(self.listener, NOTIF_RECV, request)
        except OSError:
            return  # who asked is gone
        id, pid, _, number, _, _, *arguments = struct.unpack("QIIiIQ6Q", request)
        error = 0
        try:
            memory = os.open(f"/proc/{pid}/mem", os.O_RDWR)
            try:
                self.do(self.calls.get(number, ""), Asked(self.listener, id, pid, memory), arguments)
            finally:
                os.close(memory)
        except Refused as refused:
            error = -refused.number
        except OSError as failed:
            error = -(failed.errno or errno.EPERM)
        with contextlib.suppress(OSError):
            fcntl.ioctl(self.listener, NOTIF_SEND, struct.pack("QqiI", id, 0, error, 0))

    def do(self, call: str, asked: "Asked", arguments: list[int]) -> None:
        if call == "newfstatat":
            self.stat(call, asked, *arguments[:2], to=arguments[2], flags=arguments[3])
        elif call == "statx":
            self.stat(call, asked, *arguments[:2], to=arguments[4], flags=arguments[2], mask=arguments[3])
        elif call == "fstat":
            self.stat(call, asked, arguments[0], 0, to=arguments[1], flags=AT_EMPTY_PATH)
        elif call == "sysinfo":
            asked.write(arguments[0], self.machine())
        elif call in ("statfs", "fstatfs"):
            asked.write(arguments[1], self.file_system())
        elif call == "getrusage":
            asked.write(arguments[1], usage(asked.pid, arguments[0] & LOW_32_BITS))
        elif call == "link":
            self.link(asked, arguments[0], arguments[1])
        elif call == "linkat" and arguments[4] & LOW_32_BITS == 0:
            self.link(asked, arguments[1], arguments[3])
        else:
            raise Refused(errno.EPERM if call == "linkat" else errno.ENOSYS)

    def stat(
        self, call: str, asked: "Asked", descriptor: int, path: int, *, to: int, flags: int, mask: int = 0
    ) -> None:
        """What fstat(2) and its like report about a descriptor's file,
        but for the number of what has no file: the kernel counts the pipes and sockets of the whole machine.
        A path cannot lead to one: calls with a path do not come here.
        """
        if path and asked.text(path):
            raise Refused(errno.ENOSYS)  # AT_EMPTY_PATH and a path
        descriptor &= LOW_32_BITS
        here = "cwd" if descriptor == AT_FDCWD & LOW_32_BITS else f"fd/{descriptor}"
        name = f"/proc/{asked.pid}/{here}".encode()
        flags &= LOW_32_BITS & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW)  # the name itself is a link
        layout = STATX if call == "statx" else STAT[self.machine_type]
        about = ctypes.create_string_buffer(layout[0])
        if call == "statx":
            failed = LIBC.syscall(self.numbers["statx"], AT_FDCWD, name, flags, mask & LOW_32_BITS, about)
        else:
            failed = LIBC.syscall(self.numbers["newfstatat"], AT_FDCWD, name, about, flags)
        if failed:
            number = ctypes.get_errno()
            raise Refused(errno.EBADF if number == errno.ENOENT else number)
        asked.write(to, self.without_number(bytearray(about.raw), layout, asked.pid))

    def without_number(self, about: bytearray, layout: tuple[int, int, int, int], pid: int) -> bytearray:
        _, inode, user, mode = layout
        kind = stat.S_IFMT(struct.unpack_from("H", about, mode)[0])
        if layout is STATX:
            device = os.makedev(*struct.unpack_from("II", about, STATX_DEVICE))
        else:
            device = struct.unpack_from("Q", about)[0]
        if kind in (stat.S_IFIFO, stat.S_IFSOCK) or device == self.memory_device:
            struct.pack_into("Q", about, inode, NO_NUMBER)
        if not self.identity:
            ids = struct.unpack_from("II", about, user)
            struct.pack_into(
                "II",
                about,
                user,
                inside(f"/proc/{pid}/uid_map", ids[0]),
                inside(f"/proc/{pid}/gid_map", ids[1]),
            )
        return about

    def machine(self) -> bytes:
        """struct sysinfo: the seal's memory, all of it free; the clock that every process may read anyhow."""
        uptime = int(time.clock_gettime(time.CLOCK_BOOTTIME))
        return struct.pack(
            "q3Q6QHH4x2QI4x", uptime, 0, 0, 0, self.memory_bytes, self.memory_bytes, 0, 0, 0, 0, 1, 0, 0, 0, 1
        )

    def file_system(self) -> bytes:
        """struct statfs: a folder in memory of the size of the home, whatever was asked for."""
        blocks = self.home_bytes // PAGE
        return struct.pack(
            "qq5Q2iqqq4q",
            TMPFS_MAGIC,
            PAGE,
            blocks,
            blocks,
            blocks,
            blocks,
            blocks,
            0,
            0,
            LONGEST_NAME,
            PAGE,
            0,
            0,
            0,
            0,
            0,
        )

    def link(self, asked: "Asked", old: int, new: int) -> None:
        """What sem_open(3) needs, and nothing else: from one name of a semaphore to another."""
        names = [asked.text(address) for address in (old, new)]
        if not all(SEMAPHORE.fullmatch(name) for name in names):
            raise Refused(errno.EPERM)
        folder = os.open(f"/proc/{asked.pid}/root/dev/shm", os.O_RDONLY | os.O_DIRECTORY)
        try:
            asked.still_asks()
            plain = [name.rpartition(b"/")[2] for name in names]
            os.link(plain[0], plain[1], src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
        finally:
            os.close(folder)


class Asked:
    """A call that waits for its answer: of which thread, and the memory of its process.

    What was opened or read by the thread's number is that of another process when the thread has ended
    meanwhile. So `still_asks` comes after that, and before anything is done with it.
    """

    def __init__(self, listener: int, id: int, pid: int, memory: int) -> None:
        self.listener, self.id, self.pid, self.memory = listener, id, pid, memory

    def still_asks(self) -> None:
        fcntl.ioctl(self.listener, NOTIF_ID_VALID, struct.pack("Q", self.id))

    def write(self, address: int, content: bytes | bytearray) -> None:
        self.still_asks()
        try:
            written = os.pwrite(self.memory, content, address)
        except (OSError, OverflowError):
            written = 0
        if written != len(content):
            raise Refused(errno.EFAULT)

    def text(self, address: int) -> bytes:
        """Up to its end, page by page: what lies after it need not be there."""
        self.still_asks()
        content = b""
        while b"\0" not in content and len(content) <= LONGEST_NAME:
            here = address + len(content)
            try:
                read = os.pread(self.memory, PAGE - here % PAGE, here)
            except (OSError, OverflowError):
                read = b""
            if not read:
                raise Refused(errno.EFAULT)
            content += read
        return content.partition(b"\0")[0]


def inside(path: str, outside: int) -> int:
    """The number that the user or group `outside` has in the user namespace with the map at `path`
    (user_namespaces(7))."""
    for line in Path(path).read_text().splitlines():
        first, below, count = map(int, line.split())
        if below <= outside < below + count:
            return first + outside - below
    return OVERFLOW_ID


def usage(pid: int, who: int) -> bytes:
    """struct rusage: processor time and memory.
    Nothing of how it was scheduled, or of what had to be read from a disk."""
    if who not in (0, 1, 0xFFFFFFFF):
        raise Refused(errno.EINVAL)
    path = f"/proc/{pid}/task/{pid}/stat" if who == 1 else f"/proc/{pid}/stat"
    fields = Path(path).read_text(errors="replace").rpartition(")")[2].split()
    ticks = fields[13:15] if who == 0xFFFFFFFF else fields[11:13]
    clock = os.sysconf("SC_CLK_TCK")
    times = [part for tick in map(int, ticks) for part in (tick // clock, tick % clock * 1_000_000 // clock)]
    status = Path(f"/proc/{pid}/status").read_text(errors="replace")
    peak = next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")), 0)
    return struct.pack("4q14q", *times, peak if who != 0xFFFFFFFF else 0, *([0] * 13))


def checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def unshare_mounts() -> None:
    """A mount namespace of our own; as an ordinary user, a user namespace that may have one."""
    user, group = os.geteuid(), os.getegid()
    if user:
        checked(LIBC.unshare(CLONE_NEWUSER | CLONE_NEWNS), "No permissions to create new namespace")
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {user} 1")
        Path("/proc/self/gid_map").write_text(f"0 {group} 1")
    else:
        checked(LIBC.unshare(CLONE_NEWNS), "Creating new namespace failed")
    checked(
        LIBC.mount(None, b"/", None, ctypes.c_ulong(MS_REC | MS_SLAVE), None), "Creating new namespace failed"
    )


def read_only(device: str) -> None:
    path = device.encode()
    checked(LIBC.mount(path, path, None, ctypes.c_ulong(MS_BIND), None), device)
    flags = os.statvfs(device).f_flag
    kept = sum(taken for flag, taken in KEPT.items() if flags & flag)
    checked(
        LIBC.mount(None, path, None, ctypes.c_ulong(MS_REMOUNT | MS_BIND | MS_RDONLY | kept), None), device
    )
    if not os.statvfs(device).f_flag & os.ST_RDONLY:
        raise OSError(errno.EROFS, f"{device} is still writable")


def listen(filter_: int) -> int:
    """Load the filter for this process and all below it; the descriptor by which its calls are answered."""
    program = os.read(filter_, 1 << 16)
    instructions = ctypes.create_string_buffer(program, len(program))
    loaded = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(instructions))
    if os.geteuid():
        checked(LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no new privileges")
    number = NUMBERS[platform.machine()]["seccomp"]
    flags = SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
    listener = LIBC.syscall(number, SECCOMP_SET_MODE_FILTER, flags, loaded)
    if listener < 0:
        listener = LIBC.syscall(number, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, loaded)
    os.close(filter_)  # or the seal had it: memory that nobody counts
    return checked(listener, "the seal's calls cannot be answered")


def start(command: list[str], cgroup: Cgroup, devices: list[str], filter_: int) -> tuple[int, int]:
    """Start the seal in `cgroup`; its process, and where its calls are answered.
    When the machine's memory runs out, it is the first to go."""
    watcher = os.getpid()
    ours, its = _socket.socketpair()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})  # between a child and knowing of it
    child = os.fork()
    if child == 0:
        try:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
            # should this watcher be killed so that it cannot end it
            LIBC.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL))
            if os.getppid() != watcher:
                os._exit(127)
            cgroup.join()
            with contextlib.suppress(OSError):
                Path("/proc/self/oom_score_adj").write_text("1000")
            unshare_mounts()
            for device in devices:
                read_only(device)
            if filter_ >= 0:
                its.sendmsg(
                    [b"."], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, struct.pack("i", listen(filter_)))]
                )
            os.execv(command[0], command)  # noqa: S606  # a list, no shell
        except (OSError, KeyError) as failed:
            os.write(2, f"the seal could not be made: {failed}\n".encode())
        finally:
            os._exit(NOT_SEALED)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    its.close()
    listener = -1
    if filter_ >= 0:
        os.close(filter_)
        _, rights, *_ = ours.recvmsg(1, _socket.CMSG_SPACE(4))
        listener = struct.unpack("i", rights[0][2])[0] if rights else -1
    ours.close()
    return child, listener


def watch(child: int, limit: int, answers: Answers) -> int:
    """Answer and look until the end of `child`, or end it. The status to leave with."""
    waiting = select.poll()
    process = os.pidfd_open(child)
    waiting.register(process, select.POLLIN)
    if answers.listener >= 0:
        waiting.register(answers.listener, select.POLLIN)
    next_look = 0.0
    while True:
        began = time.monotonic()
        if began >= next_look:
            part = used(child, limit) / limit
            if part > 1:
                return TOO_MUCH_MEMORY
            took = time.monotonic() - began
            next_look = began + max((SHORT_PAUSE_MS if part > 1 / 2 else PAUSE_MS) / 1000, LOOK_PART * took)
        events = dict(waiting.poll(max(0, next_look - time.monotonic()) * 1000))
        if process in events:
            break
        if answers.listener in events:
            if events[answers.listener] & select.POLLIN:
                answers.answer()
            else:  # nobody is left who could ask
                waiting.unregister(answers.listener)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return status if status >= 0 else 128 - status


def main(
    parent: str,
    limit: str,
    all_memory: str,
    processes: str,
    home: str,
    answered: str,
    cgroups: str,
    devices: str,
    *command: str,
) -> int:
    if LIBC.prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM)) or os.getppid() != int(parent):
        return 1
    end_when_asked()
    cgroup = Cgroup(cgroups, int(all_memory), int(processes))
    try:
        child, listener = start(
            list(command[1:]), cgroup, [device for device in devices.split(",") if device], int(answered)
        )
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, 0, -10)  # what it watches must not starve it; only root may
        status = watch(child, int(limit), Answers(listener, int(limit), int(processes), int(home)))
        if cgroup.was_full():
            status = TOO_MUCH_MEMORY
    finally:
        end_all()
        cgroup.remove()
    return status


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
