"""A service's role appends what its service appends, in its turn and truly;
stolen, it can do nothing else to the log."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, ProgrammingError

from sandbox.audit import KINDS, Event, Log, Signer, append
from sandbox.audit.tables import kinds
from sandbox.audit.writers import write_kinds, writers_of
from sandbox.database import Database
from sandbox.database.roles import PORTAL, VAULT
from sandbox.errors import Forbidden, InvalidInput
from sandbox.identity.signing_keys import live_keys, publish_key
from sandbox.standalone.postgres import Postgres

LOG_TABLES = ("entries", "nodes", "openings", "decisions", "checkpoints", "kinds")
HASH = "decode(repeat('ab', 32), 'hex')"


@pytest.fixture
def portal(postgres: Postgres, database_name: str) -> Iterator[Database]:
    opened = Database(postgres.url(user=PORTAL, database=database_name))
    yield opened
    opened.close()


@pytest.fixture
def vault(postgres: Postgres, database_name: str) -> Iterator[Database]:
    opened = Database(postgres.url(user=VAULT, database=database_name))
    yield opened
    opened.close()


@pytest.fixture
def log(vault: Database, tmp_path: Path) -> Log:
    return Log(vault, Signer(tmp_path / "log"))


def event(kind: str) -> Event:
    return Event(kind=kind, actor="wang", subject="thing:1", payload={})


def add(database: Database, kind: str) -> int:
    with database.transaction() as tx:
        return append(tx, event(kind))


def refused(database: Database, statement: str) -> None:
    denied = r"permission denied|must be owner|row-level security"
    with pytest.raises(ProgrammingError, match=denied), database.transaction() as tx:
        tx.execute(text(statement))


def goes_on(portal: Database, vault: Database, log: Log) -> None:
    """Both services append, the vault gives receipts, and everything fits together."""
    index = add(portal, "order.placed")
    assert add(vault, "query.asked") == index + 1
    assert log.receipt(index + 1)["index"] == index + 1
    whole = log.verify_whole()
    assert whole.verified, whole.faults


def test_both_services_and_the_owner_append_to_one_true_tree(
    portal: Database, vault: Database, database: Database, log: Log
) -> None:
    for _ in range(9):
        add(portal, "session.closed")
        add(vault, "query.released")
        add(database, "opening.erased")
    goes_on(portal, vault, log)


def test_each_service_appends_its_own_kinds_and_no_other(portal: Database, vault: Database) -> None:
    for kind, service, role in (
        (kind, *caller) for kind in KINDS for caller in ((portal, PORTAL), (vault, VAULT))
    ):
        if role in writers_of(kind):
            add(service, kind)
        else:
            with pytest.raises(Forbidden, match="does not append"):
                add(service, kind)


def test_what_the_portal_and_the_vault_own_is_what_they_do() -> None:
    assert (
        writers_of("query.released")
        == writers_of("kernel.opened")
        == writers_of("log.key_created")
        == (VAULT,)
    )
    assert (
        writers_of("order.placed")
        == writers_of("account.created")
        == writers_of("session.opened")
        == (PORTAL,)
    )
    assert set(writers_of("signing_key.created")) == {PORTAL, VAULT}
    assert writers_of("opening.erased") == ()


def test_a_kind_that_is_gone_or_new_reaches_the_database_with_the_next_migration(database: Database) -> None:
    with database.transaction() as tx:
        tx.execute(text("DELETE FROM log.kinds WHERE kind LIKE 'query.%'"))
        tx.execute(
            text("INSERT INTO log.kinds VALUES ('query.released', 'cihu_portal'), ('old.kind', 'cihu_vault')")
        )
        write_kinds(tx)
        known = {(row.kind, row.role) for row in tx.execute(select(kinds))}
    assert known == {(kind, role) for kind in KINDS for role in writers_of(kind)}


NOT_FOR_THE_PORTAL = (
    # every later index would overflow
    "INSERT INTO log.entries (index, entry) VALUES (4611686018427387904, 'x')",
    "INSERT INTO log.entries (index, entry) SELECT max(index) + 1, 'x' FROM log.entries",
    f"INSERT INTO log.nodes (level, position, hash) VALUES (3, 0, {HASH})",
    f"INSERT INTO log.openings (index, salt, content) VALUES (0, {HASH}, 'x')",
    "INSERT INTO log.checkpoints (size, key_id, note, signed_at) VALUES (1000000, 'x', 'x', now())",
    "INSERT INTO log.kinds (kind, role) VALUES ('query.released', 'cihu_portal')",
    "CREATE TABLE log.more (x integer)",
    "ALTER FUNCTION log.append(text, bytea, text) SECURITY INVOKER",
    "ALTER FUNCTION log.append(text, bytea, text, text) SECURITY INVOKER",
    "DROP FUNCTION log.append(text, bytea, text)",
    *(f"{deed} log.{table}" for deed in ("DELETE FROM", "TRUNCATE", "DROP TABLE") for table in LOG_TABLES),
    *(f"SELECT * FROM log.{table}" for table in LOG_TABLES),
)


def test_the_portals_role_can_do_nothing_to_the_log_but_append(
    portal: Database, vault: Database, log: Log
) -> None:
    goes_on(portal, vault, log)
    for statement in NOT_FOR_THE_PORTAL:
        refused(portal, statement)
    goes_on(portal, vault, log)


NOT_FOR_THE_VAULT = (
    "INSERT INTO log.entries (index, entry) VALUES (4611686018427387904, 'x')",
    f"INSERT INTO log.nodes (level, position, hash) VALUES (3, 0, {HASH})",
    f"INSERT INTO log.openings (index, salt, content) VALUES (0, {HASH}, 'x')",
    "INSERT INTO log.kinds (kind, role) VALUES ('order.placed', 'cihu_vault')",
    *(f"{deed} log.{table}" for deed in ("DELETE FROM", "TRUNCATE", "DROP TABLE") for table in LOG_TABLES),
    "INSERT INTO log.decisions (index, facts) VALUES (0, '[]')",
    "UPDATE log.decisions SET facts = '[]'",
    "UPDATE log.openings SET content = ''",
    "UPDATE log.checkpoints SET note = ''",
)


def test_the_vaults_role_reads_the_log_appends_and_signs_and_no_more(vault: Database, log: Log) -> None:
    add(vault, "query.asked")
    log.checkpoint()
    for statement in NOT_FOR_THE_VAULT:
        refused(vault, statement)
    assert log.opening(0) is not None


@pytest.mark.parametrize(
    "given",
    [
        {"kind": 'query.released","x":"', "salt": bytes(32), "content": "{}"},
        {"kind": None, "salt": bytes(32), "content": "{}"},
        {"kind": "order.placed", "salt": bytes(31), "content": "{}"},
        {"kind": "order.placed", "salt": None, "content": "{}"},
        {"kind": "order.placed", "salt": bytes(32), "content": None},
    ],
)
def test_a_call_that_no_service_of_ours_makes_appends_nothing(
    portal: Database, vault: Database, log: Log, given: dict[str, object]
) -> None:
    call = "SELECT log.append(CAST(:kind AS text), CAST(:salt AS bytea), CAST(:content AS text)"
    for statement in (f"{call})", f"{call}, '[]')"):
        with pytest.raises((DBAPIError, InvalidInput)), portal.transaction() as tx:
            tx.execute(text(statement), given)
    goes_on(portal, vault, log)


def test_a_function_or_table_of_the_callers_own_does_not_stand_in(
    portal: Database, vault: Database, log: Log
) -> None:
    """A function that runs with the owner's rights must find only the owner's things."""
    with portal.transaction() as tx:
        tx.execute(text("CREATE TEMPORARY TABLE kinds (kind text, role text)"))
        tx.execute(text("INSERT INTO kinds VALUES ('query.released', 'cihu_portal')"))
        tx.execute(
            text(
                "CREATE FUNCTION pg_temp.pg_has_role(name, name, text) RETURNS boolean "
                "LANGUAGE sql AS 'SELECT true'"
            )
        )
        tx.execute(text("SET search_path = pg_temp, pg_catalog"))
        with pytest.raises(Forbidden):
            append(tx, event("query.released"))
    goes_on(portal, vault, log)


def test_a_services_role_makes_and_ends_only_keys_of_its_own_issuer(
    portal: Database, vault: Database, database: Database
) -> None:
    mine, theirs = (Ed25519PrivateKey.generate().public_key() for _ in range(2))
    for service, issuer, other in ((portal, "portal", "vault"), (vault, "vault", "portal")):
        with database.transaction() as tx:
            kid = publish_key(tx, issuer=other, key=theirs if other == "vault" else mine, by="test")
        refused(
            service,
            f"INSERT INTO identity.signing_keys (kid, issuer, public_key) VALUES ('k', '{other}', 'x')",
        )
        refused(
            service,
            "INSERT INTO identity.signing_key_retirements (kid, issuer, verifies_until) "
            f"VALUES ('{kid}', '{other}', now())",
        )
        for table in ("signing_keys", "signing_key_retirements"):
            refused(service, f"DELETE FROM identity.{table}")
            refused(service, f"UPDATE identity.{table} SET issuer = '{issuer}'")
        with pytest.raises(DBAPIError), service.transaction() as tx:  # the kid is another issuer's
            tx.execute(
                text(
                    "INSERT INTO identity.signing_key_retirements (kid, issuer, verifies_until) "
                    f"VALUES ('{kid}', '{issuer}', now())"
                )
            )
        with service.transaction() as tx:
            assert publish_key(tx, issuer=issuer, key=Ed25519PrivateKey.generate().public_key(), by=issuer)
    with database.transaction() as tx:
        assert {key.issuer for key in live_keys(tx)} == {"portal", "vault"}
        assert len(live_keys(tx)) == 4
