"""The table of splits. Who is in which part lies in the raw bucket, and the seed there too until the split is
opened."""

from sqlalchemy import Column, ForeignKey, ForeignKeyConstraint, Integer, Table, Text
from sqlalchemy.dialects.postgresql import JSONB, UUID

from sandbox.database import metadata

splits = Table(
    "splits",
    metadata,
    Column("id", UUID(as_uuid=True), ForeignKey("vault.population_splits.id"), primary_key=True),
    Column("dataset", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("form", JSONB, nullable=False),
    Column("commitment", Text, nullable=False),
    Column("membership", Text, nullable=False),
    # of the object with the seed and the people
    Column("object_name", Text, nullable=False),
    Column("object_version", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    # datasets of the population whose ids cannot be compared, and which are read whole all the same
    Column("read_whole", JSONB, nullable=False),
    Column("left_earlier", JSONB, nullable=False),  # what was accepted by name
    Column("committed_by", Text, nullable=False),
    Column("seed", Text),  # in hex, once it is opened
    Column("opened_by", Text),
    ForeignKeyConstraint(
        ["dataset", "number"], ["vault.dataset_versions.dataset", "vault.dataset_versions.number"]
    ),
    schema="vault",
)
