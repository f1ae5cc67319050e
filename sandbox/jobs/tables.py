"""Tables of sealed runs: what was submitted, which is the queue too, and what each left in quarantine."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    false,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID

from sandbox.database import metadata

runs = Table(
    "runs",
    metadata,
    Column("id", UUID(as_uuid=True), primary_key=True),
    Column("name", Text, nullable=False),
    Column("team", Text, nullable=False),
    Column("submitted_by", Text, nullable=False),
    Column("submitted_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("entry", Text, nullable=False),
    Column("files", JSONB, nullable=False),  # path -> exact text
    Column("program_sha256", Text, nullable=False),
    Column("environment_sha256", Text, nullable=False),
    Column("inputs", JSONB, nullable=False),  # [{dataset, version, sha256, grant}]
    Column("models", JSONB, nullable=False, server_default=text("'[]'")),  # [{name, version, sha256}]
    Column("limit_seconds", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("started_at", DateTime(timezone=True)),
    Column("told_at", DateTime(timezone=True)),
    Column("ended_at", DateTime(timezone=True)),
    Column("log_index", BigInteger),
    Column("kind", Text, nullable=False, server_default="program"),
    Column("interface", JSONB(none_as_null=True)),  # of a predictor
    Column("hint_bits", Integer, nullable=False, server_default="0"),
    Column("hint", Text),
    # how often the vault ended while it ran
    Column("interruptions", Integer, nullable=False, server_default="0"),
    # from its start until its end is disclosed
    Column("kernels_frozen", Boolean, nullable=False, server_default=false()),
    CheckConstraint(
        "state IN ('queued', 'running', 'finished', 'interrupted', 'returned', 'released', "
        "'refused', 'cancelled')",
        name="state",
    ),
    CheckConstraint("kind IN ('program', 'table')", name="kind"),
    Index("ix_runs_state_team", "state", "team"),
    schema="vault",
)

run_files = Table(
    "run_files",
    metadata,
    Column("run", UUID(as_uuid=True), ForeignKey("vault.runs.id"), primary_key=True),
    Column("path", Text, primary_key=True),
    Column("object_name", Text, nullable=False),
    Column("object_version", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    schema="vault",
)
