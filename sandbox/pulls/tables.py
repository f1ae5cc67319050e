"""Tables of pulls and of their attempts. A failure's words may count cells: they are for who set the pull."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from sandbox.database import metadata

pulls = Table(
    "pulls",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("dataset", Text, ForeignKey("vault.datasets.name"), nullable=False),
    Column("department", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("kind", Text, nullable=False),  # of `what`: table, query or object
    Column("what", Text, nullable=False),
    Column("cron", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("set_by", Text, nullable=False),
    Column("makers", JSONB, nullable=False),  # who ever set or took it over: no second person
    Column("set_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("second_person", Text),
    Column("suspended", JSONB),  # why: words in both languages
    Column("policy_sha256", Text),  # of the newest version as it was set: what whoever set it was shown
    # counts what was attempted and changed: whoever brings rows says of which revision they are
    Column("revision", Integer, nullable=False),
    Column("next_due", DateTime(timezone=True), nullable=False),
    # of a pull that fetches what is new (increments.py); else all are null
    Column("since", Text),
    Column("key", JSONB),
    Column("overlap", BigInteger),
    Column("full_pull", Text),  # how often all rows are fetched all the same
    Column("full_at", DateTime(timezone=True)),  # when all were
    Column("made_version", Integer),  # the last that it made
    CheckConstraint("kind IN ('table', 'query', 'object')", name="kind"),
    CheckConstraint("state IN ('waiting', 'active', 'suspended', 'removed')", name="state"),
    CheckConstraint("full_pull IN ('daily', 'weekly', 'monthly')", name="full_pull"),
    Index("one_pull_of_a_dataset", "dataset", unique=True, postgresql_where=text("state <> 'removed'")),
    schema="vault",
)

pull_attempts = Table(
    "pull_attempts",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("pull", Integer, ForeignKey("vault.pulls.id"), nullable=False, index=True),
    Column("set_by", Text, nullable=False),  # whose the words of this attempt are
    Column("outcome", Text, nullable=False),
    # while the rows arrive; what a crash leaves is removed at the next start
    Column("object_name", Text, unique=True),
    Column("version", Integer),
    Column("code", Text),
    Column("words", JSONB),
    Column("started_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("ended_at", DateTime(timezone=True)),
    CheckConstraint("outcome IN ('arriving', 'version', 'unchanged', 'failed', 'cut')", name="outcome"),
    schema="vault",
)
