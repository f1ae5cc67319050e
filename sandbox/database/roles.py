"""What may each service's database role do? The least that its job needs; the log can only grow.

The owner (who migrates) holds the schemas. `cihu_vault` and `cihu_portal` are the roles that the services log in as.
"""

from sqlalchemy import text

from sandbox.database.connection import Transaction

VAULT, PORTAL = "cihu_vault", "cihu_portal"

READ, WRITE, APPEND = "SELECT", "SELECT, INSERT, UPDATE, DELETE", "SELECT, INSERT"

VERSION_TABLE = "schema_version"
"""Which migration a schema is at (`migration.py`): the owner's alone."""

RIGHTS: tuple[tuple[str, str, str], ...] = (
    # schema, role, rights on every table in it
    ("log", VAULT, APPEND),
    ("log", PORTAL, APPEND),
    ("identity", VAULT, APPEND),  # appends only its own public signing keys
    ("identity", PORTAL, WRITE),
    ("vault", VAULT, WRITE),
    ("market", PORTAL, WRITE),
)


def create_schemas(tx: Transaction) -> None:
    """Create the schemas if they are not there."""
    for schema in dict.fromkeys(schema for schema, _, _ in RIGHTS):
        tx.execute(text(f"CREATE SCHEMA IF NOT EXISTS {schema}"))


def create_roles(tx: Transaction, *, passwords: dict[str, str] | None = None) -> None:
    """Create the login roles if they are not there. Without passwords they can log in only where
    Postgres trusts the socket (the one-machine city)."""
    for role in (VAULT, PORTAL):
        known = tx.execute(text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": role}).first()
        if not known:
            # roles belong to the whole server: another database's migration may be making them at this moment
            tx.execute(text(f"DO $$ BEGIN CREATE ROLE {role} LOGIN; "
                            "EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"))
        if passwords and role in passwords:
            # not text(): a verifier has colons
            tx.exec_driver_sql(f"ALTER ROLE {role} PASSWORD '{_hashed(tx, role, passwords[role])}'")


def _hashed(tx: Transaction, role: str, password: str) -> str:
    """The SCRAM verifier that Postgres would keep, made here: the password itself is in no statement and no server's log."""
    connection = tx.connection.driver_connection
    assert connection is not None
    verifier: bytes = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256")
    return verifier.decode()


def grant_rights(tx: Transaction) -> None:
    """Grant exactly `RIGHTS`: what is not in the table is revoked."""
    for schema in dict.fromkeys(schema for schema, _, _ in RIGHTS):
        for role in (VAULT, PORTAL):
            tx.execute(text(f"REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM {role}"))
            tx.execute(text(f"REVOKE ALL ON SCHEMA {schema} FROM {role}"))
    for schema, role, rights in RIGHTS:
        tx.execute(text(f"GRANT USAGE ON SCHEMA {schema} TO {role}"))
        tx.execute(text(f"GRANT {rights} ON ALL TABLES IN SCHEMA {schema} TO {role}"))
        tx.execute(text(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {role}"))
    for schema in dict.fromkeys(schema for schema, _, _ in RIGHTS):
        if tx.execute(text("SELECT to_regclass(:table)"), {"table": f"{schema}.{VERSION_TABLE}"}).scalar():
            tx.execute(text(f"REVOKE ALL ON {schema}.{VERSION_TABLE} FROM {VAULT}, {PORTAL}"))
