"""Migrations make exactly the tables that the code declares, once, whoever starts them and how often."""

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from types import ModuleType
from zipfile import ZipFile

import pytest
from alembic import command
from hatchling.builders.wheel import WheelBuilder
from sqlalchemy import create_engine, event, text

import marketplace.migrate
import sandbox.vault.migrate
from postgres_catalogue import SCHEMAS, catalogue, rights
from sandbox.database import Database, metadata
from sandbox.database.migration import _ALEMBIC, _config, differences, owned
from sandbox.database.roles import PORTAL, VAULT, VERSION_TABLE, create_roles, create_schemas
from sandbox.errors import Conflict, Forbidden, InvalidInput
from sandbox.standalone.postgres import Postgres

SIDES = (sandbox.vault.migrate, marketplace.migrate)
numbers = count()
for side in SIDES:
    side.import_tables()


@pytest.fixture
def empty(postgres: Postgres) -> Iterator[str]:
    """The address of a database with nothing in it, for its owner."""
    name = f"empty_{next(numbers)}"
    server = create_engine(postgres.url(database="postgres"), isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield postgres.url(database=name)
    with server.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    server.dispose()


@pytest.fixture
def fresh(empty: str) -> Iterator[Database]:
    opened = Database(empty, pool_size=1)
    yield opened
    opened.close()


@pytest.mark.parametrize("side", SIDES, ids=lambda side: side.__name__)
def test_alembic_finds_no_difference_between_the_database_and_the_tables(
    side: ModuleType, database: Database
) -> None:
    with database.transaction() as tx:
        assert differences(tx, side.HISTORY) == []


def test_a_migrated_database_is_what_the_tables_would_create(fresh: Database, database: Database) -> None:
    """Alembic does not compare checks, row policies and primary keys; Postgres tells them all."""
    with fresh.transaction() as tx:
        create_schemas(tx)
        metadata.create_all(tx)
        created = catalogue(tx)
    with database.transaction() as tx:
        migrated = catalogue(tx)
    assert all(created.values())
    assert migrated == created


def test_every_table_belongs_to_exactly_one_history() -> None:
    owned = [schema for side in SIDES for schema in side.HISTORY.schemas]
    assert sorted(owned) == SCHEMAS
    assert {table.schema for table in metadata.tables.values()} <= set(owned)


def test_every_module_of_tables_is_known_to_its_side() -> None:
    """A table in a module that no side imports would be in no migration."""
    root = Path(sandbox.vault.migrate.__file__).parents[2]
    for side in SIDES:
        package = side.__name__.partition(".")[0]
        found = {
            ".".join(path.relative_to(root).with_suffix("").parts)
            for path in (root / package).rglob("tables.py")
        }
        assert set(side.TABLES) == found


def test_migrating_again_changes_nothing(empty: str, fresh: Database) -> None:
    for side in SIDES:
        side.migrate(empty)
    with fresh.transaction() as tx:
        tx.execute(text("INSERT INTO identity.teams (id, display_name) VALUES ('lake', 'Lake')"))
        before = catalogue(tx), rights(tx)
    for side in SIDES:
        side.migrate(empty)
    with fresh.transaction() as tx:
        assert (catalogue(tx), rights(tx)) == before
        assert tx.execute(text("SELECT count(*) FROM identity.teams")).scalar_one() == 1
        for schema, side in zip(("vault", "market"), SIDES, strict=True):
            newest = max(path.name[:4] for path in side.HISTORY.folder.glob("[0-9]*.py"))
            assert tx.execute(text(f"SELECT version_num FROM {schema}.{VERSION_TABLE}")).all() == [(newest,)]


def test_two_that_migrate_at_once_both_succeed(empty: str, fresh: Database) -> None:
    """As threads of one process and as processes of their own, all on one database."""
    environment = os.environ | {"CIHU_DATABASE_URL": empty}
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", f"{package}.migrate"], env=environment, stderr=subprocess.PIPE
        )
        for package in ("sandbox.vault", "sandbox.vault", "marketplace")
    ]
    with ThreadPoolExecutor() as pool:
        for done in [pool.submit(side.migrate, empty) for side in (*SIDES, *SIDES)]:
            done.result()
    said = [process.communicate()[1].decode() for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], said
    with fresh.transaction() as tx:
        assert [differences(tx, side.HISTORY) for side in SIDES] == [[], []]


def test_either_side_may_be_first(empty: str, fresh: Database) -> None:
    marketplace.migrate.migrate(empty)
    sandbox.vault.migrate.migrate(empty)
    with fresh.transaction() as tx:
        assert [differences(tx, side.HISTORY) for side in SIDES] == [[], []]


