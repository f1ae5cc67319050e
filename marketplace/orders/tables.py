"""Tables of orders."""

from sqlalchemy import Column, Date, DateTime, ForeignKey, Identity, Integer, String, Table, Text, func

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
    one_of("status", ORDER_STATUSES),
    schema="market",
)
