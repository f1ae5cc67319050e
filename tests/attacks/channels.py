"""What two seals could say to each other by.
Each channel has a sender that sets one bit, and a receiver that reads it.

Run as a program, `python channels.py SOCKET`, in each of two seals and without their defences;
`test_two_seals.py` tells both what to do, one after the other, so that no channel needs a clock. Needs the
standard library alone.
"""

import contextlib
import ctypes
import errno
import fcntl
import json
import mmap
import os
import select
import socket
import struct
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LIBC = ctypes.CDLL(None, use_errno=True)
PAGE = mmap.PAGESIZE
F_OFD_GETLK, F_OFD_SETLK = 36, 37
MANY_FORKS, MANY_PROCESSES = 400, 40
SYSINFO, PIDFD_OPEN = (99, 434) if os.uname().machine == "x86_64" else (179, 434)
KEPT: dict[str, Any] = {}  # what a bit keeps until the next


@dataclass(frozen=True)
class Channel:
    """`send` sets a bit. `read` returns what it sees: for a `level` the bit itself;
    else the change since the read before is the bit. `user`: carries only between seals of one host user."""

    name: str
    source: str
    send: Callable[[int, dict[str, str]], None]
    read: Callable[[dict[str, str]], float]
    at_least: float
    user: bool


CHANNELS: dict[str, Channel] = {}


def channel(
    source: str, read: Callable[[dict[str, str]], float], *, at_least: float = 0, user: bool = False
) -> Callable[[Callable[[int, dict[str, str]], None]], None]:
    def keep(send: Callable[[int, dict[str, str]], None]) -> None:
        CHANNELS[send.__name__] = Channel(send.__name__, source, send, read, at_least, user)

    return keep


def opened(path: str | int) -> int:
    if isinstance(path, int):
        return path
    if path not in KEPT:
        KEPT[path] = os.open(path, os.O_RDONLY)
    return int(KEPT[path])


def lock_of(kind: int) -> bytes:
    return struct.pack("hhqqi4x", kind, os.SEEK_SET, 0, 0, 0)


def is_locked(path: str | int, command: int) -> float:
    return float(
        struct.unpack("hhqqi4x", fcntl.fcntl(opened(path), command, lock_of(fcntl.F_WRLCK)))[0]
        != fcntl.F_UNLCK
    )


