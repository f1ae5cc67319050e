"""Chooses the port of a part: the requested one, if it is free, else a message that says who has it."""

import errno
import socket
from pathlib import Path

from sandbox.errors import Unavailable

LOOPBACK = "127.0.0.1"


def free_ports(count: int) -> list[int]:
    """Ports of the loopback that nobody listens on now, all different."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind((LOOPBACK, 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def claimed_port(wanted: int, *, part: str, setting: str) -> int:
    """`wanted` if it is free, a free one if `wanted` is 0.
    Raises `Unavailable`, naming holder and setting, otherwise."""
    if not wanted:
        return free_ports(1)[0]
    try:
        bind_briefly(wanted)
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
    return wanted


def is_free(port: int) -> bool:
    """Whether a server of ours can listen on `port` now."""
    try:
        bind_briefly(port)
    except OSError:
        return False
    return True


def bind_briefly(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: not held up by TIME_WAIT
        probe.bind((LOOPBACK, port))


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
