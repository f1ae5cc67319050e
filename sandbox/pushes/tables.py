"""Tables of push credentials, of pushes and of their batches. The rows are in the raw bucket."""

from sqlalchemy import (
    BigInteger,
    Boolean,
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
from sqlalchemy.dialects.postgresql import JSONB, UUID

from sandbox.database import metadata

push_credentials = Table(
    "push_credentials",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("dataset", Text, ForeignKey("vault.datasets.name"), nullable=False, index=True),
    Column("label", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("secret_sha256", Text, nullable=False, unique=True),  # the secret itself is shown once
    Column("state", Text, nullable=False),
    Column("revision", Integer, nullable=False),  # to which a second officer agrees
    Column("issued_by", Text, nullable=False),  # who answers for what is pushed with it
    Column("makers", JSONB, nullable=False),  # who ever answered for it: no second person
    Column("secret_shown_to", Text, nullable=False),  # whoever issued it first: it is never changed
    Column("issued_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("second_person", Text),
    Column("policy_sha256", Text, nullable=False),  # of the newest version as the officer saw it
    Column("suspended", JSONB),  # why: words in both languages
    Column("expires_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("mode IN ('replace', 'append')", name="mode"),
    CheckConstraint("state IN ('waiting', 'active', 'suspended', 'revoked')", name="state"),
    schema="vault",
)

pushes = Table(
    "pushes",
    metadata,
    Column("id", UUID(as_uuid=True), primary_key=True),
    Column("dataset", Text, ForeignKey("vault.datasets.name"), nullable=False, index=True),
    Column("pusher", Text, nullable=False),  # `officer:lin`, `credential:7`
    Column("name", Text),  # how its pusher calls it, so that a retry finds it
    Column("mode", Text, nullable=False),
    # open -> waiting (for a second officer) -> published or refused; or abandoned, expired
    Column("state", Text, nullable=False),
    Column("officer", Text, nullable=False),  # under whose authority it is published
    Column("credential", Integer, ForeignKey("vault.push_credentials.id")),
    Column("policy_sha256", Text, nullable=False),
    Column("about_people", Boolean, nullable=False),
    Column("second_person", Text),
    Column("opened_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("changed_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("ended_at", DateTime(timezone=True)),
    Column("version", Integer),
    Column("code", Text),
    Column("words", JSONB),  # why it was refused: for its officer, since it may count cells
    CheckConstraint("mode IN ('replace', 'append')", name="mode"),
    CheckConstraint(
        "state IN ('open', 'waiting', 'published', 'refused', 'abandoned', 'expired')", name="state"
    ),
    Index("one_push_of_a_name", "dataset", "pusher", "name", unique=True),
    schema="vault",
)

push_batches = Table(
    "push_batches",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("push", UUID(as_uuid=True), ForeignKey("vault.pushes.id"), nullable=False, index=True),
    Column("key_sha256", Text, nullable=False),  # of the idempotency key, which may be anything
    # storing -> stored -> removed; what a crash left in `storing` is removed at the next start
    Column("state", Text, nullable=False),
    Column("object_name", Text, nullable=False, unique=True),
    Column("object_version", Text),
    Column("format", Text, nullable=False),
    Column("number", Integer),
    Column("bytes", BigInteger),
    Column("rows", BigInteger),
    Column("sha256", Text),
    Column("notes", JSONB),  # what was done to its own cells
    CheckConstraint("state IN ('storing', 'stored', 'removed')", name="state"),
    Index("one_batch_of_a_key", "push", "key_sha256", unique=True, postgresql_where=text("number > 0")),
    schema="vault",
)
