"""Keeps the puller from any address but those of its sources.

A name is resolved once and its addresses are checked: a name that leads to this machine, to a link-local
address or to a cloud's metadata service is refused. `Reach.install` then makes Python refuse every connection
to an address that was not checked, so a name that leads elsewhere a moment later gains nothing.
"""

import socket
import sys
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from sandbox.sources.failures import SourceFailure
from sandbox.sources.source_list import LOOPBACK, DataSource

METADATA = tuple(
    map(
        ip_network,
        (
            "169.254.0.0/16",  # link-local: AWS, Azure, Google, Tencent
            "fe80::/10",
            "100.100.100.200/32",  # Alibaba Cloud
            "168.63.129.16/32",  # Azure
            "192.0.0.192/32",  # Oracle
            "fd00:ec2::254/128",  # AWS over IPv6
            "fd20:ce::254/128",  # Google over IPv6
        ),
    )
)
NAT64 = ip_network("64:ff9b::/96")
SIX_TO_FOUR = ip_network("2002::/16")
Address = IPv4Address | IPv6Address
Place = tuple[str, int]
STARTS_PROGRAM = frozenset(
    {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.forkpty"}
)


def checked_addresses(host: str, port: int) -> list[str]:
    """The addresses of a host, all of which may be reached. Raises `SourceFailure`."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise SourceFailure("source_unreachable", internal=type(error).__name__) from None
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    for address in addresses:
        if not may_reach(address, named=host.lower() in LOOPBACK):
            raise SourceFailure("source_address_refused")
    return addresses


def may_reach(address: str, *, named: bool) -> bool:
    """Whether a source may be at this address. `named`: its host is the loopback's own name or address."""
    for known in _forms(ip_address(address.partition("%")[0])):
        if known.is_loopback and not named:
            return False
        if known.is_unspecified or known.is_multicast or any(known in network for network in METADATA):
            return False
        if known.version == 4 and (known in ip_network("0.0.0.0/8") or known == IPv4Address(0xFFFFFFFF)):
            return False
    return True


def _forms(address: Address) -> Iterable[Address]:
    """The address, and the IPv4 address that it carries where it carries one."""
    yield address
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            yield address.ipv4_mapped
        if address in NAT64:
            yield IPv4Address(int(address) & 0xFFFFFFFF)
        if address in SIX_TO_FOUR:
            yield IPv4Address((int(address) >> 80) & 0xFFFFFFFF)


class Reach:
    """The addresses that this process may connect to."""

    def __init__(self) -> None:
        self._always: set[Place] = set()
        self._source: set[Place] = set()

    def permit_source(self, source: DataSource) -> list[str]:
        """Let the source be reached, and nothing else but what was permitted by `permit`.
        Gives its addresses. Raises `SourceFailure`."""
        self._source = set()
        if not source.host:
            return []
        addresses = checked_addresses(source.host, source.port)
        self._source = {(address, source.port) for address in addresses}
        return addresses

    def permit(self, host: str, port: int) -> None:
        """Let the vault be reached, wherever the operator says that it is."""
        for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            self._always.add((str(entry[4][0]), port))

    def install(self) -> None:
        """From now on, for as long as this process lives, no other address is connected to and no program is
        started. It cannot be undone."""
        sys.addaudithook(self._audit)

    def _audit(self, event: str, arguments: tuple[object, ...]) -> None:
        if event == "socket.connect":
            address, places = arguments[1], self._always | self._source
            if not isinstance(address, tuple) or (str(address[0]), address[1]) not in places:
                raise SourceFailure("source_address_refused")
        elif event in STARTS_PROGRAM:
            raise SourceFailure("source_failed", internal=event)
