"""What does a program see from inside a seal? Run as a program there (`check.py`), never imported by the city."""

import ctypes
import json
import os
import socket
from collections.abc import Callable

PR_GET_NO_NEW_PRIVS = 39
GIVEN = ("LANG", "LC_CTYPE", "PWD")


def succeeds(deed: Callable[[], object]) -> bool:
    try:
        deed()
    except OSError:
        return False
    return True


def look() -> dict[str, object]:
    with open("/proc/self/status") as file:
        status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    with open("/proc/net/dev") as file:
        networks = sorted(line.split(":")[0].strip() for line in file if ":" in line)
    with open("/proc/version") as file:
        kernel = file.read()
    return {
        "kernel": kernel,
        "rights": any(int(status.get(kind, "0"), 16) for kind in ("CapEff", "CapPrm", "CapInh", "CapBnd", "CapAmb")),
        "may_gain_rights": ctypes.CDLL(None).prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1,
        "unfiltered": status.get("Seccomp") != "2",
        "runs_as_root": 0 in (*os.getresuid(), *os.getresgid(), *os.getgroups()),
        "has_networks": networks != ["lo"],
        "opens_netlink": succeeds(lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)),
        "opens_vsock": succeeds(lambda: socket.socket(40, socket.SOCK_STREAM)),
        "makes_links": succeeds(lambda: os.symlink("a", f"{os.getcwd()}/link")),
        "writes_system": succeeds(lambda: open("/usr/written", "w")),
        "sees_environment": any(name not in GIVEN and (name, value) != ("HOME", "/") for name, value in os.environ.items()),
        "sees_processes": len([name for name in os.listdir("/proc") if name.isdigit()]) > 2,
    }


if __name__ == "__main__":
    print(json.dumps(look()))
