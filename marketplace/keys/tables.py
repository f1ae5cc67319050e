"""Tables of keys."""

from sqlalchemy import Column, DateTime, ForeignKey, Identity, Integer, LargeBinary, String, Table, Text, func

from marketplace.keys.model import KEY_STATUSES
from marketplace.licences.tables import licences
from marketplace.products.tables import one_of
from sandbox.database import metadata

keys = Table(
    "keys",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("licence", ForeignKey(licences.c.id), nullable=False, index=True),
    Column("hash", LargeBinary, nullable=False, unique=True, comment="SHA-256; the key has 190 random bits"),
    Column("start", String(12), nullable=False),
    Column("label", Text, nullable=False),
    Column("status", String, nullable=False),
    Column("made_by", String, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("ends_at", DateTime(timezone=True)),
    Column("successor", ForeignKey("market.keys.id")),
    one_of("status", KEY_STATUSES),
    schema="market",
)
