"""Tables of reviews: what was requested, found, voted and released."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import JSONB, UUID

from sandbox.database import metadata

reviews = Table(
    "reviews",
    metadata,
    Column("id", UUID(as_uuid=True), primary_key=True),
    Column("run", UUID(as_uuid=True), ForeignKey("vault.runs.id"), nullable=False),
    Column("round", Integer, nullable=False),
    Column("team", Text, nullable=False),
    Column("requested_by", Text, nullable=False),
    Column("requested_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("outcome", Text),
    Column("decided_at", DateTime(timezone=True)),
    Column("reminded_at", DateTime(timezone=True)),  # when the log recorded that it is overdue
    Column("log_index", BigInteger),  # of the entry of its outcome
    Column("grade", Text),  # of the inputs together, when it was asked
    # what it tells the team at most, and how many released files have no such bound
    Column("told_bits", BigInteger, nullable=False, server_default="0"),
    Column("unbounded_files", Integer, nullable=False, server_default="0"),
    Column("compared_runs", Integer),  # with recipes whose outputs had left when it was checked
    CheckConstraint("state IN ('open', 'consolidating', 'decided', 'withdrawn')", name="state"),
    CheckConstraint("outcome IN ('released', 'returned', 'refused')", name="outcome"),
    CheckConstraint("(state = 'decided') = (outcome IS NOT NULL)", name="decided"),
    UniqueConstraint("run", "round"),
    Index(
        "ix_reviews_one_waits",
        "run",
        unique=True,
        postgresql_where=text("state IN ('open', 'consolidating')"),
    ),
    Index("ix_reviews_state_due_at", "state", "due_at"),
    Index("ix_reviews_team_grade", "team", "grade"),
    schema="vault",
)

review_files = Table(
    "review_files",
    metadata,
    Column("review", UUID(as_uuid=True), ForeignKey("vault.reviews.id"), primary_key=True),
    Column("path", Text, primary_key=True),
    Column("statbarn", Text, nullable=False),
    Column("context", Text, nullable=False),
    Column("controls", Text, nullable=False),
    Column("counts", Text),
    Column("findings", JSONB(none_as_null=True)),  # NULL until the checks have run
    Column("differences", JSONB(none_as_null=True)),  # from what left earlier
    Column("bits", Float),  # that it can carry at most; NULL where there is no bound
    # hashes of what would leave of its tables: of rows' labels, and of cells beside them (likeness.py)
    Column("labels", postgresql.ARRAY(BigInteger)),
    Column("cells", postgresql.ARRAY(BigInteger)),
    Index("ix_review_files_labels", "labels", postgresql_using="gin"),
    Index("ix_review_files_cells", "cells", postgresql_using="gin"),
    schema="vault",
)

review_votes = Table(
    "review_votes",
    metadata,
    Column("review", UUID(as_uuid=True), ForeignKey("vault.reviews.id"), primary_key=True),
    Column("reviewer", Text, primary_key=True),
    Column("path", Text, primary_key=True),
    Column("round", Text, primary_key=True),
    Column("organisation", Text, nullable=False),  # the reviewer's, when they voted
    Column("vote", Text, nullable=False),
    Column("comment", Text, nullable=False),
    Column("reasons", ARRAY(Text), nullable=False),
    Column("voted_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    CheckConstraint("round IN ('blind', 'final')", name="round"),
    CheckConstraint("vote IN ('approve', 'change', 'refuse')", name="vote"),
    schema="vault",
)

released_files = Table(
    "released_files",
    metadata,
    Column("run", UUID(as_uuid=True), ForeignKey("vault.runs.id"), primary_key=True),
    Column("path", Text, primary_key=True),
    Column("review", UUID(as_uuid=True), ForeignKey("vault.reviews.id"), nullable=False),
    Column("object_name", Text, nullable=False),
    Column("object_version", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    schema="vault",
)

told_places = Table(
    "told_places",
    metadata,
    # what a number such as those of a model's card can tell of raw rows: counted beside reviews
    Column("entry", UUID(as_uuid=True), primary_key=True),
    Column("team", Text, nullable=False),
    Column("grade", Text, nullable=False),
    Column("bits", Integer, nullable=False),
    Column("told_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Index("ix_told_places_team_grade", "team", "grade"),
    schema="vault",
)

told_organisations = Table(
    "told_organisations",
    metadata,
    # the organisations behind a team when it asked for a review, or for a number of `told_places`
    Column("told", UUID(as_uuid=True), primary_key=True),
    Column("organisation", Text, primary_key=True),
    Index("ix_told_organisations_organisation", "organisation"),
    schema="vault",
)
