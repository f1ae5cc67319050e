"""Connects to a source at an address that was checked."""

import socket

from sandbox.sources.failures import SourceFailure

CONNECT_SECONDS = 15


def connected_socket(addresses: list[str], port: int) -> socket.socket:
    """A connection to the first address that answers. Raises `SourceFailure`."""
    last = ""
    for address in addresses:
        try:
            made = socket.create_connection((address, port), timeout=CONNECT_SECONDS)
        except OSError as error:
            last = type(error).__name__
        else:
            made.settimeout(None)
            return made
    raise SourceFailure("source_unreachable", internal=last)
