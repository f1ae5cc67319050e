"""Tables of identity: who is there, their passwords, and the public halves of the signing keys.

Postgres grants the services' roles what `database/roles.py` says. Row policies narrow that: the vault reads
who is asking and never sees a password hash, and each service adds keys, and ends of keys, of its own issuer
only. So a key is retired by adding a row, and no service can change or delete one.
"""

from datetime import datetime

from sqlalchemy import (
    DDL,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    event,
    false,
    func,
    text,
)

from sandbox.database import metadata
from sandbox.database.roles import PORTAL, VAULT
from sandbox.identity.model import ROLES

SCHEMA = "identity"


def moment(name: str, *, nullable: bool = False) -> Column[datetime]:
    return Column(
        name, DateTime(timezone=True), nullable=nullable, server_default=None if nullable else func.now()
    )


organisations = Table(
    "organisations",
    metadata,
    Column("id", Text, primary_key=True),
    Column("display_name", Text, nullable=False),
    moment("created_at"),
    Column("unverified", Boolean, nullable=False, server_default=false(), comment="registered by itself"),
    schema=SCHEMA,
)

accounts = Table(
    "accounts",
    metadata,
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
    "account_roles",
    metadata,
    Column("account", ForeignKey(accounts.c.id), primary_key=True),
    Column("role", Text, primary_key=True),
    CheckConstraint("role IN ({})".format(", ".join(f"'{role}'" for role in ROLES)), name="role"),
    # 三员分立: whatever the code does, one account is never two of the three administrators
    Index(
        "ix_account_roles_one_administrator",
        "account",
        unique=True,
        postgresql_where=text(
            "role IN ('system_administrator', 'security_administrator', 'audit_administrator')"
        ),
    ),
    schema=SCHEMA,
)

teams = Table(
    "teams",
    metadata,
    Column("id", Text, primary_key=True),
    Column("display_name", Text, nullable=False),
    moment("created_at"),
    Column("merged_into", Text),  # the team that took over its members; nobody joins it any more
    schema=SCHEMA,
)

team_members = Table(
    "team_members",
    metadata,
    Column("team", ForeignKey(teams.c.id), primary_key=True),
    Column("account", ForeignKey(accounts.c.id), primary_key=True, index=True),
    moment("joined_at"),
    schema=SCHEMA,
)

passwords = Table(
    "passwords",
    metadata,
    Column("account", ForeignKey(accounts.c.id), primary_key=True),
    Column("hash", Text, nullable=False),  # argon2id, PHC string
    moment("changed_at"),
    schema=SCHEMA,
)

login_attempts = Table(
    "login_attempts",
    metadata,
    # no foreign key: a name that is nobody's is counted like any other
    Column("account", Text, primary_key=True),
    # "address ..." (a network), "device ...", "account" for all strange places together, "codes ...":
    # sandbox/identity/login.py
    Column("place", Text, primary_key=True),
    moment("window_began_at"),
    Column("attempts", Integer, nullable=False),
    # the last attempt that was admitted: an account under attack admits the next one after a while
    moment("admitted_at"),
    schema=SCHEMA,
)

known_devices = Table(
    "known_devices",
    metadata,
    Column("account", ForeignKey(accounts.c.id), primary_key=True),
    Column("device_hash", LargeBinary, primary_key=True),  # SHA-256 of the browser's device cookie
    moment("first_used_at"),
    moment("last_used_at"),
    schema=SCHEMA,
)

password_history = Table(
    "password_history",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("account", ForeignKey(accounts.c.id), nullable=False, index=True),
    Column("hash", Text, nullable=False),  # argon2id, PHC string
    moment("replaced_at"),
    schema=SCHEMA,
)

totp_factors = Table(
    "totp_factors",
    metadata,
    Column("account", ForeignKey(accounts.c.id), primary_key=True),
    Column("secret", LargeBinary, nullable=False),  # sealed with the portal's key (secret_box.py)
    # the newest 30-second step whose code was used: none is used twice (RFC 6238, section 5.2)
    Column("last_step", BigInteger, nullable=False, server_default="0"),
    moment("created_at"),
    moment("confirmed_at", nullable=True),  # until then it is offered and counts for nothing
    schema=SCHEMA,
)

recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("account", ForeignKey(accounts.c.id), primary_key=True),
    Column("code_hash", LargeBinary, primary_key=True),  # SHA-256 of account and code: 80 random bits
    moment("created_at"),
    moment("used_at", nullable=True),
    schema=SCHEMA,
)

