"""Table of registered models: a row for each version."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID

from sandbox.database import metadata

models = Table(
    "models",
    metadata,
    Column("name", Text, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("team", Text, nullable=False),
    Column("maintainer", Text, nullable=False),  # an account of the team, who answers for it
    Column("registered_by", Text, nullable=False),
    Column("registered_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("department", Text, nullable=False),  # of the dataset
    Column("dataset", Text, nullable=False),
    Column("dataset_version", Integer, nullable=False),
    Column("grade", Text, nullable=False),  # of all that its run read
    Column("run", UUID(as_uuid=True), ForeignKey("vault.runs.id")),  # none: the entry brought the model
    Column("inputs", JSONB, nullable=False),  # what the run read: datasets and versions
    Column("path", Text, nullable=False),  # of the released file, or of the file in the entry's program
    Column("competition", Text),
    Column("track", Text),
    Column("entry", Integer),
    Column("place", Integer),  # in the published result, when it was registered
    Column("object_name", Text, nullable=False),
    Column("object_version", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("columns", JSONB, nullable=False),  # what it is given: name, type, required
    Column("predicts", JSONB, nullable=False),
    Column("card", JSONB, nullable=False),
    Column("privacy", JSONB, nullable=False),  # what was measured
    Column("last_day", Date),  # of predictions, once its retirement is announced
    Column("retired_by", Text),
    Column("retired_reason", Text),
    Column("log_index", BigInteger, nullable=False),
    CheckConstraint("(last_day IS NULL) = (retired_reason IS NULL)", name="retirement"),
    Index("uq_models_name_sha256", "name", "sha256", unique=True),
    Index("ix_models_team", "team"),
    schema="vault",
)
