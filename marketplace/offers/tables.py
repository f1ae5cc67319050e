"""Tables of offers. A row is never changed: another price is another row with a later beginning."""

from sqlalchemy import BigInteger, Column, DateTime, ForeignKey, Identity, Index, Integer, String, Table, func
from sqlalchemy.dialects.postgresql import JSONB

from sandbox.database import metadata

offers = Table(
    "offers",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    # by name: products stand above offers
    Column("product", ForeignKey("market.products.id"), nullable=False),
    Column("organisation", String, comment="whom alone it is for; NULL: everybody"),
    Column("starts_at", DateTime(timezone=True), nullable=False),
    Column("ends_at", DateTime(timezone=True), comment="NULL: until a later offer begins"),
    Column("document", JSONB, nullable=False),
    Column("hash", String(64), nullable=False, comment="SHA-256 of the document's canonical JSON"),
    Column("made_by", String, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("log_index", BigInteger, nullable=False),
    Index("ix_offers_product_starts_at", "product", "starts_at"),
    schema="market",
)
