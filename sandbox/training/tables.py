"""Tables of attempts at a course's test, and of training certificates."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from sandbox.database import metadata

SCHEMA = "vault"


training_certificates = Table(
    "training_certificates",
    metadata,
    Column("person", Text, primary_key=True),
    Column("course", Text, primary_key=True),
    Column("issued_by", Text, nullable=False),
    Column("issued_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("log_index", BigInteger),  # none for those from before it was kept
    schema=SCHEMA,
)

# `drawn`: the questions in their order, each with its options as they were shuffled (0 is the right one);
# `number`: which of the person's attempts of the day it is
course_attempts = Table(
    "course_attempts",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("person", Text, nullable=False),
    Column("course", Text, nullable=False),
    Column("course_sha256", Text, nullable=False),
    Column("day", Date, nullable=False),
    Column("number", Integer, nullable=False),
    Column("drawn", JSONB, nullable=False),
    Column("begun_at", DateTime(timezone=True), nullable=False),
    Column("ends_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True)),
    Column("chosen", JSONB),
    Column("passed", Boolean),
    UniqueConstraint("person", "course", "day", "number"),
    Index(
        "uq_course_attempts_open", "person", "course", unique=True, postgresql_where=text("ended_at IS NULL")
    ),
    schema=SCHEMA,
)
