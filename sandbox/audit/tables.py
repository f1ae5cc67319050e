"""Tables of the log: four that only grow (only openings may be erased, by the owner).

Services write them through one function (`append_function.py`). A fifth table says who may append which kind.

An entry never changes, so there is no status column: a later entry records what became of an earlier one.
"""

from sqlalchemy import (
    DDL,
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    event,
)

from sandbox.audit.append_function import APPEND_FUNCTION
from sandbox.database import metadata

entries = Table(
    "entries",
    metadata,
    Column("index", BigInteger, primary_key=True, autoincrement=False),
    Column("entry", Text, nullable=False),  # canonical JSON; these bytes in UTF-8 are the leaf
    CheckConstraint("index >= 0", name="index_from_zero"),
    schema="log",
)

# Complete subtrees only: node (level, position) covers the leaves position << level up to (position + 1) <<
# level. Level 0 holds the leaf hashes. A node is written once, by the append that completes it.
nodes = Table(
    "nodes",
    metadata,
    Column("level", SmallInteger, primary_key=True, autoincrement=False),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False),
    CheckConstraint("level >= 0 AND position >= 0", name="place"),
    CheckConstraint("octet_length(hash) = 32", name="hash_length"),
    schema="log",
)

# What a commitment commits to. The only personal data of the log; erasing a row leaves every proof valid.
openings = Table(
    "openings",
    metadata,
    Column("index", BigInteger, ForeignKey(entries.c.index), primary_key=True, autoincrement=False),
    Column("salt", LargeBinary, nullable=False),
    Column("content", Text, nullable=False),  # canonical JSON of {actor, subject, payload}
    CheckConstraint("octet_length(salt) = 32", name="salt_length"),
    schema="log",
)

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    # of the key that signed, so that a new key may sign the same size again
    Column("key_id", Text, primary_key=True),
    Column("note", Text, nullable=False),  # C2SP signed note
    Column("signed_at", DateTime(timezone=True), nullable=False),
    schema="log",
)

kinds = Table(
    "kinds",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("role", Text, primary_key=True),  # of Postgres: a service's (`writers.py`)
    CheckConstraint("kind ~ '^[a-z_]+[.][a-z_]+$'", name="kind"),
    schema="log",
)

event.listen(kinds, "after_create", DDL(APPEND_FUNCTION))  # type: ignore[no-untyped-call]  # SQLAlchemy has no type for DDL
