"""Tables of service accounts."""

from sqlalchemy import Column, DateTime, LargeBinary, String, Table, Text, func
from sqlalchemy.dialects.postgresql import JSONB

from marketplace.keys.model import KEY_MODES
from marketplace.products.tables import one_of
from marketplace.service_accounts.model import SERVICE_STATUSES
from sandbox.database import metadata

service_accounts = Table(
    "service_accounts",
    metadata,
    Column("id", String(20), primary_key=True, comment="the client_id"),
    Column("organisation", String, nullable=False, index=True),
    Column("label", Text, nullable=False),
    Column("hash", LargeBinary, nullable=False, comment="SHA-256 of the secret, which has 190 random bits"),
    Column("start", String(12), nullable=False),
    Column("previous_hash", LargeBinary),
    Column("previous_until", DateTime(timezone=True)),
    Column("scopes", JSONB, nullable=False),
    Column("networks", JSONB, nullable=False),
    Column("mode", String, nullable=False),
    Column("status", String, nullable=False),
    Column("made_by", String, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("revoked_at", DateTime(timezone=True)),
    one_of("mode", KEY_MODES),
    one_of("status", SERVICE_STATUSES),
    schema="market",
)
