"""What may each service's database role do? The least that its job needs; the log can only grow.

The owner (who migrates) holds the schemas. `cihu_vault` and `cihu_portal` are the roles that the services log in as.
"""

from sqlalchemy import text

from sandbox.database.connection import Transaction

VAULT, PORTAL = "cihu_vault", "cihu_portal"

READ, WRITE, APPEND = "SELECT", "SELECT, INSERT, UPDATE, DELETE", "SELECT, INSERT"

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
            tx.execute(text(f"CREATE ROLE {role} LOGIN"))
        if passwords and role in passwords:
            quoted = passwords[role].replace("'", "''")
            tx.execute(text(f"ALTER ROLE {role} PASSWORD '{quoted}'"))


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
