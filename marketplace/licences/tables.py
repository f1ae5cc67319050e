"""Tables of licences."""

from sqlalchemy import Column, DateTime, ForeignKey, Identity, Integer, String, Table, Text, func

from marketplace.licences.model import LICENCE_STATUSES
from marketplace.products.tables import one_of, products, terms_columns
from sandbox.database import metadata

licences = Table(
    "licences",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    # by name: orders stand above licences
    Column("order", Integer, ForeignKey("market.orders.id"), nullable=False, unique=True),
    Column("product", ForeignKey(products.c.id), nullable=False, index=True),
    Column("department", String, nullable=False, index=True),
    Column("organisation", String, nullable=False, index=True),
    Column("time_zone", String, nullable=False, comment="in which its months begin"),
    Column("starts_at", DateTime(timezone=True), nullable=False),
    Column("ends_at", DateTime(timezone=True), nullable=False),
    *terms_columns(),
    Column("status", String, nullable=False),
    Column("issued_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("ended_at", DateTime(timezone=True)),
    Column("ended_by", String),
    Column("ended_reason", Text),
    one_of("status", LICENCE_STATUSES),
    schema="market",
)
