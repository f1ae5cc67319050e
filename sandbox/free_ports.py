"""Chooses free ports of the loopback for servers that are still to start, and keeps others off them.

A port that is merely free may be anybody's a moment later: the kernel gives the same ports to every
connection and to every program that asks for any port. So a chosen port is left in the state TIME_WAIT,
by one connection to itself: for a minute (RFC 9293, 3.6.1; on Linux 60 s) the kernel then gives it to nobody,
and a server that names it can listen on it, as all of ours set SO_REUSEADDR.
"""

import socket

LOOPBACK = "127.0.0.1"


def name_of_loopback() -> str:
    """`localhost` where that name leads to the loopback address, else the address. People are given the name:
    a passkey needs one (WebAuthn Level 3, 5.1.2: a relying party's id is a domain)."""
    try:
        found = {place[4][0] for place in socket.getaddrinfo("localhost", None, type=socket.SOCK_STREAM)}
    except OSError:
        return LOOPBACK
    return "localhost" if LOOPBACK in found else LOOPBACK


def free_port() -> int:
    """One port that nobody listens on, kept for a minute for the server that will be told of it."""
    return reserve_port(0)


def free_ports(count: int) -> list[int]:
    """`count` of them, all different."""
    return [reserve_port(0) for _ in range(count)]


def reserve_port(wanted: int) -> int:
    """Keep `wanted` (0: any) for a minute. Raises `OSError` if somebody has it."""
    with socket.socket() as listening:
        listening.setsockopt(
            socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
        )  # as servers do: not held up by TIME_WAIT
        listening.bind((LOOPBACK, wanted))
        listening.listen(1)
        port: int = listening.getsockname()[1]
        with socket.create_connection((LOOPBACK, port)):
            accepted, _ = listening.accept()
            accepted.close()  # the side that closes first has TIME_WAIT: it must be the one that has the port
    return port
