"""The table of entries that are scored: each once at most."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    Numeric,
    Table,
    Text,
    func,
)
from sqlalchemy.dialects.postgresql import UUID

from sandbox.database import metadata

scored_entries = Table(
    "scored_entries",
    metadata,
    Column("id", UUID(as_uuid=True), primary_key=True),
    Column("split", UUID(as_uuid=True), ForeignKey("vault.splits.id"), nullable=False),
    Column("part", Text, nullable=False),
    Column("board", Text, nullable=False),
    Column("team", Text, nullable=False),
    Column("picorho", Numeric(40, 0), nullable=False),  # charged when scoring began
    # scoring -> scored (its place is there, and told) | failed (no place; the loss stays spent)
    Column("state", Text, nullable=False),
    Column("begun_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("place", Integer),  # of the team, after this entry
    Column("improved", Boolean),
    Column("ended_at", DateTime(timezone=True)),
    Column("log_index", BigInteger),
    CheckConstraint("part IN ('live', 'final')", name="part"),
    CheckConstraint("state IN ('scoring', 'scored', 'failed')", name="state"),
    CheckConstraint("(state = 'scored') = (place IS NOT NULL)", name="place_when_scored"),
    Index("ix_scored_entries_board_team", "board", "team"),
    schema="vault",
)
