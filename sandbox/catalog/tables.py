"""Tables of the catalogue: datasets and their versions. The rows themselves are in the raw bucket."""

from sqlalchemy import BigInteger, Column, DateTime, ForeignKey, Integer, Table, Text

from sandbox.database import metadata

datasets = Table(
    "datasets", metadata,
    Column("name", Text, primary_key=True),
    Column("department", Text, nullable=False),
    Column("latest", Integer, nullable=False),
    schema="vault",
)

dataset_versions = Table(
    "dataset_versions", metadata,
    Column("dataset", Text, ForeignKey("vault.datasets.name"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("policy", Text, nullable=False),  # the YAML text as the officer gave it
    Column("object_name", Text, nullable=False),
    Column("object_version", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("published_by", Text, nullable=False),
    Column("published_at", DateTime(timezone=True), nullable=False),
    schema="vault",
)
