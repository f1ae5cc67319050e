"""Table by which strangers search the catalogue: one row a dataset, derived from the version in use."""

from sqlalchemy import BigInteger, Boolean, Column, DateTime, ForeignKey, Index, Integer, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY, TSVECTOR

from sandbox.database import metadata

catalogue_entries = Table(
    "catalogue_entries",
    metadata,
    Column("dataset", Text, ForeignKey("vault.datasets.name"), primary_key=True),
    Column("number", Integer, nullable=False),  # the version that the row was made of; 0: there is none
    Column("rules", Text, nullable=False),  # the digest of the rules by which it was decided
    # false: strangers are told nothing, and the other columns are empty
    Column("listed", Boolean, nullable=False),
    Column("title_zh", Text, nullable=False, server_default=""),
    Column("title_en", Text, nullable=False, server_default=""),
    Column("summary_zh", Text, nullable=False, server_default=""),
    Column("summary_en", Text, nullable=False, server_default=""),
    Column("department", Text, nullable=False, server_default=""),
    Column("grade", Text, nullable=False, server_default=""),
    Column("theme", Text, nullable=False, server_default=""),
    Column("updates", Text, nullable=False, server_default=""),
    Column("delivery", ARRAY(Text), nullable=False, server_default="{}"),
    Column("column_count", Integer, nullable=False, server_default="0"),
    Column("about_rows", BigInteger),
    Column("published_at", DateTime(timezone=True)),
    Column("terms", TSVECTOR, nullable=False, server_default=""),
    Index("ix_catalogue_entries_terms", "terms", postgresql_using="gin"),
    Index("ix_catalogue_entries_published_at", "published_at"),
    schema="vault",
)
