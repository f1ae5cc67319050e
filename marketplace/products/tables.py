"""Tables of products."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Integer,
    String,
    Table,
    Text,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB

from marketplace.products.model import PRODUCT_STATUSES
from sandbox.database import metadata


def one_of(column: str, allowed: Iterable[str]) -> CheckConstraint:
    """A check that a value is one of a few, such as a status of its life cycle."""
    names = ", ".join(f"'{name}'" for name in allowed)
    return CheckConstraint(f"{column} IN ({names})", name=column)


def terms_columns() -> list[Column[Any]]:
    """The columns of `Terms`; a licence has the same, frozen as they were when it was issued."""
    return [
        Column("price_fen", BigInteger, nullable=False),
        Column("monthly_fee_fen", BigInteger, nullable=False),
        Column("free_calls", Integer, nullable=False),
        Column("cap_fen", BigInteger, comment="NULL: no cap"),
        Column("calls_per_month", Integer, nullable=False),
        Column("calls_per_second", Integer, nullable=False),
        Column("grace_days", Integer, nullable=False),
        Column("purpose", Text, nullable=False),
        Column("redistribution", Boolean, nullable=False),
    ]


products = Table(
    "products",
    metadata,
    Column("id", String, primary_key=True),
    Column("dataset", String, nullable=False),
    Column("department", String, nullable=False),
    Column("grade", String, nullable=False),
    Column("title_zh", Text, nullable=False),
    Column("title_en", Text, nullable=False),
    Column("summary_zh", Text, nullable=False),
    Column("summary_en", Text, nullable=False),
    *terms_columns(),
    Column("definition", JSONB, nullable=False),
    Column("status", String, nullable=False),
    Column("listed_by", String, nullable=False),
    Column("listed_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("withdrawn_by", String),
    Column("withdrawn_at", DateTime(timezone=True)),
    Column("withdrawn_reason", Text),
    one_of("status", PRODUCT_STATUSES),
    schema="market",
)
