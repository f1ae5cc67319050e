"""Tables of the units behind the numbers of declared tables: of released ones for ever, of others until they
are decided on."""

from sqlalchemy import BigInteger, Column, DateTime, ForeignKey, Index, LargeBinary, Table, Text
from sqlalchemy.dialects.postgresql import JSONB, UUID

from sandbox.database import metadata

declared_tables = Table(
    "declared_tables",
    metadata,
    Column("run", UUID(as_uuid=True), ForeignKey("vault.runs.id"), primary_key=True),
    Column("population", Text, nullable=False),
    Column("unit_kind", Text, nullable=False),
    Column("key_id", Text, nullable=False),  # of the digests
    Column("keys", JSONB, nullable=False),  # [{name, values}]
    Column("measures", JSONB, nullable=False),
    Column("shown", LargeBinary, nullable=False),
    Column("behind", LargeBinary, nullable=False),
    Column("release_number", BigInteger, unique=True),  # in the order of releases, of all populations
    Column("released_at", DateTime(timezone=True)),
    # the last release beside which its findings were made; NULL before the first look
    Column("checked_to", BigInteger),
    Index("ix_declared_tables_population", "population", "unit_kind"),
    schema="vault",
)