def test_a_database_of_a_newer_version_is_refused(empty: str, fresh: Database) -> None:
    sandbox.vault.migrate.migrate(empty)
    with fresh.transaction() as tx:
        tx.execute(text(f"UPDATE vault.{VERSION_TABLE} SET version_num = '9999'"))
    with pytest.raises(Conflict, match="another version"):
        sandbox.vault.migrate.migrate(empty)


def test_tables_from_before_the_migrations_are_named_as_such(empty: str, fresh: Database) -> None:
    with fresh.transaction() as tx:
        create_schemas(tx)
        metadata.create_all(tx)
    with pytest.raises(Conflict, match="not from a migration"):
        sandbox.vault.migrate.migrate(empty)


def test_who_is_not_the_owner_cannot_migrate(postgres: Postgres, database_name: str) -> None:
    with pytest.raises(Forbidden, match="may not change"):
        sandbox.vault.migrate.migrate(postgres.url(user=VAULT, database=database_name))


def test_a_migration_that_fails_leaves_nothing(empty: str, fresh: Database) -> None:
    with fresh.transaction() as tx:
        tx.execute(text("CREATE SCHEMA vault"))
        tx.execute(text("CREATE TABLE vault.grants (id integer)"))  # one of the last that the migration makes
    with pytest.raises(Conflict):
        sandbox.vault.migrate.migrate(empty)
    with fresh.transaction() as tx:
        assert tx.execute(text("SELECT to_regclass('log.entries')")).scalar() is None


def test_a_roles_password_is_in_no_statement(empty: str, fresh: Database) -> None:
    """Only its SCRAM verifier is sent, so no statement log can hold it. And it is the right one."""
    said: list[str] = []
    event.listen(fresh.engine, "before_cursor_execute", lambda *sent: said.append(sent[2]))
    with fresh.transaction() as tx:
        create_roles(tx, passwords={VAULT: "it's a secret"})
        kept = tx.execute(
            text("SELECT rolpassword FROM pg_authid WHERE rolname = :role"), {"role": VAULT}
        ).scalar_one()
        tx.execute(text(f"ALTER ROLE {VAULT} PASSWORD NULL"))
    assert kept.startswith("SCRAM-SHA-256$4096:")
    assert any(kept in statement for statement in said)
    assert not any("secret" in statement for statement in said)


def test_the_services_passwords_come_from_their_own_addresses() -> None:
    environment = {
        "CIHU_VAULT_DATABASE_URL": "postgresql+psycopg://cihu_vault:a%40b@db/cihu",
        "CIHU_PORTAL_DATABASE_URL": "postgresql+psycopg://cihu_portal@db/cihu",
    }
    assert sandbox.vault.migrate.service_passwords(environment) == {VAULT: "a@b"}
    with pytest.raises(InvalidInput, match=PORTAL):
        sandbox.vault.migrate.service_passwords(
            {"CIHU_PORTAL_DATABASE_URL": environment["CIHU_VAULT_DATABASE_URL"]}
        )
    with pytest.raises(InvalidInput, match="not the address"):
        sandbox.vault.migrate.service_passwords({"CIHU_VAULT_DATABASE_URL": "nonsense"})


def test_the_wheel_holds_the_migrations(tmp_path: Path) -> None:
    root = Path(sandbox.vault.migrate.__file__).parents[2]
    wheel = next(iter(WheelBuilder(str(root)).build(directory=str(tmp_path), versions=["standard"])))
    inside = set(ZipFile(wheel).namelist())
    assert {
        "sandbox/database/migrations/env.py",
        "sandbox/database/migrations/versions/0001_initial.py",
        "marketplace/migrations/versions/0001_initial.py",
    } <= inside


