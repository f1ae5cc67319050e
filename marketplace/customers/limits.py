"""Defines the limits of a whole company, over all its licences, keys and service accounts.

An operator sets them, an owner of the company sets lower ones: of each the lower counts. What is None has no
limit here, and the licence's own limits count beside them.
"""

from dataclasses import asdict, dataclass, fields
from typing import Literal

from sqlalchemy import BigInteger, Column, DateTime, Integer, String, Table, Text, func, select

from sandbox.database import Transaction, metadata

SetBy = Literal["operator", "owner"]

company_limits = Table(
    "company_limits",
    metadata,
    Column("organisation", String, primary_key=True),
    Column("set_by", String, primary_key=True, comment="operator or owner"),
    Column("calls_per_second", Integer),
    Column("calls_per_month", BigInteger),
    Column("concurrent_calls", Integer),
    Column("bytes_per_month", BigInteger),
    Column("account", String, nullable=False, comment="who set them last"),
    Column("reason", Text, nullable=False),
    Column("set_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    schema="market",
    comment="Of each limit the lower of the two counts; NULL: none.",
)

company_paces = Table(
    "company_paces",
    metadata,
    Column("organisation", String, primary_key=True),
    Column("next_at", DateTime(timezone=True), nullable=False, comment="see metering/pace.py"),
    schema="market",
    postgresql_with={"fillfactor": "50"},
)


@dataclass(frozen=True)
class CompanyLimits:
    """Calls in a second and at the same time, calls and bytes in a month of the company's time zone."""

    calls_per_second: int | None = None
    calls_per_month: int | None = None
    concurrent_calls: int | None = None
    bytes_per_month: int | None = None

    def lower(self, other: "CompanyLimits") -> "CompanyLimits":
        """Of each limit the lower."""
        pairs = {each.name: (getattr(self, each.name), getattr(other, each.name)) for each in fields(self)}
        return CompanyLimits(
            **{name: min((v for v in pair if v is not None), default=None) for name, pair in pairs.items()}
        )

    def above(self, other: "CompanyLimits") -> list[str]:
        """The names of limits that are higher than the other's."""
        mine, most = asdict(self), asdict(other)
        return [n for n in mine if mine[n] is not None and most[n] is not None and mine[n] > most[n]]


NO_LIMITS = CompanyLimits()
NAMES = tuple(each.name for each in fields(CompanyLimits))


def limits_set(tx: Transaction, organisation: str) -> dict[str, CompanyLimits]:
    """What the operator and the owner set, where they did."""
    wanted = select(company_limits).where(company_limits.c.organisation == organisation)
    return {
        row.set_by: CompanyLimits(**{name: row._mapping[name] for name in NAMES})
        for row in tx.execute(wanted)
    }


def limits_in_effect(tx: Transaction, organisation: str) -> CompanyLimits:
    found = limits_set(tx, organisation)
    return found.get("operator", NO_LIMITS).lower(found.get("owner", NO_LIMITS))


def limit_lock(organisation: str) -> str:
    """The name under which limits are set, and licences are issued to an organisation that may have some."""
    return f"market.set company limits {organisation}"
