"""Chooses ports for the hub's inner parts: free ones of the loopback, at each start."""

import socket


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
