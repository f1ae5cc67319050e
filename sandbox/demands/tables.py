"""Table of what analysts ask for, and what was answered."""

from sqlalchemy import CheckConstraint, Column, DateTime, Identity, Integer, Table, Text, func

from sandbox.database import metadata

demands = Table(
    "demands",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("title", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("department", Text, nullable=False),  # that is asked
    Column("state", Text, nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("organisation", Text, nullable=False),  # of who asks
    Column("asked_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("answer", Text, nullable=False, server_default=""),
    Column("dataset", Text),  # that meets it
    Column("answered_by", Text),
    Column("answered_at", DateTime(timezone=True)),
    CheckConstraint("state IN ('open', 'planned', 'met', 'declined')", name="state"),
    schema="vault",
)
