"""Tables of questions, answers, and all that was released: totals, keys, rows left out.
What was released is noised: it may leave, for ever."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Float,
    ForeignKeyConstraint,
    Integer,
    Numeric,
    Table,
    Text,
    func,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from sandbox.database import metadata

questions = Table(
    "questions",
    metadata,
    Column("id", UUID(as_uuid=True), primary_key=True),
    Column("digest", Text, nullable=False, index=True),
    Column("version", Text, nullable=False),
    Column("grant", Integer, nullable=False, index=True),
    # of the private datasets that are joined
    Column("joined_grants", ARRAY(Integer), nullable=False, server_default="{}"),
    Column("asked_by", Text, nullable=False),
    Column("sql", Text, nullable=False),
    Column("picorho", Numeric(40, 0), nullable=False),  # charged; 0 where all was released before
    # offered, as a decimal number, and the relative error that was asked for instead: one of them, or neither
    # of questions from before these were kept
    Column("epsilon", Text),
    Column("error", Float),
    # asked -> released | failed | interrupted (by a crash; recorded at the next start); all stay charged
    Column("status", Text, nullable=False),
    Column("asked_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("answer", JSONB),
    Column("log_index", BigInteger),
    CheckConstraint("status IN ('asked', 'released', 'failed', 'interrupted')", name="status"),
    schema="vault",
)

released_totals = Table(
    "released_totals",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("total", Text, primary_key=True),
    Column("picorho", BigInteger, primary_key=True),
    Column("scale", Float, nullable=False),
    Column("cells", ARRAY(BigInteger), nullable=False),
    Column("released_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    schema="vault",
)

bought_bounds = Table(
    "bought_bounds",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("picorho", BigInteger, nullable=False),
    Column("scale", Float, nullable=False),
    # exact, as a fraction; both are empty where no value was found that enough units have
    Column("low", Text),
    Column("high", Text),
    Column("released_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    CheckConstraint("(low IS NULL) = (high IS NULL)", name="both"),
    schema="vault",
)

found_keys = Table(
    "found_keys",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("picorho", BigInteger, primary_key=True),
    Column("scale", Float, nullable=False),
    Column("threshold", BigInteger, nullable=False),
    Column("values", JSONB, nullable=False),
    Column("released_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    schema="vault",
)

left_out_rows = Table(
    "left_out_rows",
    metadata,
    Column("dataset", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("picorho", BigInteger, nullable=False),
    Column("scale", Float, nullable=False),
    # noisy numbers of units by how many rows they have: contribution_histogram.py
    Column("units", ARRAY(BigInteger), nullable=False),
    Column("released_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    ForeignKeyConstraint(
        ["dataset", "number"], ["vault.dataset_versions.dataset", "vault.dataset_versions.number"]
    ),
    schema="vault",
)
