"""Tables of products."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB

from marketplace.products.model import PRODUCT_STATUSES, RELEASE_EFFECTS
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

releases = Table(
    "releases",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("product", ForeignKey(products.c.id), nullable=False),
    Column("number", Integer, nullable=False, comment="1, 2, 3 … of the product"),
    Column("definition", JSONB, nullable=False),
    Column("schema", JSONB, nullable=False, comment="types of the columns; {} where they were not recorded"),
    Column("schema_hash", String(64), nullable=False),
    Column("grade", String, nullable=False),
    Column("effect", String, nullable=False),
    Column("changes", JSONB, nullable=False, comment="since the release before"),
    Column("notes", Text, nullable=False),
    Column("released_by", String, nullable=False),
    Column("released_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("effective_at", DateTime(timezone=True), nullable=False),
    Column("dropped_at", DateTime(timezone=True), comment="taken back before it took effect"),
    Column("log_index", BigInteger),
    one_of("effect", RELEASE_EFFECTS),
    UniqueConstraint("product", "number"),
    schema="market",
)
