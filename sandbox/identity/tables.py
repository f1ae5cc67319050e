"""Tables of identity: who is there, their passwords, and the public halves of the signing keys.

Postgres grants the vault's role SELECT and INSERT on the whole schema (`database/roles.py`). Row policies narrow
that to its job: it reads who is asking, appends and retires its own public keys, and never sees a password hash.
So nothing that the vault does may need UPDATE or DELETE: a key is retired by adding a row.
"""

from datetime import datetime

from sqlalchemy import (
    DDL,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    event,
    func,
)

from sandbox.database import metadata
from sandbox.database.roles import PORTAL, VAULT
from sandbox.identity.model import ROLES

SCHEMA = "identity"


def moment(name: str, *, nullable: bool = False) -> Column[datetime]:
    return Column(name, DateTime(timezone=True), nullable=nullable, server_default=None if nullable else func.now())


organisations = Table(
    "organisations", metadata,
    Column("id", Text, primary_key=True),
    Column("display_name", Text, nullable=False),
    moment("created_at"),
    schema=SCHEMA,
)

accounts = Table(
    "accounts", metadata,
    Column("id", Text, primary_key=True),
    Column("display_name", Text, nullable=False),
    Column("organisation", ForeignKey(organisations.c.id), nullable=False),
    Column("kind", Text, nullable=False),
    moment("created_at"),
    moment("disabled_at", nullable=True),
    CheckConstraint("kind IN ('person', 'service')", name="kind"),
    CheckConstraint("id ~ '^[a-z][a-z0-9-]{1,31}$'", name="id"),
    schema=SCHEMA,
)

account_roles = Table(
    "account_roles", metadata,
    Column("account", ForeignKey(accounts.c.id), primary_key=True),
    Column("role", Text, primary_key=True),
    CheckConstraint("role IN ({})".format(", ".join(f"'{role}'" for role in ROLES)), name="role"),
    schema=SCHEMA,
)

teams = Table(
    "teams", metadata,
    Column("id", Text, primary_key=True),
    Column("display_name", Text, nullable=False),
    moment("created_at"),
    schema=SCHEMA,
)

team_members = Table(
    "team_members", metadata,
    Column("team", ForeignKey(teams.c.id), primary_key=True),
    Column("account", ForeignKey(accounts.c.id), primary_key=True, index=True),
    moment("joined_at"),
    schema=SCHEMA,
)

passwords = Table(
    "passwords", metadata,
    Column("account", ForeignKey(accounts.c.id), primary_key=True),
    Column("hash", Text, nullable=False),  # argon2id, PHC string
    moment("changed_at"),
    schema=SCHEMA,
)

login_attempts = Table(
    "login_attempts", metadata,
    # no foreign key: a name that is nobody's is counted like any other
    Column("account", Text, primary_key=True),
    moment("window_began_at"),
    Column("attempts", Integer, nullable=False),
    schema=SCHEMA,
)

signing_keys = Table(
    "signing_keys", metadata,
    Column("kid", Text, primary_key=True),  # RFC 7638 thumbprint
    Column("issuer", Text, nullable=False),
    Column("public_key", Text, nullable=False),  # 32 bytes of Ed25519, base64url without padding (RFC 8037 "x")
    moment("created_at"),
    UniqueConstraint("kid", "issuer"),
    schema=SCHEMA,
)

signing_key_retirements = Table(
    "signing_key_retirements", metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("kid", Text, nullable=False, index=True),
    Column("issuer", Text, nullable=False),
    moment("verifies_until"),  # the earliest row of a key counts
    moment("created_at"),
    ForeignKeyConstraint(["kid", "issuer"], [signing_keys.c.kid, signing_keys.c.issuer]),
    schema=SCHEMA,
)

SECRET = (passwords, login_attempts)
OWN_KEYS = (signing_keys, signing_key_retirements)


def guard(table: Table) -> None:
    """Add the row policies of `table` when it is created. The owner, who migrates, is not bound by them."""
    name = f"{SCHEMA}.{table.name}"
    portal = f"current_user = '{PORTAL}'"
    statements = [f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY",
                  f"CREATE POLICY portal_writes ON {name} USING ({portal}) WITH CHECK ({portal})"]
    if table not in SECRET:
        statements.append(f"CREATE POLICY vault_reads ON {name} FOR SELECT USING (current_user = '{VAULT}')")
    if table in OWN_KEYS:
        statements.append(f"CREATE POLICY vault_appends ON {name} FOR INSERT "
                          f"WITH CHECK (current_user = '{VAULT}' AND issuer = 'vault')")
    for statement in statements:
        event.listen(table, "after_create", DDL(statement))  # type: ignore[no-untyped-call]  # SQLAlchemy has no type for DDL


for table in (organisations, accounts, account_roles, teams, team_members, *SECRET, *OWN_KEYS):
    guard(table)
