"""Tables of orders."""

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Integer,
    String,
    Table,
    Text,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB

from marketplace.orders.model import ORDER_STATUSES
from marketplace.products.tables import one_of, products
from sandbox.database import metadata

orders = Table(
    "orders",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("product", ForeignKey(products.c.id), nullable=False, index=True),
    Column("department", String, nullable=False, index=True),
    Column("organisation", String, nullable=False, index=True),
    Column("buyer", String, nullable=False),
    Column("starts_on", Date, nullable=False),
    Column("ends_on", Date, nullable=False),
    Column("calls_per_month", Integer, nullable=False),
    Column("calls_per_second", Integer, nullable=False),
    Column("note", Text, nullable=False),
    Column("status", String, nullable=False),
    Column("placed_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("decided_by", String),
    Column("decided_at", DateTime(timezone=True)),
    Column("reason", Text),
    Column("use", String, comment="one of policies/prices.yaml; NULL: from before it was asked"),
    Column("offer_hash", String(64), comment="of the offer that was ordered"),
    Column("document", JSONB, comment="that offer: a later one never touches the order"),
    Column("renews", ForeignKey("market.orders.id"), comment="the order whose licence this one renews"),
    Column("offered", JSONB, comment="what the seller offered back"),
    Column("contract", Text),
    Column("contract_sha256", String(64)),
    one_of("status", ORDER_STATUSES),
    schema="market",
)

order_steps = Table(
    "order_steps",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("order", ForeignKey(orders.c.id), nullable=False, index=True),
    Column("status", String, nullable=False),
    Column("by", String, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("detail", JSONB, nullable=False),
    Column("log_index", BigInteger, nullable=False),
    schema="market",
)