def test_the_job_of_the_chart_gives_each_service_its_password(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """As helm/cihu/templates/migration.yaml starts it:
    three addresses, of which the services' say their passwords."""
    home = tmp_path_factory.mktemp("pw")
    known = {"postgres": "owner's", VAULT: "v%40ult's", PORTAL: "portals"}
    server = Postgres(home, home / "log", durable=False, passwords=known)
    server.start()
    try:
        environment = {
            "CIHU_DATABASE_URL": server.url(database="postgres"),
            "PATH": os.environ["PATH"],
            "CIHU_VAULT_DATABASE_URL": server.url(user=VAULT, database="postgres"),
            "CIHU_PORTAL_DATABASE_URL": server.url(user=PORTAL, database="postgres"),
        }
        for package in ("sandbox.vault", "marketplace"):
            done = subprocess.run(
                [sys.executable, "-m", f"{package}.migrate"],
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
            assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        for variable, table in (
            ("CIHU_VAULT_DATABASE_URL", "vault.grants"),
            ("CIHU_PORTAL_DATABASE_URL", "market.keys"),
        ):
            service = Database(environment[variable], pool_size=1)
            with service.transaction() as tx:
                assert tx.execute(text(f"SELECT count(*) FROM {table}")).scalar_one() == 0
            service.close()
    finally:
        server.stop()


POLICY = "population: residents\n"
# level, key, limits of rho and delta, spent of both: three live grants want 1,100 of the 850 that are left
ACCOUNTS = (
    ("population", "residents", 2000, 1000, 150, 90),
    ("dataset", "a.a", 1000, 1000, 150, 90),
    ("dataset", "b.b", 1000, 1000, 0, 0),
    ("grant", "lake/a.a", 400, 1000, 100, 40),
    ("grant", "river/a.a", 400, 1000, 0, 0),
    ("grant", "hill/a.a", 400, 1000, 50, 50),
    ("grant", "marketplace/a.a/4", 400, 1000, 0, 0),
    ("grant", "lake/b.b", 10, 1000, 0, 0),
)
LIVE = ("lake/a.a", "river/a.a", "marketplace/a.a/4", "lake/b.b")


def test_grants_of_a_database_of_the_first_release_get_fair_shares_of_what_is_left(
    empty: str, fresh: Database
) -> None:
    """They were promised more than there was, and each all of the delta.
    The one that was revoked holds nothing."""
    with owned(empty) as tx:
        create_schemas(tx)
        with _ALEMBIC:
            command.upgrade(_config(tx, sandbox.vault.migrate.HISTORY), "0011")
        for level, key, *amounts in ACCOUNTS:
            tx.execute(
                text(
                    "INSERT INTO vault.budget_accounts (level, key, picorho_limit, "
                    "delta_limit, picorho_spent, delta_spent) "
                    "VALUES (:level, :key, :rho, :delta, :spent, :delta_spent)"
                ),
                dict(
                    zip(
                        ("level", "key", "rho", "delta", "spent", "delta_spent"),
                        (level, key, *amounts),
                        strict=True,
                    )
                ),
            )
        for dataset in ("a.a", "b.b"):
            tx.execute(text("INSERT INTO vault.datasets VALUES (:name, 'health', 1)"), {"name": dataset})
            tx.execute(
                text(
                    "INSERT INTO vault.dataset_versions "
                    "VALUES (:name, 1, :policy, 'o', 'v', 's', 1, 'lin', now())"
                ),
                {"name": dataset, "policy": POLICY},
            )
        for number, (team, dataset, status) in enumerate(
            (
                ("lake", "a.a", "live"),
                ("river", "a.a", "live"),
                ("hill", "a.a", "revoked"),
                ("marketplace", "a.a", "live"),
                ("lake", "b.b", "live"),
                ("lake", "a.a", "live"),
            ),
            1,
        ):
            given = {"number": number, "team": team, "dataset": dataset, "status": status}
            tx.execute(
                text(
                    "INSERT INTO vault.requests (id, dataset, department, team, purpose, "
                    "epsilon, until, status, asked_by) OVERRIDING SYSTEM VALUE "
                    "VALUES (:number, :dataset, 'health', :team, 'p', 1, now(), 'approved', 'x')"
                ),
                given,
            )
            tx.execute(
                text(
                    "INSERT INTO vault.grants (id, request, dataset, department, team, "
                    "purpose, epsilon, until, status, approved_by) OVERRIDING SYSTEM VALUE "
                    "VALUES (:number, :number, :dataset, 'health', :team, 'p', 1, now() + interval "
                    "'1 day', :status, 'lin')"
                ),
                given,
            )
    sandbox.vault.migrate.migrate(empty)
    with fresh.transaction() as tx:
        now = {(row.level, row.key): row for row in tx.execute(text("SELECT * FROM vault.budget_accounts"))}
    assert {key for (level, key), row in now.items() if level == "grant" and row.dataset} == set(LIVE)
    for level, key in (("dataset", "a.a"), ("dataset", "b.b"), ("population", "residents")):
        account = now[level, key]
        held = [now["grant", name] for name in LIVE if level == "population" or f"/{key}" in name]
        assert account.picorho_held == sum(row.picorho_limit - row.picorho_spent for row in held)
        assert account.delta_held == sum(row.delta_limit - row.delta_spent for row in held)
    lake, river, product = (now["grant", name] for name in LIVE[:3])
    # 850 of the 1,100
    assert (lake.picorho_limit, river.picorho_limit, product.picorho_limit) == (100 + 231, 309, 309)
    assert (lake.delta_limit, river.delta_limit) == (40 + 160, 200), (
        "as large a part as of the population's rho"
    )
    assert now["grant", "lake/b.b"].picorho_limit == 10 and now["grant", "hill/a.a"].picorho_limit == 400
