"""Wrong passwords are counted whatever happens, answered alike, and stop after a few;
right ones are kept up to date."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from argon2 import PasswordHasher
from sqlalchemy import text

from light_passwords import FULL
from sandbox.database import Database
from sandbox.errors import CihuError, NotAuthenticated, TooMany
from sandbox.identity import check_password, create_account, create_organisation, log_in
from sandbox.identity import passwords as hashing
from sandbox.identity.rules import DEFAULT
from sandbox.standalone.postgres import Postgres

ATTEMPTS = DEFAULT.logins.pair
RIGHT, WRONG = "磁湖 right password", "wrong password"


@pytest.fixture
def portal(postgres: Postgres, database_name: str) -> Iterator[Database]:
    opened = Database(postgres.url(user="cihu_portal", database=database_name))
    with opened.transaction() as tx:
        create_organisation(tx, organisation_id="hbpu", display_name="湖北理工学院", by="he")
        create_account(tx, account_id="wang", display_name="王", organisation="hbpu", password=RIGHT, by="he")
        create_account(tx, account_id="robot", display_name="r", organisation="hbpu", kind="service", by="he")
    yield opened
    opened.close()


def attempt(database: Database, password: str, account_id: str = "wang") -> str:
    try:
        return log_in(database, account_id=account_id, password=password).principal.id
    except CihuError as refused:
        return refused.code


def test_the_right_password_is_in_and_every_other_way_is_the_same_refusal(portal: Database) -> None:
    assert attempt(portal, RIGHT) == "wang"
    said = set()
    for account_id, password in [
        ("wang", WRONG),
        ("wang", ""),
        ("wang", "x" * 10_000),
        ("nobody", RIGHT),
        ("robot", RIGHT),
        ("wаng", RIGHT),
        ("", ""),
        ("wang\0", RIGHT),
    ]:
        with pytest.raises(NotAuthenticated) as refused:
            log_in(portal, account_id=account_id, password=password)
        said.add((str(refused.value), refused.value.code))
    assert len(said) == 1


def test_a_password_typed_in_another_spelling_of_unicode_is_the_same(portal: Database) -> None:
    with portal.transaction() as tx:
        create_account(
            tx,
            account_id="rene",
            display_name="René",
            organisation="hbpu",
            password="caf\u00e9 noir",
            by="he",
        )
    assert attempt(portal, "cafe\u0301 noir", "rene") == "rene"


def test_the_same_work_is_done_when_there_is_nobody(
    portal: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counts the hashings rather than the seconds: a clock on a busy machine proves nothing."""
    worked: list[str] = []

    class Counting(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # type: ignore[override]
            worked.append(str(hash)[:30])
            return bool(super().verify(hash, password))

    hashing.nobodys_hash()
    monkeypatch.setattr(hashing, "HASHER", Counting())
    for account_id in ("wang", "nobody", "robot", "not a name"):
        attempt(portal, WRONG, account_id)
    assert len(worked) == 4
    assert len(set(worked)) == 1  # the same parameters


def test_after_a_few_wrong_ones_even_the_right_one_waits_and_is_told_how_long(portal: Database) -> None:
    assert [attempt(portal, WRONG) for _ in range(ATTEMPTS)] == ["wrong_password"] * ATTEMPTS
    with pytest.raises(TooMany) as refused:
        log_in(portal, account_id="wang", password=RIGHT)
    assert refused.value.code == "too_many_attempts"
    assert "Try again in" in refused.value.remedy
    assert attempt(portal, WRONG, "nobody") == "wrong_password"  # others are not held up


def test_the_limit_holds_across_processes_and_ends_with_its_window(
    portal: Database, postgres: Postgres, database_name: str
) -> None:
    for _ in range(ATTEMPTS):
        attempt(portal, WRONG)
    other = Database(postgres.url(user="cihu_portal", database=database_name))
    assert attempt(other, RIGHT) == "too_many_attempts"
    with portal.transaction() as tx:
        tx.execute(text("UPDATE identity.login_attempts SET window_began_at = now() - interval '61 minutes'"))
    assert attempt(other, RIGHT) == "wang"
    other.close()


def test_a_name_that_is_nobodys_is_throttled_like_any_other(portal: Database) -> None:
    assert [attempt(portal, WRONG, "nobody") for _ in range(ATTEMPTS + 1)][-1] == "too_many_attempts"


def test_a_success_begins_the_count_anew(portal: Database) -> None:
    for _ in range(2):
        assert {attempt(portal, WRONG) for _ in range(ATTEMPTS - 1)} == {"wrong_password"}
        assert attempt(portal, RIGHT) == "wang"


def test_right_passwords_never_slow_an_account(portal: Database) -> None:
    """A program that logs in for each of its commands is no attack."""
    assert [attempt(portal, RIGHT) for _ in range(45)] == ["wang"] * 45


def test_guesses_made_at_the_same_time_all_count(portal: Database) -> None:
    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(lambda _: attempt(portal, WRONG), range(ATTEMPTS * 2)))
    assert said.count("wrong_password") == ATTEMPTS
    assert said.count("too_many_attempts") == ATTEMPTS


