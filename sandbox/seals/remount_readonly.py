"""Makes a folder of a running seal read-only.
Run as a program, `python remount_readonly.py PID FOLDER`, from outside.

It enters the mount namespace of the process PID and remounts FOLDER there. What is sealed cannot undo that:
it has no right to mount. Needs the standard library alone; imports nothing of ours, so that it starts fast.
Sources: setns(2), ioctl_ns(2), mount(2), user_namespaces(7).
"""

import ctypes
import errno
import fcntl
import os
import sys
import time
from pathlib import Path

NS_GET_USERNS = 0xB701
CLONE_NEWUSER, CLONE_NEWNS = 0x10000000, 0x00020000
MS_RDONLY, MS_REMOUNT, MS_BIND = 1, 32, 4096
# statvfs says it, mount(2) takes it: flags that a namespace may not drop must be named again
KEPT = {
    os.ST_NOSUID: 2,
    os.ST_NODEV: 4,
    os.ST_NOEXEC: 8,
    os.ST_NOATIME: 1024,
    os.ST_NODIRATIME: 2048,
    os.ST_RELATIME: 1 << 21,
}
TRIES, PAUSE_SECONDS = 100, 0.01
LIBC = ctypes.CDLL(None, use_errno=True)


def checked(result: int) -> None:
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def enter(pid: int) -> None:
    """The mount namespace of `pid`, via the user namespace that owns it if that is not ours."""
    mounts = os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY)
    owner = fcntl.ioctl(mounts, NS_GET_USERNS)  # not that of the process: bubblewrap makes another one inside
    if os.fstat(owner).st_ino != Path("/proc/self/ns/user").stat().st_ino:
        checked(LIBC.setns(owner, CLONE_NEWUSER))
    checked(LIBC.setns(mounts, CLONE_NEWNS))


def shut(folder: str) -> None:
    flags = os.statvfs(folder).f_flag
    kept = sum(taken for said, taken in KEPT.items() if flags & said)
    wanted = ctypes.c_ulong(MS_REMOUNT | MS_BIND | MS_RDONLY | kept)
    for attempt in range(TRIES):
        if LIBC.mount(None, folder.encode(), None, wanted, None) == 0:
            break
        # busy: a file in it is open for writing just now
        if ctypes.get_errno() != errno.EBUSY or attempt == TRIES - 1:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        time.sleep(PAUSE_SECONDS)
    if not os.statvfs(folder).f_flag & os.ST_RDONLY:
        raise OSError(f"{folder} is still writable")


def main(pid: str, folder: str) -> None:
    enter(int(pid))
    shut(folder)


if __name__ == "__main__":
    main(*sys.argv[1:])
