"""Accounts, organisations and teams: names that cannot be mistaken, every change in the log,
nothing after disabling."""

import json
from collections.abc import Iterator

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from sandbox.database import Database
from sandbox.errors import Conflict, InvalidInput, NotAuthenticated, NotFound
from sandbox.identity import (
    change_password,
    create_account,
    create_organisation,
    create_team,
    disable_account,
    join_team,
    leave_team,
    load_principal,
    log_in,
    set_roles,
)
from sandbox.identity.invitations import make_link, reset_password
from sandbox.identity.rules import DEFAULT
from sandbox.standalone.postgres import Postgres


@pytest.fixture
def portal(postgres: Postgres, database_name: str) -> Iterator[Database]:
    """The portal's own role, which writes identity."""
    opened = Database(postgres.url(user="cihu_portal", database=database_name))
    with opened.transaction() as tx:
        create_organisation(tx, organisation_id="hbpu", display_name="湖北理工学院", by="he")
        create_team(tx, team_id="cihu-lake", display_name="磁湖队", by="he")
        create_account(
            tx,
            account_id="wang",
            display_name="王芳",
            organisation="hbpu",
            roles=["analyst"],
            password="a long password",
            by="he",
        )
        join_team(tx, team_id="cihu-lake", account_id="wang", by="he")
    yield opened
    opened.close()


@pytest.fixture
def vault(postgres: Postgres, database_name: str, portal: Database) -> Iterator[Database]:
    opened = Database(postgres.url(user="cihu_vault", database=database_name))
    yield opened
    opened.close()


def logged(database: Database) -> list[tuple[str, str, str]]:
    with database.transaction() as tx:
        rows = tx.execute(
            text("SELECT entry, content FROM log.entries JOIN log.openings USING (index) ORDER BY index")
        )
        return [
            (
                json.loads(row.entry)["kind"],
                json.loads(row.content)["actor"],
                json.loads(row.content)["subject"],
            )
            for row in rows
        ]


def test_a_principal_has_the_organisation_roles_and_teams_of_now(portal: Database) -> None:
    with portal.transaction() as tx:
        wang = load_principal(tx, "wang")
    assert (wang.organisation, wang.kind) == ("hbpu", "person")
    assert (wang.roles, wang.teams) == (frozenset({"analyst"}), frozenset({"cihu-lake"}))
    with portal.transaction() as tx:
        set_roles(tx, account_id="wang", roles=["buyer", "auditor"], by="he")
        leave_team(tx, team_id="cihu-lake", account_id="wang", by="he")
        assert load_principal(tx, "wang").roles == {"buyer", "auditor"}
        assert load_principal(tx, "wang").teams == frozenset()


def test_every_change_is_in_the_log_with_who_made_it(portal: Database, database: Database) -> None:
    with portal.transaction() as tx:
        set_roles(tx, account_id="wang", roles=[], by="he")
        change_password(tx, account_id="wang", password="another password", by="wang")
        leave_team(tx, team_id="cihu-lake", account_id="wang", by="he")
        disable_account(tx, account_id="wang", by="he")
    assert logged(database) == [
        ("organisation.created", "he", "organisation:hbpu"),
        ("team.created", "he", "team:cihu-lake"),
        ("account.created", "he", "account:wang"),
        ("team.joined", "he", "team:cihu-lake"),
        ("account.roles_changed", "he", "account:wang"),
        ("account.password_changed", "wang", "account:wang"),
        ("team.left", "he", "team:cihu-lake"),
        ("account.disabled", "he", "account:wang"),
    ]


@pytest.mark.usefixtures("portal")
def test_no_password_or_hash_is_in_the_log(database: Database) -> None:
    with database.transaction() as tx:
        written = str(tx.execute(text("SELECT string_agg(entry, '') FROM log.entries")).scalar_one())
        written += str(tx.execute(text("SELECT string_agg(content, '') FROM log.openings")).scalar_one())
    assert "password" not in written
    assert "argon2" not in written


def test_a_disabled_account_is_nobody_at_once_and_has_no_password_any_more(portal: Database) -> None:
    with portal.transaction() as tx:
        disable_account(tx, account_id="wang", reason="left", by="he")
        with pytest.raises(NotAuthenticated) as disabled:
            load_principal(tx, "wang")
        with pytest.raises(NotAuthenticated) as unknown:
            load_principal(tx, "nobody")
        assert tx.execute(text("SELECT count(*) FROM identity.passwords")).scalar_one() == 0
    assert str(disabled.value) == str(unknown.value)
    with pytest.raises(NotAuthenticated):
        log_in(portal, account_id="wang", password="a long password")
    with portal.transaction() as tx, pytest.raises(NotFound):
        disable_account(tx, account_id="wang", by="he")


@pytest.mark.parametrize(
    "name",
    [
        "",
        "w",
        "Wang",
        "wаng",
        "wang\u200b",
        "wang\n",
        "1wang",
        "-wang",
        "wang_",
        "wang chen",
        "ｗang",
        "王",
        "w" * 33,
        "wang\0",
        "system",
        "anonymous",
        "unknown",
        "public",
    ],
)
def test_a_name_that_could_be_mistaken_is_refused(portal: Database, name: str) -> None:
    with portal.transaction() as tx, pytest.raises(InvalidInput) as refused:
        create_account(tx, account_id=name, display_name="x", organisation="hbpu", by="he")
    assert refused.value.remedy


