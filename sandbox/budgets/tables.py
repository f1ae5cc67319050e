"""Tables of the ledger. `spent` of an account is the sum of its charges.
Postgres itself refuses to overspend, or to promise more than there is."""

from sqlalchemy import CheckConstraint, Column, DateTime, ForeignKey, Index, Numeric, Table, Text, func, text
from sqlalchemy.dialects.postgresql import UUID

from sandbox.database import metadata

Units = Numeric(40, 0)

accounts = Table(
    "budget_accounts",
    metadata,
    Column("level", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("picorho_limit", Units, nullable=False),
    Column("picorho_spent", Units, nullable=False, server_default="0"),
    Column("delta_limit", Units, nullable=False),
    Column("delta_spent", Units, nullable=False, server_default="0"),
    # of a grant: where its unspent share is held; empty where none is
    Column("dataset", Text),
    Column("population", Text),
    # of a dataset and a population: the unspent shares of all such grants
    Column("picorho_held", Units, nullable=False, server_default="0"),
    Column("delta_held", Units, nullable=False, server_default="0"),
    CheckConstraint("(dataset IS NULL) = (population IS NULL)", name="share_of_both"),
    CheckConstraint(
        "picorho_held >= 0 AND picorho_spent + picorho_held <= picorho_limit", name="rho_held_within_limit"
    ),
    CheckConstraint(
        "delta_held >= 0 AND delta_spent + delta_held <= delta_limit", name="delta_held_within_limit"
    ),
    CheckConstraint("picorho_spent BETWEEN 0 AND picorho_limit", name="rho_within_limit"),
    CheckConstraint("delta_spent BETWEEN 0 AND delta_limit", name="delta_within_limit"),
    schema="vault",
)

reservations = Table(
    "budget_reservations",
    metadata,
    Column("id", UUID(as_uuid=True), primary_key=True),
    Column("grant", Text, nullable=False),
    Column("dataset", Text, primary_key=True),
    # empty beside a dataset that is joined: its population was charged with the first
    Column("population", Text),
    Column("picorho", Units, nullable=False),
    Column("delta", Units, nullable=False),
    # reserved -> settled (an answer left); a reservation that is never settled stays spent
    Column("status", Text, nullable=False),
    Column("reserved_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("settled_at", DateTime(timezone=True)),
    CheckConstraint("status IN ('reserved', 'settled')", name="status"),
    schema="vault",
)

population_splits = Table(
    "population_splits",
    metadata,
    Column("id", UUID(as_uuid=True), primary_key=True),
    Column("population", Text, nullable=False),
    Column("dataset", Text, nullable=False),  # whose people are split
    # committed: everybody sees train people only -> opened: everybody sees all again
    Column("state", Text, nullable=False),
    # held at the dataset and the population for the scores of its parts
    Column("picorho_held", Units, nullable=False),
    Column("delta_held", Units, nullable=False),
    Column("committed_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("opened_at", DateTime(timezone=True)),
    CheckConstraint("state IN ('committed', 'opened')", name="state"),
    Index(
        "ix_population_splits_one_at_a_time",
        "population",
        unique=True,
        postgresql_where=text("state = 'committed'"),
    ),
    schema="vault",
)

split_parts = Table(
    "split_parts",
    metadata,
    # what was lost of a dataset or a population since a split was committed, by part: the account was charged
    # the largest of its parts
    Column("split", UUID(as_uuid=True), ForeignKey("vault.population_splits.id"), primary_key=True),
    Column("level", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("part", Text, primary_key=True),
    Column("picorho", Units, nullable=False),
    Column("delta", Units, nullable=False),
    CheckConstraint("part IN ('train', 'live', 'final')", name="part"),
    schema="vault",
)