passkeys = Table(
    "passkeys",
    metadata,
    Column("credential_id", LargeBinary, primary_key=True),
    Column("account", ForeignKey(accounts.c.id), nullable=False, index=True),
    Column("public_key", LargeBinary, nullable=False),  # COSE
    Column("sign_count", BigInteger, nullable=False),
    Column("display_name", Text, nullable=False),
    Column("synchronised", Boolean, nullable=False),  # the passkey is kept in several devices
    moment("created_at"),
    moment("last_used_at", nullable=True),
    schema=SCHEMA,
)

used_challenges = Table(
    "used_challenges",
    metadata,
    Column("challenge_hash", LargeBinary, primary_key=True),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    schema=SCHEMA,
)

invitations = Table(
    "invitations",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("account", ForeignKey(accounts.c.id), nullable=False, index=True),
    Column(
        "token_hash", LargeBinary, nullable=False, unique=True
    ),  # SHA-256: the link itself is stored nowhere
    Column("kind", Text, nullable=False),
    Column("invited_by", Text, nullable=False),
    moment("created_at"),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    moment("used_at", nullable=True),
    moment("withdrawn_at", nullable=True),
    CheckConstraint("kind IN ('invitation', 'reset')", name="kind"),
    schema=SCHEMA,
)

signing_keys = Table(
    "signing_keys",
    metadata,
    Column("kid", Text, primary_key=True),  # RFC 7638 thumbprint
    Column("issuer", Text, nullable=False),
    # 32 bytes of Ed25519, base64url without padding (RFC 8037 "x")
    Column("public_key", Text, nullable=False),
    moment("created_at"),
    UniqueConstraint("kid", "issuer"),
    schema=SCHEMA,
)

signing_key_retirements = Table(
    "signing_key_retirements",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("kid", Text, nullable=False, index=True),
    Column("issuer", Text, nullable=False),
    moment("verifies_until"),  # the earliest row of a key counts
    moment("created_at"),
    ForeignKeyConstraint(["kid", "issuer"], [signing_keys.c.kid, signing_keys.c.issuer]),
    schema=SCHEMA,
)

token_revocations = Table(
    "token_revocations",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("account", ForeignKey(accounts.c.id), nullable=False, index=True),
    # one token, or all that came from one session of the portal; neither: from any login before this moment
    Column("token_id", Text),
    Column("session", Text),
    Column("reason", Text, nullable=False),
    Column("revoked_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    CheckConstraint("token_id IS NULL OR session IS NULL", name="one_thing"),
    schema=SCHEMA,
)

login_uses = Table(
    "login_uses",
    metadata,
    # the name of a session of a command line, or the id of a workspace's token
    Column("login", Text, primary_key=True),
    Column("used_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    schema=SCHEMA,
)

SECRET = (
    passwords,
    login_attempts,
    known_devices,
    password_history,
    totp_factors,
    recovery_codes,
    passkeys,
    used_challenges,
    invitations,
)
OWN_KEYS = (signing_keys, signing_key_retirements)


def guard(table: Table) -> None:
    """Add the row policies of `table` when it is created. The owner, who migrates, is not bound by them."""
    name = f"{SCHEMA}.{table.name}"
    portal, vault = f"current_user = '{PORTAL}'", f"current_user = '{VAULT}'"
    statements = [f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY"]
    if table in OWN_KEYS:
        own = f"({portal} AND issuer = 'portal') OR ({vault} AND issuer = 'vault')"
        statements += [
            f"CREATE POLICY services_read ON {name} FOR SELECT USING ({portal} OR {vault})",
            f"CREATE POLICY services_append_their_own ON {name} FOR INSERT WITH CHECK ({own})",
        ]
    else:
        statements.append(f"CREATE POLICY portal_writes ON {name} USING ({portal}) WITH CHECK ({portal})")
        if table not in SECRET:
            statements.append(f"CREATE POLICY vault_reads ON {name} FOR SELECT USING ({vault})")
    for statement in statements:
        event.listen(table, "after_create", DDL(statement))  # type: ignore[no-untyped-call]  # SQLAlchemy has no type for DDL


for table in (
    organisations,
    accounts,
    account_roles,
    teams,
    team_members,
    token_revocations,
    *SECRET,
    *OWN_KEYS,
):
    guard(table)
