"""Grants each service's database role the least that its job needs.
Into the log it can only call `log.append`.

The owner (who migrates) holds the schemas. `cihu_vault`, `cihu_portal` and `cihu_courier` are the roles that
the services log in as.
"""

from sqlalchemy import text

from sandbox.database.connection import Transaction

VAULT, PORTAL, COURIER = "cihu_vault", "cihu_portal", "cihu_courier"
ROLES = (VAULT, PORTAL, COURIER)

READ, WRITE, APPEND, CALL = "SELECT", "SELECT, INSERT, UPDATE, DELETE", "SELECT, INSERT", "EXECUTE"
NOTE = "SELECT, INSERT, UPDATE"
SEND = "SELECT, UPDATE"
"""Of mails: what is to be sent is the portal's to say."""

VERSION_TABLE = "schema_version"
"""Which migration a schema is at (`migration.py`): the owner's alone."""

LOG_APPEND = "log.append(text, bytea, text)"
LOG_APPEND_DECIDED = "log.append(text, bytea, text, text)"

RIGHTS: tuple[tuple[str, str, str], ...] = (
    # a schema (every table in it), a table (instead of what its schema's line says) or a
    # function; role; rights
    ("log", VAULT, READ),
    ("log.checkpoints", VAULT, APPEND),
    ("log.cosignatures", VAULT, APPEND),
    (LOG_APPEND, VAULT, CALL),
    (LOG_APPEND, PORTAL, CALL),
    (LOG_APPEND_DECIDED, VAULT, CALL),
    (LOG_APPEND_DECIDED, PORTAL, CALL),
    ("identity", VAULT, READ),
    ("identity", PORTAL, WRITE),
    # row policies narrow these to the service's own keys
    ("identity.signing_keys", VAULT, APPEND),
    ("identity.signing_keys", PORTAL, APPEND),
    ("identity.signing_key_retirements", VAULT, APPEND),
    ("identity.signing_key_retirements", PORTAL, APPEND),
    ("identity.login_uses", VAULT, NOTE),
    ("operations", VAULT, READ),
    ("operations", PORTAL, WRITE),
    # both tell; the portal keeps who read what and who wants mails; the courier sends what waits
    ("notices", PORTAL, WRITE),
    ("notices.notices", VAULT, APPEND),
    ("notices.outbox", COURIER, SEND),
    ("notices.courier_signs", COURIER, WRITE),
    ("vault", VAULT, WRITE),
    ("market", PORTAL, WRITE),
    # the portal draws numbers, and changes none of their keys (marketplace/numbers)
    ("market.number_keys", PORTAL, READ),
    # marketplace/metering: a group of calls, what siblings used, its texts, and the partitions
    ("market.meter(json, integer[], integer, bigint, int8multirange, json)", PORTAL, CALL),
    ("market.lock_licences(integer[])", PORTAL, CALL),
    ("market.siblings(integer)", PORTAL, CALL),
    ("market.siblings_month(integer, text)", PORTAL, CALL),
    ("market.take_places(bigint, bigint[], text[], integer[], integer[])", PORTAL, CALL),
    ("market.line_text(market.usage_lines)", PORTAL, CALL),
    ("market.keep_partitions(integer, integer)", PORTAL, CALL),
)

SCHEMAS = tuple(dict.fromkeys(place.partition(".")[0] for place, _, _ in RIGHTS))


def create_schemas(tx: Transaction) -> None:
    """Create the schemas if they are not there."""
    for schema in SCHEMAS:
        tx.execute(text(f"CREATE SCHEMA IF NOT EXISTS {schema}"))


def create_roles(tx: Transaction, *, passwords: dict[str, str] | None = None) -> None:
    """Create the login roles if they are not there. Without passwords they can log in only where
    Postgres trusts the socket (the one-machine city)."""
    for role in ROLES:
        known = tx.execute(text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": role}).first()
        if not known:
            # roles belong to the whole server: another database's migration may be making them at this moment
            tx.execute(
                text(
                    f"DO $$ BEGIN CREATE ROLE {role} LOGIN; "
                    "EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
                )
            )
        if passwords and role in passwords:
            # not text(): a verifier has colons
            tx.exec_driver_sql(f"ALTER ROLE {role} PASSWORD '{_hashed(tx, role, passwords[role])}'")


def _hashed(tx: Transaction, role: str, password: str) -> str:
    """The SCRAM verifier that Postgres would keep, made here:
    the password itself is in no statement and no server's log."""
    connection = tx.connection.driver_connection
    assert connection is not None
    verifier: bytes = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256")
    return verifier.decode()


def grant_rights(tx: Transaction) -> None:
    """Grant exactly `RIGHTS`: what is not in the table is revoked."""
    everybody = ", ".join(ROLES)
    for schema in SCHEMAS:
        tx.execute(text(f"REVOKE ALL ON ALL FUNCTIONS IN SCHEMA {schema} FROM PUBLIC, {everybody}"))
        for role in ROLES:
            tx.execute(text(f"REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM {role}"))
            tx.execute(text(f"REVOKE ALL ON SCHEMA {schema} FROM {role}"))
    for place, role, rights in sorted(RIGHTS, key=lambda line: "." in line[0]):  # what is more exact, later
        _grant(tx, place, role, rights)
    for schema in SCHEMAS:
        if _exists(tx, f"{schema}.{VERSION_TABLE}"):
            tx.execute(text(f"REVOKE ALL ON {schema}.{VERSION_TABLE} FROM {everybody}"))


def _grant(tx: Transaction, place: str, role: str, rights: str) -> None:
    schema, _, rest = place.partition(".")
    tx.execute(text(f"GRANT USAGE ON SCHEMA {schema} TO {role}"))
    if not rest:
        tx.execute(text(f"GRANT {rights} ON ALL TABLES IN SCHEMA {schema} TO {role}"))
        tx.execute(text(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {role}"))
    elif _exists(tx, place):  # the other side's tables may be still to come
        if "(" not in place:
            tx.execute(text(f"REVOKE ALL ON {place} FROM {role}"))
        tx.execute(text(f"GRANT {rights} ON {'FUNCTION ' if '(' in place else ''}{place} TO {role}"))


def _exists(tx: Transaction, place: str) -> bool:
    look = "to_regprocedure" if "(" in place else "to_regclass"
    return tx.execute(text(f"SELECT {look}(:place)"), {"place": place}).scalar() is not None
