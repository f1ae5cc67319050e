"""A folder in memory that nobody else sees, in which a process may write a database file
that then has no name.

DuckDB writes its files by name, and rows of raw data must not be written to a disk in the clear. So the
process that loads them enters a mount namespace of its own and mounts a tmpfs there: what it writes is
reachable through its open descriptor alone, and goes when the last descriptor is closed. A pod that may not
make namespaces names a folder in memory instead (`CIHU_ENGINE_MEMORY`, an emptyDir of medium Memory), in
which the file has a random name for as long as it is written.
"""

import ctypes
import os
import secrets
from pathlib import Path

from sandbox.errors import Unavailable

PR_SET_DUMPABLE = 4
CLONE_NEWNS, CLONE_NEWUSER = 0x00020000, 0x10000000
MS_REC, MS_PRIVATE, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1 << 14, 1 << 18, 2, 4, 8
TMPFS_MAGIC = 0x01021994
MOUNT_POINT = Path("/tmp")  # noqa: S108  # exists everywhere; what is mounted over it, this process alone sees
SETTING = "CIHU_ENGINE_MEMORY"
LIBC = ctypes.CDLL(None, use_errno=True)


def private_memory_folder() -> Path:
    """For a process with one thread: a folder in memory of its own.
    Raises `Unavailable` where there can be none."""
    given = os.environ.get(SETTING)
    if given:
        return _given(Path(given))
    uid, gid = os.getuid(), os.getgid()
    LIBC.prctl(PR_SET_DUMPABLE, 1)  # or the files of /proc/self are root's; no row is here yet
    try:
        _must(LIBC.unshare(CLONE_NEWNS | (CLONE_NEWUSER if uid else 0)))
        if uid:
            Path("/proc/self/setgroups").write_text("deny")
            Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
            Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")
        _must(LIBC.mount(b"none", b"/", None, ctypes.c_ulong(MS_REC | MS_PRIVATE), None))
        _must(
            LIBC.mount(
                b"tmpfs",
                os.fsencode(MOUNT_POINT),
                b"tmpfs",
                ctypes.c_ulong(MS_NOSUID | MS_NODEV | MS_NOEXEC),
                b"mode=0700,size=100%",
            )
        )
    except OSError as error:
        raise Unavailable(
            "This machine lets the vault make no private folder in memory for rows.",
            code="no_memory_folder",
            remedy=(
                f"Allow user namespaces to the vault, or set {SETTING} to a folder in memory "
                "(tmpfs) that only it can read."
            ),
            zh="本机不允许保险库建立存放数据行的私有内存目录。",
            remedy_zh=f"请允许保险库使用用户命名空间，或将 {SETTING} 设为只有它可读的内存目录（tmpfs）。",
            internal=str(error),
        ) from None
    finally:
        LIBC.prctl(PR_SET_DUMPABLE, 0)
    return MOUNT_POINT


def _given(folder: Path) -> Path:
    # statvfs does not say what a file system is; the mount table does
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    here = folder.resolve()
    best = max(
        (fields for fields in mounts if here.is_relative_to(fields[1])), key=lambda fields: len(fields[1])
    )
    if best[2] != "tmpfs":
        raise Unavailable(
            f"{SETTING} is {folder}, which does not lie in memory.",
            code="no_memory_folder",
            remedy="Name a folder of a tmpfs: rows must not be written to a disk.",
            zh=f"{SETTING} 指向的 {folder} 不在内存中。",
            remedy_zh="请指定 tmpfs 中的目录：数据行不得写入磁盘。",
        )
    own = here / secrets.token_hex(16)
    own.mkdir(mode=0o700)
    return own


def _must(result: int) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
