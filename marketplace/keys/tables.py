"""Tables of keys."""

from sqlalchemy import (
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from marketplace.keys.model import KEY_MODES, KEY_STATUSES
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
    Column("scopes", JSONB, nullable=False, server_default=text("""'["call", "sample", "usage"]'""")),
    Column("networks", JSONB, nullable=False, server_default=text("'[]'"), comment="[]: every address"),
    Column("mode", String, nullable=False, server_default=text("'live'")),
    Column("last_used_at", DateTime(timezone=True), comment="written by metering, to the minute"),
    Column("revoked_at", DateTime(timezone=True)),
    Column("revoked_for", String, comment="the organisation of who revoked it"),
    Column("service_account", ForeignKey("market.service_accounts.id"), index=True),
    Column("ends_before", DateTime(timezone=True), comment="its end before it was revoked"),
    one_of("mode", KEY_MODES),
    one_of("status", KEY_STATUSES),
    schema="market",
)

key_networks = Table(
    "key_networks",
    metadata,
    Column("key", ForeignKey(keys.c.id), primary_key=True),
    Column("network", Text, primary_key=True, comment="CIDR, /24 or /48, from which it was called"),
    Column("first_seen", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Column("last_seen", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    schema="market",
)

sandbox_keys = Table(
    "sandbox_keys",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("organisation", String, nullable=False, index=True),
    Column("hash", LargeBinary, nullable=False, unique=True, comment="SHA-256; the key has 190 random bits"),
    Column("start", String(12), nullable=False),
    Column("made_by", String, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("ends_at", DateTime(timezone=True), nullable=False),
    Column("revoked_at", DateTime(timezone=True)),
    schema="market",
)
