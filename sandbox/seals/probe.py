"""Reports what a program sees from inside a seal.
Run as a program there (`check.py`), never imported by the city."""

import ctypes
import errno
import fcntl
import json
import os
import socket
import struct
from collections.abc import Callable

PR_GET_SECCOMP, PR_CAPBSET_READ, PR_GET_NO_NEW_PRIVS = 21, 23, 39
SIOCGIFNAME = 0x8910
CAPABILITIES = 41
GIVEN = ("LANG", "LC_CTYPE", "PWD")
LIBC = ctypes.CDLL(None, use_errno=True)


def succeeds(deed: Callable[[], object]) -> bool:
    try:
        deed()
    except OSError:
        return False
    return True


def has_rights() -> bool:
    """capget(2), version 3; and what an executed file could still give."""
    header, sets = (
        ctypes.create_string_buffer(struct.pack("Ii", 0x20080522, 0), 8),
        ctypes.create_string_buffer(24),
    )
    unknown = LIBC.capget(header, sets) != 0
    return (
        unknown
        or any(sets.raw)
        or any(LIBC.prctl(PR_CAPBSET_READ, right, 0, 0, 0) > 0 for right in range(CAPABILITIES))
    )


def networks() -> list[str]:
    found = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        for index in range(1, 64):
            try:
                told = fcntl.ioctl(asked, SIOCGIFNAME, struct.pack("16si20x", b"", index))
            except OSError:
                continue
            found.append(told[:16].rstrip(b"\0").decode())
    return found


def sees_processes() -> bool:
    """Any but itself and the first, by a signal that does nothing."""

    def is_there(pid: int) -> bool:
        try:
            os.kill(pid, 0)
        except OSError as refused:
            return refused.errno != errno.ESRCH
        return True

    return sum(is_there(pid) for pid in range(1, 1000)) > 2


def look() -> dict[str, object]:
    return {
        "kernel": " ".join(os.uname()[2:4]),
        "rights": has_rights(),
        "may_gain_rights": LIBC.prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1,
        "unfiltered": LIBC.prctl(PR_GET_SECCOMP, 0, 0, 0, 0) != 2,
        "runs_as_root": 0 in (*os.getresuid(), *os.getresgid(), *os.getgroups()),
        "has_networks": networks() not in ([], ["lo"]),
        "opens_netlink": succeeds(lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)),
        "opens_vsock": succeeds(lambda: socket.socket(40, socket.SOCK_STREAM)),
        "makes_links": succeeds(lambda: os.symlink("a", f"{os.getcwd()}/link")),
        "writes_system": succeeds(lambda: open("/usr/written", "w")),
        "touches_devices": succeeds(lambda: os.utime("/dev/null")),
        "sees_environment": any(
            name not in GIVEN and (name, value) != ("HOME", "/") for name, value in os.environ.items()
        ),
        "sees_processes": sees_processes(),
        "sees_the_hosts_counters": os.path.exists("/proc/self"),
    }


if __name__ == "__main__":
    print(json.dumps(look()))
