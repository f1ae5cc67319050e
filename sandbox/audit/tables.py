"""Tables of the log: seven that only grow (only openings, and with them
their places in the index of objects and the decisions beside them, may be erased, by the owner).

Services write them through one function (`append_function.py`), but for checkpoints and cosignatures. An
eighth table says who may append which kind.

An entry never changes, so there is no status column: a later entry records what became of an earlier one.
"""

from sqlalchemy import (
    DDL,
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    event,
    text,
)

from sandbox.audit.append_function import APPEND_DECIDED_FUNCTION, APPEND_FUNCTION
from sandbox.audit.object_index import OBJECTS_FUNCTION
from sandbox.database import metadata

entries = Table(
    "entries",
    metadata,
    Column("index", BigInteger, primary_key=True, autoincrement=False),
    Column("entry", Text, nullable=False),  # canonical JSON; these bytes in UTF-8 are the leaf
    CheckConstraint("index >= 0", name="index_from_zero"),
    Index("ix_entries_kind", text("(entry::jsonb ->> 'kind')"), "index"),  # to list one kind
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

# Which entries name an object (`object_index.py`); as personal as the openings, and erased with them.
objects = Table(
    "objects",
    metadata,
    Column("object", Text, primary_key=True),
    Column(
        "index",
        BigInteger,
        ForeignKey(openings.c.index, ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("kind", Text, nullable=False),
    Index("ix_objects_kind", "object", "kind", "index"),  # an object's entries of one kind
    Index("ix_objects_index", "index"),  # to erase
    schema="log",
)

# What the gate's decisions on an entry's deed were made of (`sandbox/policy/facts.py`): a JSON list. As
# personal as the opening, and erased with it; no proof of the log covers it.
decisions = Table(
    "decisions",
    metadata,
    Column(
        "index",
        BigInteger,
        ForeignKey(openings.c.index, ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("facts", Text, nullable=False),
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

# Which witness co-signed a checkpoint, and when (c2sp.org/tlog-cosignature). Read only with a verified line.
cosignatures = Table(
    "cosignatures",
    metadata,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("key_id", Text, primary_key=True),  # of the log's key
    Column("witness", Text, primary_key=True),  # the witness's key, as a vkey
    Column("time", BigInteger, primary_key=True, autoincrement=False),  # by the witness; seconds since 1970
    Column("line", Text, nullable=False),  # the signature line, with its newline
    Column("received_at", DateTime(timezone=True), nullable=False),
    ForeignKeyConstraint(["size", "key_id"], [checkpoints.c.size, checkpoints.c.key_id]),
    CheckConstraint("time > 0", name="time"),
    Index("ix_cosignatures_witness", "witness", "size"),  # what a witness co-signed last
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

event.listen(kinds, "after_create", DDL(OBJECTS_FUNCTION))  # type: ignore[no-untyped-call]  # SQLAlchemy has no type for DDL
event.listen(kinds, "after_create", DDL(APPEND_FUNCTION))  # type: ignore[no-untyped-call]  # SQLAlchemy has no type for DDL
event.listen(kinds, "after_create", DDL(APPEND_DECIDED_FUNCTION))  # type: ignore[no-untyped-call]  # SQLAlchemy has no type for DDL
