"""Tables of requests and grants. A decision never overwrites what was asked. The log keeps every step."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Integer,
    Numeric,
    Table,
    Text,
    func,
)

from sandbox.database import metadata

Epsilon = Numeric(12, 6)

requests = Table(
    "requests",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("dataset", Text, ForeignKey("vault.datasets.name"), nullable=False),
    Column("department", Text, nullable=False),
    Column("team", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("epsilon", Epsilon, nullable=False),
    Column("until", DateTime(timezone=True), nullable=False),
    Column("status", Text, nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("asked_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("decided_by", Text),
    Column("decided_at", DateTime(timezone=True)),
    Column("note", Text, nullable=False, server_default=""),
    CheckConstraint("status IN ('asked', 'approved', 'refused')", name="status"),
    schema="vault",
)

grants = Table(
    "grants",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("request", Integer, ForeignKey("vault.requests.id"), nullable=False, unique=True),
    Column("dataset", Text, nullable=False),
    Column("department", Text, nullable=False),
    Column("team", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("epsilon", Epsilon, nullable=False),  # as approved
    # what its account may lose in all since it was approved, in the ledger's units; empty in older grants
    Column("picorho", Numeric(40, 0)),
    Column("delta_units", Numeric(40, 0)),
    Column("until", DateTime(timezone=True), nullable=False),
    Column("status", Text, nullable=False),
    Column("approved_by", Text, nullable=False),
    Column("approved_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("ended_by", Text),
    Column("ended_at", DateTime(timezone=True)),
    Column("reason", Text, nullable=False, server_default=""),
    Column("certificate", Text, nullable=False, server_default=""),  # that the policy asked for then
    CheckConstraint("status IN ('live', 'revoked', 'expired')", name="status"),
    schema="vault",
)