def flocked(path: str | int) -> float:
    try:
        fcntl.flock(opened(path), fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return 1
    fcntl.flock(opened(path), fcntl.LOCK_UN)
    return 0


def set_lock(path: str | int, command: int, bit: int) -> None:
    fcntl.fcntl(opened(path), command, lock_of(fcntl.F_RDLCK if bit else fcntl.F_UNLCK))


def set_flock(path: str | int, bit: int) -> None:
    fcntl.flock(opened(path), (fcntl.LOCK_EX if bit else fcntl.LOCK_UN) | fcntl.LOCK_NB)


@channel("fcntl(2), F_GETLK: a thousand rows in 0.03 s", lambda at: is_locked(at["file"], fcntl.F_GETLK))
def a_lock_of_the_process(bit: int, at: dict[str, str]) -> None:
    set_lock(at["file"], fcntl.F_SETLK, bit)


@channel("fcntl(2), open file description locks", lambda at: is_locked(at["file"], F_OFD_GETLK))
def a_lock_of_the_description(bit: int, at: dict[str, str]) -> None:
    set_lock(at["file"], F_OFD_SETLK, bit)


@channel("flock(2) on a file", lambda at: flocked(at["file"]))
def a_lock_of_a_file(bit: int, at: dict[str, str]) -> None:
    set_flock(at["file"], bit)


@channel("flock(2) on a folder", lambda at: flocked(at["folder"]))
def a_lock_of_a_folder(bit: int, at: dict[str, str]) -> None:
    set_flock(at["folder"], bit)


@channel("flock(2) on a folder of the system", lambda _: flocked("/usr/lib"))
def a_lock_of_the_system(bit: int, at: dict[str, str]) -> None:
    set_flock("/usr/lib", bit)


@channel("flock(2) on a file of the system that is bound alone", lambda _: flocked("/etc/ld.so.cache"))
def a_lock_of_a_single_file(bit: int, at: dict[str, str]) -> None:
    set_flock("/etc/ld.so.cache", bit)


@channel("flock(2) on a device, which every seal has from the machine", lambda at: flocked(at["device"]))
def a_lock_of_a_device(bit: int, at: dict[str, str]) -> None:
    set_flock(at["device"], bit)


@channel("fcntl(2) on a device", lambda at: is_locked(at["device"], fcntl.F_GETLK))
def a_range_lock_of_a_device(bit: int, at: dict[str, str]) -> None:
    set_lock(at["device"], fcntl.F_SETLK, bit)


@channel(
    "utimensat(2): whoever may write to a device may touch it",
    lambda _: os.stat("/dev/null").st_mtime_ns,
    at_least=1,
)
def the_time_of_a_device(bit: int, at: dict[str, str]) -> None:
    if bit:
        time.sleep(0.01)  # the kernel's clock for files ticks so slowly
        os.utime("/dev/null")


def watched(path: str) -> float:
    if "inotify" not in KEPT:
        KEPT["inotify"] = LIBC.inotify_init1(os.O_NONBLOCK)
    if LIBC.inotify_add_watch(KEPT["inotify"], path.encode(), 0x20) < 0:  # IN_OPEN
        raise OSError(ctypes.get_errno(), "inotify")
    with contextlib.suppress(BlockingIOError):
        return float(bool(os.read(KEPT["inotify"], 65536)))
    return 0


@channel("inotify(7): 5,200 bits a message", lambda at: watched(at["file"]))
def a_watch_of_a_file(bit: int, at: dict[str, str]) -> None:
    if bit:
        os.close(os.open(at["file"], os.O_RDONLY))


@channel("inotify(7) on a device", lambda _: watched("/dev/full"))
def a_watch_of_a_device(bit: int, at: dict[str, str]) -> None:
    if bit:
        os.close(os.open("/dev/full", os.O_RDONLY))


def can_lease(path: str) -> float:
    try:
        fcntl.fcntl(opened(path), fcntl.F_SETLEASE, fcntl.F_WRLCK)
    except BlockingIOError:
        return 1  # somebody has it open
    fcntl.fcntl(opened(path), fcntl.F_SETLEASE, fcntl.F_UNLCK)
    return 0


@channel(
    "fcntl(2), leases: granted where nobody else has the file open",
    lambda at: can_lease(at["leased"]),
    user=True,
)
def a_lease(bit: int, at: dict[str, str]) -> None:
    opened(at["leased"])
    if not bit:
        os.close(KEPT.pop(at["leased"]))


def fork_and_end(times: int) -> None:
    for _ in range(times):
        if (pid := os.fork()) == 0:
            os._exit(0)
        os.waitpid(pid, 0)


def pidfd_number(at: dict[str, str]) -> float:
    if (pid := os.fork()) == 0:
        os._exit(0)
    made = LIBC.syscall(PIDFD_OPEN, pid, 0)  # of a new process: it has the newest number
    refused = ctypes.get_errno()
    os.waitpid(pid, 0)
    if made < 0:
        raise OSError(refused, "pidfd_open")
    try:
        return os.fstat(made).st_ino
    finally:
        os.close(made)


@channel("fstat(pidfd).st_ino counts every process of the machine", pidfd_number, at_least=MANY_FORKS)
def the_numbers_of_pidfds(bit: int, at: dict[str, str]) -> None:
    fork_and_end(MANY_FORKS * bit)


def forks_of_the_machine(at: dict[str, str]) -> float:
    return float(
        next(
            line.split()[1]
            for line in Path("/proc/stat").read_text().splitlines()
            if line.startswith("processes")
        )
    )


@channel("proc(5), /proc/stat", forks_of_the_machine, at_least=MANY_FORKS)
def the_forks_of_the_machine(bit: int, at: dict[str, str]) -> None:
    fork_and_end(MANY_FORKS * bit)


def live(count: int) -> None:
    for pid in KEPT.pop("children", []):
        os.kill(pid, 9)
        os.waitpid(pid, 0)
    KEPT["children"] = []
    for _ in range(count):
        if (pid := os.fork()) == 0:
            time.sleep(600)
            os._exit(0)
        KEPT["children"].append(pid)


def processes_by_sysinfo(at: dict[str, str]) -> float:
    said = ctypes.create_string_buffer(128)
    if LIBC.syscall(SYSINFO, said) != 0:
        raise OSError(ctypes.get_errno(), "sysinfo")
    return float(struct.unpack_from("H", said, 80)[0])


@channel(
    "sysinfo(2): how many processes the machine has", processes_by_sysinfo, at_least=MANY_PROCESSES * 3 / 4
)
def the_processes_by_sysinfo(bit: int, at: dict[str, str]) -> None:
    live(MANY_PROCESSES * bit)


@channel(
    "stat(2) of /proc: its links count the machine's processes, with subset=pid too",
    lambda _: os.stat("/proc").st_nlink,
    at_least=MANY_PROCESSES * 3 / 4,
)
def the_links_of_proc(bit: int, at: dict[str, str]) -> None:
    live(MANY_PROCESSES * bit)


def mapped(path: str) -> mmap.mmap:
    if f"map {path}" not in KEPT:
        KEPT[f"map {path}"] = mmap.mmap(opened(path), PAGE, mmap.MAP_SHARED, mmap.PROT_READ)
        KEPT[f"map {path}"][0]
    return KEPT[f"map {path}"]  # type: ignore[no-any-return]


def shared_by_smaps(at: dict[str, str]) -> float:
    mapped(at["page"])
    lines = Path("/proc/self/smaps").read_text().splitlines()
    start = max(
        number for number, line in enumerate(lines) if line.endswith(at["page"]) or "page.bin" in line
    )
    return float(next(int(line.split()[1]) for line in lines[start:] if line.startswith("Shared_Clean")) > 0)


@channel("proc(5), smaps: whether anybody else has mapped the same page", shared_by_smaps)
def a_mapped_page(bit: int, at: dict[str, str]) -> None:
    if bit:
        mapped(at["page"])
    elif f"map {at['page']}" in KEPT:
        KEPT.pop(f"map {at['page']}").close()


def exclusive_by_pagemap(at: dict[str, str]) -> float:
    mapped(at["page"])
    line = next(line for line in Path("/proc/self/maps").read_text().splitlines() if "page.bin" in line)
    with open("/proc/self/pagemap", "rb") as file:
        file.seek(int(line.split("-")[0], 16) // PAGE * 8)
        return float(not struct.unpack("Q", file.read(8))[0] >> 56 & 1)


@channel("pagemap.rst (Linux), bit 56: mapped by nobody else", exclusive_by_pagemap)
def a_mapped_page_in_pagemap(bit: int, at: dict[str, str]) -> None:
    a_page(bit, at)


def a_page(bit: int, at: dict[str, str]) -> None:
    CHANNELS["a_mapped_page"].send(bit, at)


def cached(at: dict[str, str]) -> float:
    try:
        return float(os.preadv(opened(at["cold"]), [bytearray(PAGE)], 0, os.RWF_NOWAIT) > 0)
    except BlockingIOError:
        return 0


@channel("preadv2(2), RWF_NOWAIT, and posix_fadvise(2): what is in the page cache", cached)
def a_cached_page(bit: int, at: dict[str, str]) -> None:
    if bit:
        os.pread(opened(at["cold"]), PAGE, 0)
    else:
        os.posix_fadvise(opened(at["cold"]), 0, 0, os.POSIX_FADV_DONTNEED)


def resident(at: dict[str, str]) -> float:
    LIBC.mmap.restype = ctypes.c_void_p
    LIBC.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
    LIBC.mincore.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p]
    LIBC.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    start = LIBC.mmap(None, PAGE, 1, 1, opened(at["cold"]), 0)
    told = ctypes.create_string_buffer(1)
    try:
        if LIBC.mincore(start, PAGE, told) != 0:
            raise OSError(ctypes.get_errno(), "mincore")
    finally:
        LIBC.munmap(start, PAGE)
    return float(told.raw[0] & 1)


@channel("mincore(2), of a file of one's own user", resident, user=True)
def a_cached_page_by_mincore(bit: int, at: dict[str, str]) -> None:
    CHANNELS["a_cached_page"].send(bit, at)


def connects(name: str) -> float:
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as asked:
        try:
            asked.connect(f"\0{name}")
        except ConnectionRefusedError:
            return 0
        return 1


@channel("unix(7): names without a file", lambda _: connects("cihu-channel"))
def an_abstract_socket(bit: int, at: dict[str, str]) -> None:
    if "abstract" in KEPT:
        KEPT.pop("abstract").close()
    if bit:
        KEPT["abstract"] = socket.socket(socket.AF_UNIX)
        KEPT["abstract"].bind("\0cihu-channel")
        KEPT["abstract"].listen(50)


@channel("shm_overview(7)", lambda _: float(os.path.exists("/dev/shm/cihu-channel")))
def a_file_in_shared_memory(bit: int, at: dict[str, str]) -> None:
    if bit:
        Path("/dev/shm/cihu-channel").touch()
    else:
        Path("/dev/shm/cihu-channel").unlink(missing_ok=True)


@channel("a file in /tmp", lambda _: float(os.path.exists("/tmp/cihu-channel")))
def a_temporary_file(bit: int, at: dict[str, str]) -> None:
    if bit:
        Path("/tmp/cihu-channel").touch()
    else:
        Path("/tmp/cihu-channel").unlink(missing_ok=True)


def lowest_eventfd(at: dict[str, str]) -> float:
    made = os.eventfd(0)
    try:
        said = Path(f"/proc/self/fdinfo/{made}").read_text()
    finally:
        os.close(made)
    return float(next(line.split()[1] for line in said.splitlines() if line.startswith("eventfd-id")))


@channel("proc(5), fdinfo: eventfds are numbered for the whole machine", lowest_eventfd, at_least=8)
def the_numbers_of_eventfds(bit: int, at: dict[str, str]) -> None:
    for made in KEPT.pop("eventfds", []):
        os.close(made)
    KEPT["eventfds"] = [os.eventfd(0) for _ in range(60 * bit)]


MANY_MADE = 600
FSTAT = 5 if os.uname().machine == "x86_64" else 80
AT_EMPTY_PATH, STATX_INO = 0x1000, 0x100


def on_one_processor() -> None:
    """Each has a counter of its own; a seal may say on which it runs."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def by_libc(made: int) -> int:
    return os.fstat(made).st_ino


def by_fstat(made: int) -> int:
    about = ctypes.create_string_buffer(256)
    if LIBC.syscall(FSTAT, made, about) < 0:
        raise OSError(ctypes.get_errno(), "fstat")
    return int(struct.unpack_from("Q", about, 8)[0])


def by_statx(made: int) -> int:
    about = ctypes.create_string_buffer(256)
    if LIBC.statx(made, b"", AT_EMPTY_PATH, STATX_INO, about) < 0:
        raise OSError(ctypes.get_errno(), "statx")
    return int(struct.unpack_from("Q", about, 32)[0])


def a_pipe() -> list[int]:
    return list(os.pipe())


def a_pair() -> list[int]:
    return [made.detach() for made in socket.socketpair()]


def a_memfd() -> list[int]:
    return [os.memfd_create("memory")]


def newest(make: Callable[[], list[int]], number: Callable[[int], int]) -> Callable[[dict[str, str]], float]:
    def read(_: dict[str, str]) -> float:
        on_one_processor()
        made = make()
        try:
            return number(made[0])
        finally:
            for each in made:
                os.close(each)

    return read


def make_many(make: Callable[[], list[int]], times: int) -> None:
    on_one_processor()
    for _ in range(times):
        for each in make():
            os.close(each)


@channel(
    "fstat(pipe).st_ino counts pipes and sockets of the machine",
    newest(a_pipe, by_libc),
    at_least=MANY_MADE * 3 / 4,
)
def the_numbers_of_pipes(bit: int, at: dict[str, str]) -> None:
    make_many(a_pipe, MANY_MADE * bit)


@channel("the same by the system call fstat", newest(a_pipe, by_fstat), at_least=MANY_MADE * 3 / 4)
def the_numbers_of_pipes_by_fstat(bit: int, at: dict[str, str]) -> None:
    make_many(a_pipe, MANY_MADE * bit)


@channel("the same by statx(2)", newest(a_pipe, by_statx), at_least=MANY_MADE * 3 / 4)
def the_numbers_of_pipes_by_statx(bit: int, at: dict[str, str]) -> None:
    make_many(a_pipe, MANY_MADE * bit)


@channel("fstat(socket).st_ino", newest(a_pair, by_libc), at_least=MANY_MADE * 3 / 4)
def the_numbers_of_sockets(bit: int, at: dict[str, str]) -> None:
    make_many(a_pair, MANY_MADE * bit)


@channel("fstat(memfd).st_ino", newest(a_memfd, by_libc), at_least=MANY_MADE * 3 / 4)
def the_numbers_of_memfds(bit: int, at: dict[str, str]) -> None:
    make_many(a_memfd, MANY_MADE * bit)


def cookie(made: int) -> int:
    SO_COOKIE = 57
    with socket.socket(fileno=os.dup(made)) as asked:
        return int(struct.unpack("Q", asked.getsockopt(socket.SOL_SOCKET, SO_COOKIE, 8))[0])


def a_pair_with_a_cookie() -> list[int]:
    made = a_pair()
    cookie(made[0])
    return made


@channel(
    "SO_COOKIE counts the sockets of the machine that were asked for theirs",
    newest(a_pair, cookie),
    at_least=MANY_MADE * 3 / 4,
)
def the_cookies_of_sockets(bit: int, at: dict[str, str]) -> None:
    make_many(a_pair_with_a_cookie, MANY_MADE * bit)


def an_eventfd() -> int:
    if "eventfd" not in KEPT:
        KEPT["eventfd"] = os.eventfd(0)
    return int(KEPT["eventfd"])


def an_epoll() -> int:
    if "epoll" not in KEPT:
        KEPT["epoll"] = select.epoll()
    return int(KEPT["epoll"].fileno())


@channel(
    "flock(2): the kernel has one inode for all eventfds, epolls and timerfds of the machine",
    lambda _: flocked(an_epoll()),
)
def a_lock_of_an_eventfd(bit: int, at: dict[str, str]) -> None:
    set_flock(an_eventfd(), bit)


@channel("fcntl(2) on the same inode", lambda _: is_locked(an_epoll(), fcntl.F_GETLK))
def a_range_lock_of_an_eventfd(bit: int, at: dict[str, str]) -> None:
    set_lock(an_eventfd(), fcntl.F_SETLK, bit)


@channel(
    "fcntl(2), open file description locks on the same inode", lambda _: is_locked(an_epoll(), F_OFD_GETLK)
)
def a_description_lock_of_an_eventfd(bit: int, at: dict[str, str]) -> None:
    set_lock(an_eventfd(), F_OFD_SETLK, bit)


def write_hint(at: dict[str, str]) -> float:
    F_GET_RW_HINT = 1035
    return float(struct.unpack("Q", fcntl.fcntl(opened(at["leased"]), F_GET_RW_HINT, bytes(8)))[0] != 0)


@channel(
    "fcntl(2), F_SET_RW_HINT: kept in the inode; before Linux 6.9 whoever has a device "
    "or a file open may set it",
    write_hint,
    user=True,
)
def a_write_hint(bit: int, at: dict[str, str]) -> None:
    F_SET_RW_HINT, RWH_WRITE_LIFE_SHORT = 1036, 2
    fcntl.fcntl(opened(at["leased"]), F_SET_RW_HINT, struct.pack("Q", RWH_WRITE_LIFE_SHORT * bit))


def udp_memory(at: dict[str, str]) -> float:
    said = Path("/proc/self/net/sockstat").read_text()
    return float(next(line.split()[-1] for line in said.splitlines() if line.startswith("UDP:")))


@channel("/proc/net/sockstat: memory of UDP is counted for all networks together", udp_memory, at_least=200)
def the_memory_of_udp(bit: int, at: dict[str, str]) -> None:
    if held := KEPT.pop("udp", []):
        for made in held:
            made.close()
        time.sleep(0.3)  # the kernel gives memory back when no processor can still read it; nothing says when
    if bit:
        KEPT["udp"] = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(80)]
        for made in KEPT["udp"]:
            made.bind(("127.0.0.1", 0))
            for _ in range(20):  # a processor keeps a megabyte for itself before it is counted
                with contextlib.suppress(BlockingIOError):
                    made.sendto(bytes(8000), socket.MSG_DONTWAIT, made.getsockname())


def can_fork(at: dict[str, str]) -> float:
    try:
        fork_and_end(1)
    except BlockingIOError:
        return 1
    return 0


@channel("setrlimit(2), RLIMIT_NPROC: counted for a user", can_fork)
def the_processes_of_a_user(bit: int, at: dict[str, str]) -> None:
    live(0)
    if bit:
        with contextlib.suppress(BlockingIOError):
            while True:
                if (pid := os.fork()) == 0:
                    time.sleep(600)
                    os._exit(0)
                KEPT["children"].append(pid)


@channel(
    "statfs(2): free space of the disk on which both seals' folders lie",
    lambda at: -os.statvfs(at["disk"]).f_bfree * os.statvfs(at["disk"]).f_frsize / 2**20,
    at_least=48,
)
def the_free_space_of_a_disk(bit: int, at: dict[str, str]) -> None:
    """No seal may write there; what stands for it is the vault, which stores what a run left."""
    KEPT["written"] = bit


def serve(path: str) -> None:
    """Deeds come as lines of JSON, and so go the answers; null where the deed was refused."""
    with socket.socket(socket.AF_UNIX) as asked:
        asked.connect(path)
        with asked.makefile("rw") as lines:
            for line in lines:
                name, bit, at = json.loads(line)
                try:
                    answer: float | None = (
                        CHANNELS[name].read(at) if bit is None else CHANNELS[name].send(bit, at) or 0
                    )
                except (OSError, StopIteration, ValueError) as refused:
                    answer = None
                    if isinstance(refused, OSError) and refused.errno == errno.EMFILE:
                        raise
                lines.write(json.dumps(answer) + "\n")
                lines.flush()


if __name__ == "__main__":
    serve(sys.argv[1])
