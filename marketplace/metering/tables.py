"""Tables of metering. The lines are the bill.
The month's row is their running sum, kept in the same transaction."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB

from marketplace.keys.tables import keys
from marketplace.licences.tables import licences
from marketplace.metering.model import Reason
from marketplace.products.tables import one_of
from sandbox.database import metadata

usage_lines = Table(
    "usage_lines",
    metadata,
    Column(
        "id",
        String(32),
        primary_key=True,
        comment="derived from the licence and the request: a retry has the same",
    ),
    Column("licence", ForeignKey(licences.c.id), nullable=False),
    Column("key", ForeignKey(keys.c.id)),
    Column("month", String(7), nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("reason", String, nullable=False),
    Column("calls", Integer, nullable=False),
    Column("amount_fen", BigInteger, nullable=False),
    Column("compensates", ForeignKey("market.usage_lines.id"), unique=True),
    Column("log_index", BigInteger),
    one_of("reason", Reason),
    Index("ix_usage_lines_licence_month", "licence", "month"),
    schema="market",
)

months = Table(
    "months",
    metadata,
    Column("licence", ForeignKey(licences.c.id), primary_key=True),
    Column("month", String(7), primary_key=True),
    Column("calls", Integer, nullable=False),
    Column("free_calls", Integer, nullable=False),
    Column("charged_fen", BigInteger, nullable=False),
    Column("fee_charged", Boolean, nullable=False),
    schema="market",
)

paces = Table(
    "paces",
    metadata,
    Column("licence", ForeignKey(licences.c.id), primary_key=True),
    Column("next_at", DateTime(timezone=True), nullable=False),
    schema="market",
)

requests = Table(
    "requests",
    metadata,
    Column("licence", ForeignKey(licences.c.id), primary_key=True),
    Column("request_id", Text, primary_key=True, comment="the caller's Idempotency-Key, or an id of ours"),
    Column("payload_hash", LargeBinary, nullable=False),
    Column("usage", ForeignKey(usage_lines.c.id), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("state", String, nullable=False),
    Column("reference", JSONB, comment="how to hand out the same result again; never the result"),
    Column("at", DateTime(timezone=True), nullable=False),
    one_of("state", ("metered", "delivered", "credited")),
    schema="market",
)
