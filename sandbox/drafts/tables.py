"""Tables of uploaded files and of the drafts that are written for them.

The bytes are in the raw bucket. A draft keeps classes and rounded figures of its file, and no cell.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Integer,
    Table,
    Text,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID

from sandbox.database import metadata

draft_files = Table(
    "draft_files",
    metadata,
    Column("id", UUID(as_uuid=True), primary_key=True),
    Column("name", Text, nullable=False),  # as the officer's computer calls it; shown, never used as a name
    Column("object_name", Text, nullable=False, unique=True),
    Column("department", Text, nullable=False),
    # storing -> stored -> removed; what a crash left in `storing` is removed at the next start
    Column("state", Text, nullable=False),
    Column("object_version", Text),
    Column("bytes", BigInteger),
    Column("sha256", Text),
    Column("uploaded_by", Text, nullable=False),  # whose it is: the officer to whom it was given, if it was
    Column("uploaded_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    CheckConstraint("state IN ('storing', 'stored', 'removed')", name="state"),
    schema="vault",
)

drafts = Table(
    "drafts",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("file", UUID(as_uuid=True), ForeignKey("vault.draft_files.id"), nullable=False),
    Column("state", Text, nullable=False),
    Column("department", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("shape", JSONB, nullable=False),  # what was seen in the file: types, classes, suggestions
    Column("second_person", Text),  # who agreed, to the current revision
    Column("published_dataset", Text),
    Column("published_version", Integer),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    CheckConstraint("state IN ('open', 'published', 'dropped')", name="state"),
    schema="vault",
)

draft_revisions = Table(
    "draft_revisions",
    metadata,
    Column("draft", Integer, ForeignKey("vault.drafts.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("policy", Text, nullable=False),
    Column("note", Text, nullable=False, server_default=""),
    Column("saved_by", Text, nullable=False),
    Column("saved_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    schema="vault",
)
