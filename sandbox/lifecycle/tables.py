"""Table of the steps that end a version or a dataset. What is announced is the catalogue's."""

from sqlalchemy import CheckConstraint, Column, DateTime, ForeignKey, Identity, Integer, Table, Text, func

from sandbox.database import metadata

lifecycle_steps = Table(
    "lifecycle_steps",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("dataset", Text, ForeignKey("vault.datasets.name"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("number", Integer),  # the version that is withdrawn
    Column("reason", Text, nullable=False),
    Column("takes_effect", DateTime(timezone=True)),  # of a retirement
    # proposed -> done | dropped; an erasure is `erasing` until its objects are gone
    Column("state", Text, nullable=False),
    Column("proposed_by", Text, nullable=False),
    Column("proposed_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("second_person", Text),
    Column("done_at", DateTime(timezone=True)),
    CheckConstraint("kind IN ('withdraw', 'retire', 'erase')", name="kind"),
    CheckConstraint("state IN ('proposed', 'erasing', 'done', 'dropped')", name="state"),
    schema="vault",
)
