"""Decides what a key may do from where: pure, for whoever verifies keys."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Literal, Protocol

from sandbox.errors import InvalidInput

UNDO = timedelta(minutes=1)
MOST_NETWORKS = 50
Network = IPv4Network | IPv6Network


class Scope(StrEnum):
    """What a key can be for."""

    CALL = "call"
    """answers that are sold"""
    SAMPLE = "sample"
    """the first rows, free"""
    USAGE = "usage"
    """the usage lines of its own licence"""


class Presented(Protocol):
    """What the rule reads of a key."""

    @property
    def status(self) -> str: ...
    @property
    def ends_at(self) -> datetime | None: ...
    @property
    def scopes(self) -> tuple[str, ...]: ...
    @property
    def networks(self) -> tuple[str, ...]: ...


@dataclass(frozen=True)
class Denied:
    """Why a key does not open. `verdict` is the code that the caller gets."""

    verdict: Literal["DISABLED", "EXPIRED", "FORBIDDEN"]
    message: str
    remedy: str


def admits(key: Presented, *, scope: Scope, address: str, now: datetime) -> Denied | None:
    """None if the key opens `scope` to a caller at `address` (as the connection has it) at this time.

    A key without networks is for every address. An address that cannot be read is in no network.
    """
    if key.status == "revoked":
        return Denied("DISABLED", "This key was revoked.", "Make another on the page of your licence.")
    if key.ends_at is not None and now >= key.ends_at:
        return Denied("EXPIRED", "This key was replaced, and its time is over.", "Use its successor.")
    if scope not in key.scopes:
        return Denied(
            "FORBIDDEN",
            f"This key is not for {scope}.",
            f"It is for {', '.join(key.scopes)}: make one with the scope {scope}.",
        )
    if key.networks and not within(address, key.networks):
        return Denied(
            "FORBIDDEN",
            "This key is not used from here.",
            "Call from a network that the key lists, or make a key for this one.",
        )
    return None


def within(address: str, networks: tuple[str, ...]) -> bool:
    """Whether an address is in one of the networks. An IPv4 address written as IPv6 is the IPv4 address."""
    try:
        at = ip_address(address)
    except ValueError:
        return False
    mapped = getattr(at, "ipv4_mapped", None)
    at = mapped or at
    return any(at in ip_network(network) for network in networks)


def read_networks(given: tuple[str, ...]) -> tuple[str, ...]:
    """The networks in their one spelling, such as 203.0.113.0/24. Raises `InvalidInput`, naming the wrong
    one."""
    if len(given) > MOST_NETWORKS:
        raise InvalidInput(
            f"A key lists at most {MOST_NETWORKS} networks.",
            remedy="Write larger networks, or make a key more.",
            zh=f"一个密钥至多列出 {MOST_NETWORKS} 个网段。",
            remedy_zh="请写较大的网段，或再创建一个密钥。",
        )
    return tuple(dict.fromkeys(str(read_network(text)) for text in given))


def read_network(text: str) -> Network:
    try:
        return ip_network(text.strip())
    except ValueError:
        raise InvalidInput(
            f"{text[:60]!r} is not a network.",
            code="bad_network",
            remedy="Write it in CIDR notation without host bits: 203.0.113.0/24, 2001:db8::/32.",
            zh=f"“{text[:60]}”不是网段。",
            remedy_zh="请用 CIDR 记法，主机位为零：203.0.113.0/24、2001:db8::/32。",
        ) from None


def may_restore(
    *, status: str, revoked_at: datetime | None, revoked_for: str | None, organisation: str, now: datetime
) -> bool:
    """Whether a revocation can be taken back: within a minute, by the organisation that revoked."""
    if status != "revoked" or revoked_at is None:
        return False
    return revoked_for == organisation and now < revoked_at + UNDO