def test_a_look_alike_letter_is_named(portal: Database) -> None:
    with portal.transaction() as tx, pytest.raises(InvalidInput, match="CYRILLIC SMALL LETTER A"):
        create_team(tx, team_id="teаm", display_name="x", by="he")


@pytest.mark.parametrize("name", ["", "  ", "wang\nchen", "chen\u202egnaw", "x" * 81, "\u200b"])
def test_a_display_name_that_cannot_be_read_is_refused(portal: Database, name: str) -> None:
    with portal.transaction() as tx, pytest.raises(InvalidInput):
        create_account(tx, account_id="chen", display_name=name, organisation="hbpu", by="he")


def test_what_is_there_is_not_made_twice_and_what_is_missing_is_named(portal: Database) -> None:
    with portal.transaction() as tx:
        with pytest.raises(Conflict):
            create_account(tx, account_id="wang", display_name="x", organisation="hbpu", by="he")
        with pytest.raises(Conflict):
            create_organisation(tx, organisation_id="hbpu", display_name="x", by="he")
        with pytest.raises(Conflict):
            create_team(tx, team_id="cihu-lake", display_name="x", by="he")
        with pytest.raises(Conflict):
            join_team(tx, team_id="cihu-lake", account_id="wang", by="he")
        with pytest.raises(NotFound):
            create_account(tx, account_id="li", display_name="x", organisation="nowhere", by="he")
        with pytest.raises(NotFound):
            join_team(tx, team_id="nowhere", account_id="wang", by="he")
        with pytest.raises(NotFound):
            join_team(tx, team_id="cihu-lake", account_id="nobody", by="he")
        with pytest.raises(NotFound):
            leave_team(tx, team_id="cihu-lake", account_id="li", by="he")
        with pytest.raises(NotFound):
            set_roles(tx, account_id="nobody", roles=[], by="he")


def test_an_unknown_role_kind_or_a_short_password_is_refused(portal: Database) -> None:
    with portal.transaction() as tx:
        with pytest.raises(InvalidInput, match="role 'king'"):
            create_account(
                tx, account_id="li", display_name="x", organisation="hbpu", roles=["king"], by="he"
            )
        with pytest.raises(InvalidInput, match="kind"):
            create_account(tx, account_id="li", display_name="x", organisation="hbpu", kind="robot", by="he")  # type: ignore[arg-type]
        with pytest.raises(InvalidInput, match="8 to 256"):
            change_password(tx, account_id="wang", password="short", by="wang")


def test_the_vaults_role_reads_who_is_asking_but_no_password(vault: Database) -> None:
    with vault.transaction() as tx:
        assert load_principal(tx, "wang").teams == {"cihu-lake"}
        assert tx.execute(text("SELECT count(*) FROM identity.passwords")).scalar_one() == 0
        assert tx.execute(text("SELECT count(*) FROM identity.login_attempts")).scalar_one() == 0


@pytest.mark.parametrize(
    "deed",
    [
        (
            "INSERT INTO identity.accounts (id, display_name, organisation, kind) "
            "VALUES ('eve', 'e', 'hbpu', 'person')"
        ),
        "INSERT INTO identity.account_roles (account, role) VALUES ('wang', 'operator')",
        "INSERT INTO identity.team_members (team, account) VALUES ('cihu-lake', 'wang')",
        "INSERT INTO identity.passwords (account, hash) VALUES ('wang', 'x')",
        "INSERT INTO identity.signing_keys (kid, issuer, public_key) VALUES ('k', 'portal', 'x')",
        "UPDATE identity.accounts SET disabled_at = NULL",
        "DELETE FROM identity.signing_key_retirements",
    ],
)
def test_the_vaults_role_makes_nobody_and_no_key_of_the_portal(vault: Database, deed: str) -> None:
    with (
        pytest.raises(ProgrammingError, match=r"row-level security|permission denied"),
        vault.transaction() as tx,
    ):
        tx.execute(text(deed))


def test_nobody_logs_in_to_a_service_account_with_a_password(portal: Database) -> None:
    with portal.transaction() as tx:
        create_account(
            tx,
            account_id="market-service",
            display_name="market",
            organisation="hbpu",
            kind="service",
            password="a long password",
            by="he",
        )
    with portal.transaction() as tx, pytest.raises(Conflict) as refused:
        reset_password(tx, account_id="market-service", rules=DEFAULT, by="he")
    assert refused.value.code == "service_account"
    with portal.transaction() as tx, pytest.raises(Conflict):
        make_link(tx, account_id="market-service", kind="reset", rules=DEFAULT, by="he")
    with pytest.raises(NotAuthenticated) as service:
        log_in(portal, account_id="market-service", password="a long password")
    with pytest.raises(NotAuthenticated) as nobody:
        log_in(portal, account_id="nobody-here", password="a long password")
    assert (service.value.code, str(service.value)) == (nobody.value.code, str(nobody.value))
