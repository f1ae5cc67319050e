"""Tables of derivations, and of who agreed to them."""

from sqlalchemy import CheckConstraint, Column, DateTime, ForeignKey, Integer, Table, Text, func
from sqlalchemy.dialects.postgresql import JSONB

from sandbox.database import metadata

derivations = Table(
    "derivations",
    metadata,
    Column("dataset", Text, primary_key=True),
    Column("department", Text, nullable=False),
    Column("policy", Text, nullable=False),  # the YAML text, with the SQL in it
    # [{dataset, version, department, policy_sha256, officers}]: `officers` of that department must agree
    Column("inputs", JSONB, nullable=False),
    # waiting for officers -> agreed -> published; after a failure it waits for all of them anew
    Column("state", Text, nullable=False),
    Column("revision", Integer, nullable=False),  # counts changes: whoever agrees says to which
    Column("set_by", Text, nullable=False),
    Column("makers", JSONB, nullable=False),  # who ever proposed, changed or took it over: no second person
    Column("set_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("cron", Text),  # when it is refreshed and run by itself
    Column("next_due", DateTime(timezone=True)),
    Column("failed_at", DateTime(timezone=True)),  # why is told to nobody: it may depend on rows
    Column("version", Integer),  # the last one that it made
    CheckConstraint("state IN ('waiting', 'agreed', 'published', 'ended')", name="state"),
    schema="vault",
)

derivation_agreements = Table(
    "derivation_agreements",
    metadata,
    Column("dataset", Text, ForeignKey("vault.derivations.dataset"), primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("officer", Text, primary_key=True),
    Column("department", Text, nullable=False),
    Column("agreed_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    schema="vault",
)
