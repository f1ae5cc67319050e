"""The services' roles have exactly the rights of RIGHTS:
nothing less, nothing more, and nobody else has any."""

import pytest
from sqlalchemy import text

import marketplace.migrate
import sandbox.vault.migrate
from postgres_catalogue import SCHEMAS, rights
from sandbox.database import Database
from sandbox.database.roles import PORTAL, RIGHTS, VAULT, VERSION_TABLE
from sandbox.standalone.postgres import Postgres


def declared(database: Database) -> set[tuple[str, str, str, str]]:
    """RIGHTS, spread over every schema, table and sequence that is there. The version tables are nobody's."""
    with database.transaction() as reading:
        places = reading.execute(
            text("""
            SELECT n.nspname, n.nspname || '.' || c.relname, c.relkind::text FROM pg_class c
            JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'S') AND c.relname <> :version"""),  # noqa: E501
            {"version": VERSION_TABLE},
        ).all()
    exact = {(place, role): named for place, role, named in RIGHTS if "." in place}
    spread = {(place.partition(".")[0], "schema", role, "USAGE") for place, role, _ in RIGHTS}
    for (place, role), named in exact.items():
        if "(" in place:
            spread.add((place.replace(", ", ","), "function", role, named))
        else:
            spread |= {(place, "r", role, right) for right in named.split(", ")}
    for schema, role, named in RIGHTS:
        for place, kind in ((place, kind) for where, place, kind in places if where == schema):
            if (place, role) not in exact:
                spread |= {
                    (place, kind, role, right) for right in (["USAGE"] if kind == "S" else named.split(", "))
                }
    return spread


def test_each_role_has_exactly_its_rights(database: Database) -> None:
    with database.transaction() as tx:
        given = rights(tx)
    assert given == declared(database)
    assert {place.partition(".")[0] for place, _, _, _ in given} == set(SCHEMAS)


def test_a_right_that_crept_in_is_taken_back(
    database: Database, postgres: Postgres, database_name: str
) -> None:
    with database.transaction() as tx:
        tx.execute(text(f"GRANT ALL ON log.entries TO {VAULT}"))
        tx.execute(text(f"GRANT SELECT ON ALL TABLES IN SCHEMA vault TO {PORTAL}"))
        tx.execute(text(f"GRANT INSERT ON log.nodes, log.openings TO {PORTAL}"))
        tx.execute(text("GRANT EXECUTE ON FUNCTION log.append(text, bytea, text) TO PUBLIC"))
        tx.execute(text(f"GRANT UPDATE ON market.{VERSION_TABLE} TO {PORTAL}"))
    for side in (sandbox.vault.migrate, marketplace.migrate):
        side.migrate(postgres.url(database=database_name))
    with database.transaction() as tx:
        assert rights(tx) == declared(database)


@pytest.mark.parametrize("role", [VAULT, PORTAL])
def test_the_services_roles_are_no_more_than_log_ins(database: Database, role: str) -> None:
    with database.transaction() as tx:
        powers = tx.execute(
            text(
                "SELECT rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls FROM pg_roles "
                "WHERE rolname = :role"
            ),
            {"role": role},
        ).one()
        member_of = tx.execute(
            text("SELECT count(*) FROM pg_auth_members WHERE member = CAST(:role AS regrole)"), {"role": role}
        ).scalar_one()
    assert not any(powers) and member_of == 0
