"""Chooses the port of a part: the requested one, if it is free, else a message that says who has it."""

import errno
from pathlib import Path

from sandbox.errors import Unavailable
from sandbox.free_ports import LOOPBACK, reserve_port


def claimed_port(wanted: int, *, part: str, setting: str) -> int:
    """`wanted` if it is free, a free one if `wanted` is 0; kept for the part until it starts.
    Raises `Unavailable`, naming holder and setting, otherwise."""
    try:
        return reserve_port(wanted)
    except PermissionError as error:
        raise Unavailable(
            f"Port {wanted}, for the {part}, may not be used by an ordinary account.",
            code="port_refused",
            remedy=f"Set {setting} to a port above 1023, or to 0 for any free one.",
        ) from error
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise Unavailable(
                f"Nothing can listen on {LOOPBACK}: {error.strerror}.",
                code="no_loopback",
                remedy="Bring the loopback up (as root: ip link set lo up).",
            ) from error
        raise Unavailable(
            f"Port {wanted}, for the {part}, is in use{by_whom(wanted)}.",
            code="port_in_use",
            remedy=f"Stop that program, or set {setting} to another port (0 for any free one).",
        ) from error


def is_free(port: int) -> bool:
    """Whether a server of ours can listen on `port` now; if so, it is kept for it."""
    try:
        reserve_port(port)
    except OSError:
        return False
    return True


def by_whom(port: int) -> str:
    """` by NAME (process N)`, where /proc lets us see it; else nothing."""
    for inode in listening_inodes(port):
        for link in Path("/proc").glob("[0-9]*/fd/*"):
            try:
                if str(link.readlink()) == f"socket:[{inode}]":
                    process = link.parts[2]
                    name = Path("/proc", process, "comm").read_text().strip()
                    return f" by {name} (process {process})"
            except OSError:  # it ended meanwhile, or is another account's
                continue
    return ""


def listening_inodes(port: int) -> list[str]:
    """Inodes of the TCP sockets that listen on `port`, from /proc/net/tcp and tcp6 (proc(5))."""
    found = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            rows = [line.split() for line in Path(table).read_text().splitlines()[1:]]
        except OSError:
            continue
        found += [row[9] for row in rows if row[3] == "0A" and int(row[1].rpartition(":")[2], 16) == port]
    return found