def test_old_counts_are_swept_away(portal: Database) -> None:
    attempt(portal, WRONG, "nobody")
    with portal.transaction() as tx:
        tx.execute(text("UPDATE identity.login_attempts SET window_began_at = now() - interval '61 minutes'"))
    attempt(portal, WRONG)
    with portal.transaction() as tx:
        assert tx.execute(text("SELECT account FROM identity.login_attempts")).scalars().all() == [
            "wang",
            "wang",
        ]


def test_failures_are_in_the_log_without_what_was_typed(portal: Database, database: Database) -> None:
    attempt(portal, WRONG)
    attempt(portal, WRONG, "hunter2secret")
    with database.transaction() as tx:
        rows = (
            tx.execute(text("SELECT content FROM log.openings ORDER BY index DESC LIMIT 2")).scalars().all()
        )
    assert '"subject":"account:unknown"' in rows[0]
    assert '"subject":"account:wang"' in rows[1]
    with database.transaction() as tx:
        before = tx.execute(text("SELECT count(*) FROM log.entries")).scalar_one()
    for nobody in ("", "王", "wang\0", "x" * 64):
        attempt(portal, WRONG, nobody)
    with database.transaction() as tx:
        assert tx.execute(text("SELECT count(*) FROM log.entries")).scalar_one() == before
    assert not any("hunter2" in row or WRONG in row for row in rows)


def test_a_hash_with_older_parameters_is_replaced_when_the_password_is_next_known(portal: Database) -> None:
    old = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(hashing.normal(RIGHT))
    with portal.transaction() as tx:
        tx.execute(text("UPDATE identity.passwords SET hash = :old"), {"old": old})
    assert attempt(portal, WRONG) == "wrong_password"
    assert stored(portal) == old
    assert attempt(portal, RIGHT) == "wang"
    assert stored(portal) != old
    assert not hashing.is_outdated(stored(portal))
    assert attempt(portal, RIGHT) == "wang"


def test_hashes_are_argon2id(portal: Database) -> None:
    assert stored(portal).startswith("$argon2id$")
    assert FULL.hash(b"a password").startswith("$argon2id$v=19$m=65536,t=3,p=4$"), "what a city's cost"


def test_checking_alone_neither_counts_nor_logs(portal: Database) -> None:
    with portal.transaction() as tx:
        assert check_password(tx, "wang", RIGHT).id == "wang"
        with pytest.raises(NotAuthenticated):
            check_password(tx, "wang", WRONG)
        assert tx.execute(text("SELECT count(*) FROM identity.login_attempts")).scalar_one() == 0


def stored(database: Database) -> str:
    with database.transaction() as tx:
        return str(
            tx.execute(text("SELECT hash FROM identity.passwords WHERE account = 'wang'")).scalar_one()
        )
