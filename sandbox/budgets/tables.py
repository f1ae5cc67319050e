"""Tables of the ledger. `spent` of an account is the sum of its charges.
Postgres itself refuses to overspend, or to promise more than there is."""

from sqlalchemy import CheckConstraint, Column, DateTime, Numeric, Table, Text, func
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
