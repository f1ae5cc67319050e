"""Remembers from which networks a key was called, and finds those that are new to it.

A network stands for an address: the first 24 bits of IPv4, the first 48 of IPv6, which is a site. What was
not seen for longer than `KEPT` is forgotten.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from marketplace.keys.tables import key_networks, keys
from marketplace.licences.tables import licences
from sandbox.database import Transaction

KEPT = timedelta(days=400)
BITS = {4: 24, 6: 48}


@dataclass(frozen=True)
class NewNetwork:
    """A key that was called from a network that is new to it. `known`: how many others it was called from
    before."""

    key: int
    licence: int
    start: str
    product: str
    organisation: str
    department: str
    network: str
    first_seen: datetime
    known: int


def network_of(address: str) -> str:
    """Of an address as the connection has it; empty where it cannot be read. An IPv4 address written as IPv6
    is the IPv4 address."""
    try:
        at = ip_address(address)
    except ValueError:
        return ""
    at = getattr(at, "ipv4_mapped", None) or at
    return str(ip_network(f"{at}/{BITS[at.version]}", strict=False))


def note_networks(tx: Transaction, seen: Iterable[tuple[int, str]]) -> None:
    """Write down that keys were called from addresses."""
    rows = {(key, network) for key, address in seen if (network := network_of(address))}
    if not rows:
        return
    noted = insert(key_networks).values([{"key": key, "network": network} for key, network in sorted(rows)])
    tx.execute(
        noted.on_conflict_do_update(
            index_elements=["key", "network"], set_={"last_seen": func.clock_timestamp()}
        )
    )
    tx.execute(delete(key_networks).where(key_networks.c.last_seen < func.now() - KEPT))


def new_networks(tx: Transaction, *, since: datetime, department: str | None) -> list[NewNetwork]:
    """Of a department's licences, or of all; the newest first. The first network of a key is not new."""
    others = key_networks.alias()
    known = (
        select(func.count())
        .where(others.c.key == key_networks.c.key, others.c.first_seen < key_networks.c.first_seen)
        .scalar_subquery()
    )
    wanted = (
        select(
            key_networks.c.key,
            keys.c.licence,
            keys.c.start,
            licences.c.product,
            licences.c.organisation,
            licences.c.department,
            key_networks.c.network,
            key_networks.c.first_seen,
            known.label("known"),
        )
        .join(keys, keys.c.id == key_networks.c.key)
        .join(licences, licences.c.id == keys.c.licence)
        .where(key_networks.c.first_seen >= since, known > 0)
        .order_by(key_networks.c.first_seen.desc(), key_networks.c.key)
    )
    if department is not None:
        wanted = wanted.where(licences.c.department == department)
    return [NewNetwork(**row._mapping) for row in tx.execute(wanted)]
