"""Wrong logins lock a pair and never an account; a code is good once; passwords are not taken again;
links are good once; the three administrators are three people."""

from collections.abc import Iterator

import pyotp
import pytest
from sqlalchemy import text

from sandbox.database import Database
from sandbox.errors import CihuError, Conflict, InvalidInput, NotAuthenticated, NotFound, Unavailable
from sandbox.identity import (
    IdentityRules,
    Login,
    SecretBox,
    Source,
    change_own_password,
    create_account,
    create_organisation,
    create_team,
    enable_account,
    give_code,
    join_team,
    load_principal,
    log_in,
    set_roles,
    unlock_account,
    what_login_needs,
)
from sandbox.identity.accounts import disable_account
from sandbox.identity.invitations import (
    accept_invitation,
    invite,
    last_link_by,
    open_invitation,
    reset_password,
    withdraw_invitation,
)
from sandbox.identity.new_passwords import check_new_password
from sandbox.identity.rules import DEFAULT, LoginLimits
from sandbox.identity.second_factors import (
    confirm_totp,
    drop_unneeded_recovery_codes,
    factors_of,
    offer_totp,
    remove_factors,
    remove_totp,
)
from sandbox.identity.teams import merge_teams
from sandbox.standalone.postgres import Postgres
from wrong_codes import wrong_code

RIGHT, WRONG = "磁湖 right password", "wrong password"
RULES = IdentityRules(
    logins=LoginLimits(pair=5, account=7, codes=3), second_factor_roles=frozenset({"security_administrator"})
)
BOX = SecretBox(bytes(32))
HERE, THERE = Source("10.0.0.1"), Source("10.0.0.2")


@pytest.fixture
def portal(postgres: Postgres, database_name: str) -> Iterator[Database]:
    opened = Database(postgres.url(user="cihu_portal", database=database_name))
    with opened.transaction() as tx:
        create_organisation(tx, organisation_id="hbpu", display_name="湖北理工学院", by="he")
        create_account(tx, account_id="wang", display_name="王", organisation="hbpu", password=RIGHT, by="he")
    yield opened
    opened.close()


def attempt(database: Database, password: str, source: Source = HERE, code: str = "") -> str:
    try:
        login = log_in(
            database, account_id="wang", password=password, code=code, source=source, rules=RULES, box=BOX
        )
    except CihuError as refused:
        return refused.code
    return " ".join(login.methods)


def with_codes(database: Database) -> tuple[pyotp.TOTP, list[str]]:
    """Let wang have one-time codes; their next code is not used yet."""
    with database.transaction() as tx:
        totp = pyotp.TOTP(offer_totp(tx, BOX, "wang"))
        recovery = confirm_totp(tx, BOX, "wang", totp.now())
        tx.execute(text("UPDATE identity.totp_factors SET last_step = 0"))
    return totp, recovery


def lock(database: Database, source: Source) -> None:
    assert {attempt(database, WRONG, source) for _ in range(5)} == {"wrong_password"}
    assert attempt(database, RIGHT, source) == "too_many_attempts"


def test_five_wrong_ones_lock_one_place_and_nobody_elsewhere(portal: Database) -> None:
    lock(portal, HERE)
    assert attempt(portal, RIGHT, THERE) == "pwd"


def test_an_account_under_attack_slows_and_its_known_browser_does_not(portal: Database) -> None:
    home = Source("10.0.0.9", device="a random cookie")
    assert attempt(portal, RIGHT, home) == "pwd"  # known from now on
    said = [attempt(portal, WRONG, Source(f"10.1.0.{number}")) for number in range(20)]
    assert said[:6] == ["wrong_password"] * 6 and said[-1] == "too_many_attempts"
    assert attempt(portal, RIGHT, THERE) == "too_many_attempts", "it waits for its turn"
    with portal.transaction() as tx:
        tx.execute(text("UPDATE identity.login_attempts SET admitted_at = now() - interval '11 seconds'"))
    assert attempt(portal, RIGHT, THERE) == "pwd", "and gets it"
    assert attempt(portal, RIGHT, home) == "pwd"
    lock(portal, home)
    assert attempt(portal, RIGHT, Source("10.0.0.9", device="another's cookie")) != "pwd"


def test_with_a_second_factor_a_locked_place_is_open_and_tells_nothing(portal: Database) -> None:
    totp, recovery = with_codes(portal)
    lock(portal, HERE)
    assert (
        attempt(portal, RIGHT, HERE, wrong_code(totp))
        == attempt(portal, WRONG, HERE, totp.now())
        == "wrong_password"
    )
    assert attempt(portal, RIGHT, HERE, totp.now()) == "pwd otp mfa"
    assert "too_many_attempts" in {attempt(portal, WRONG, THERE) for _ in range(6)}
    assert attempt(portal, RIGHT, THERE, recovery[0].upper()) == "pwd otp mfa"
    assert attempt(portal, RIGHT, THERE, recovery[0]) == "wrong_password", "used up"


def test_a_code_switches_off_no_slow_down_and_a_network_is_one_place(portal: Database) -> None:
    most = RULES.logins.account * 5
    said = [attempt(portal, WRONG, Source(f"10.4.{number}.1"), "000000") for number in range(most + 8)]
    assert said[-1] == "too_many_attempts", "guesses with a code slow the account too"
    with portal.transaction() as tx:
        unlock_account(tx, account_id="wang", by="he")
    said = [attempt(portal, WRONG, Source(f"2001:db8:0:7::{number:x}")) for number in range(1, 7)]
    assert said[-1] == "too_many_attempts", "addresses of one /64 are one place"


def test_a_browser_is_known_once_the_login_is_whole(portal: Database) -> None:
    _, recovery = with_codes(portal)
    browser = Source("10.7.0.1", device="a cookie of its own")

    def known() -> int:
        with portal.transaction() as tx:
            return int(tx.execute(text("SELECT count(*) FROM identity.known_devices")).scalar_one())

    assert attempt(portal, RIGHT, browser) == "pwd" and known() == 0
    with portal.transaction() as tx:
        login = Login(load_principal(tx, "wang"))
    give_code(portal, login=login, code=recovery[2], box=BOX, source=browser, rules=RULES)
    assert known() == 1


def test_a_wrong_password_uses_no_code_up_and_holds_none(portal: Database) -> None:
    totp, recovery = with_codes(portal)
    for number in range(5):
        assert attempt(portal, WRONG, Source(f"10.5.0.{number}"), totp.now()) == "wrong_password"
    assert attempt(portal, WRONG, Source("10.5.1.1"), recovery[0]) == "wrong_password"
    assert attempt(portal, RIGHT, THERE, recovery[0]) == "pwd otp mfa"
    assert attempt(portal, RIGHT, Source("10.6.0.1"), totp.now()) == "pwd otp mfa"


def test_wrong_codes_are_counted_for_the_account_wherever_they_come_from(portal: Database) -> None:
    totp, recovery = with_codes(portal)
    said = [attempt(portal, RIGHT, Source(f"10.2.0.{number}"), wrong_code(totp)) for number in range(3)]
    assert said == ["wrong_password"] * 3
    assert attempt(portal, RIGHT, Source("10.3.0.1"), totp.now()) == "wrong_password", "codes are held"
    with portal.transaction() as tx:
        login = Login(load_principal(tx, "wang"))
    with pytest.raises(CihuError) as held:
        give_code(portal, login=login, code=totp.now(), box=BOX, rules=RULES)
    assert held.value.code == "too_many_attempts"
    assert give_code(portal, login=login, code=recovery[1], box=BOX, rules=RULES).methods == (
        "pwd",
        "otp",
        "mfa",
    )
    with portal.transaction() as tx:
        unlock_account(tx, account_id="wang", by="he")
    code = totp.now()
    assert give_code(portal, login=login, code=code, box=BOX, rules=RULES).methods[-1] == "mfa"
    with pytest.raises(NotAuthenticated):
        give_code(portal, login=login, code=code, box=BOX, rules=RULES)  # RFC 6238, section 5.2


def test_what_a_login_lacks(portal: Database) -> None:
    with portal.transaction() as tx:
        assert what_login_needs(tx, load_principal(tx, "wang"), ("pwd",), RULES) == ""
        set_roles(tx, account_id="wang", roles=["security_administrator"], by="he")
        wang = load_principal(tx, "wang")
        assert what_login_needs(tx, wang, ("pwd",), RULES) == "factor"
        assert what_login_needs(tx, wang, ("pop", "user", "mfa"), RULES) == ""
    with_codes(portal)
    old = IdentityRules(passwords=DEFAULT.passwords.__class__(longest_days=90))
    with portal.transaction() as tx:
        assert what_login_needs(tx, wang, ("pwd",), RULES) == "code"
        remove_totp(tx, "wang", by="wang")
        drop_unneeded_recovery_codes(tx, "wang")
        assert factors_of(tx, "wang").recovery_codes == 0
        tx.execute(text("UPDATE identity.passwords SET changed_at = now() - interval '91 days'"))
        assert what_login_needs(tx, wang, ("pwd",), old) == "password"
        assert what_login_needs(tx, wang, ("pop", "user", "mfa"), old) == "", "a passkey has no password"


def test_the_secret_is_sealed_and_opens_for_its_account_alone(portal: Database) -> None:
    totp, recovery = with_codes(portal)
    with portal.transaction() as tx:
        stored = bytes(tx.execute(text("SELECT secret FROM identity.totp_factors")).scalar_one())
        hashes = tx.execute(text("SELECT code_hash FROM identity.recovery_codes")).scalars().all()
    assert totp.secret.encode() not in stored
    assert not any(code.replace("-", "").encode() in bytes(each) for code in recovery for each in hashes)
    with pytest.raises(Unavailable):
        BOX.open(stored, purpose="totp li")
    with pytest.raises(Unavailable):
        SecretBox(b"other key, of thirty-two bytes. ").open(stored, purpose="totp wang")


def test_a_password_of_the_last_ones_is_refused(portal: Database) -> None:
    now = RIGHT
    for new in ("the second password", "the third password", "the fourth password"):
        change_own_password(portal, account_id="wang", password=now, new_password=new)
        now = new
    for used in (now, RIGHT, "the third password"):
        with pytest.raises(InvalidInput) as refused:
            change_own_password(portal, account_id="wang", password=now, new_password=used)
        assert refused.value.code == "password_used_before" and refused.value.zh


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("Ab1", "password_length"),
        ("x" * 257, "password_length"),
        ("onlysmall", "password_kinds"),
        ("Short12", "password_length"),
        ("wang-Wang-2026-wang", "password_guessable"),
        ("aaaaaaaaaaaaaaaaaaaa", "password_guessable"),
    ],
)
def test_which_passwords_are_refused(password: str, code: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_new_password(DEFAULT.passwords, account_id="wang", password=password)
    assert refused.value.code == code and refused.value.zh and refused.value.remedy_zh
    check_new_password(DEFAULT.passwords, account_id="wang", password="Good-pw1")
    check_new_password(DEFAULT.passwords, account_id="wang", password="a few plain words")


def test_a_link_is_good_once_and_for_a_while(portal: Database) -> None:
    with portal.transaction() as tx:
        create_team(tx, team_id="lake", display_name="湖", by="he")
        given = invite(
            tx,
            account_id="zhao",
            display_name="赵",
            organisation="hbpu",
            roles=["analyst"],
            teams=["lake"],
            rules=RULES,
            by="he",
        )
        assert given.link_secret not in str(tx.execute(text("SELECT * FROM identity.invitations")).all())
        assert open_invitation(tx, given.link_secret).account == "zhao"
    with portal.transaction() as tx, pytest.raises(InvalidInput):
        accept_invitation(tx, link_secret=given.link_secret, password="short", rules=RULES)
    with portal.transaction() as tx:
        password = "words of my own 1"
        accept_invitation(
            tx, link_secret=given.link_secret, password=password, display_name="赵山", rules=RULES
        )
    zhao = log_in(portal, account_id="zhao", password=password).principal
    assert (zhao.display_name, zhao.teams) == ("赵山", frozenset({"lake"}))
    with portal.transaction() as tx:
        for spent in (given.link_secret, "never", ""):
            with pytest.raises(NotFound):
                open_invitation(tx, spent)
        reset = reset_password(tx, account_id="zhao", rules=RULES, by="he")
    with pytest.raises(NotAuthenticated):
        log_in(portal, account_id="zhao", password=password)
    with portal.transaction() as tx:
        assert last_link_by(tx, "zhao") == "he" and last_link_by(tx, "wang") == ""
        newer = reset_password(tx, account_id="zhao", rules=RULES, by="he")
        with pytest.raises(NotFound):
            open_invitation(tx, reset.link_secret)  # the newer one took its place
        withdraw_invitation(tx, account_id="zhao", by="he")
        with pytest.raises(NotFound):
            open_invitation(tx, newer.link_secret)
        with pytest.raises(NotFound):
            withdraw_invitation(tx, account_id="zhao", by="he")
        late = reset_password(tx, account_id="zhao", rules=RULES, by="he")
        tx.execute(text("UPDATE identity.invitations SET expires_at = now()"))
    with portal.transaction() as tx, pytest.raises(NotFound):
        open_invitation(tx, late.link_secret)


def test_a_disabled_account_lives_again_without_its_password(portal: Database) -> None:
    with portal.transaction() as tx:
        disable_account(tx, account_id="wang", by="he")
        enable_account(tx, account_id="wang", by="he")
        with pytest.raises(NotFound):
            enable_account(tx, account_id="wang", by="he")
    assert attempt(portal, RIGHT) == "wrong_password"


def test_merged_teams_take_nobody_any_more(portal: Database) -> None:
    with portal.transaction() as tx:
        for team in ("east", "west"):
            create_team(tx, team_id=team, display_name=team, by="he")
        join_team(tx, team_id="east", account_id="wang", by="he")
        assert merge_teams(tx, team_id="east", into="west", by="he") == ["wang"]
        assert load_principal(tx, "wang").teams == {"east", "west"}
        for refused in (
            lambda: merge_teams(tx, team_id="east", into="west", by="he"),
            lambda: merge_teams(tx, team_id="west", into="west", by="he"),
            lambda: join_team(tx, team_id="east", account_id="wang", by="he"),
        ):
            with pytest.raises(Conflict):
                refused()


@pytest.mark.parametrize("other", ["audit_administrator", "analyst", "operator"])
def test_an_administrator_has_no_other_role(portal: Database, other: str) -> None:
    with portal.transaction() as tx, pytest.raises(InvalidInput) as refused:
        set_roles(tx, account_id="wang", roles=["system_administrator", other], by="he")
    assert refused.value.code == "roles_not_separate"


def test_postgres_too_refuses_two_administrators_in_one_account(portal: Database) -> None:
    with portal.transaction() as tx:
        set_roles(tx, account_id="wang", roles=["system_administrator"], by="he")
    with pytest.raises(Exception, match="one_administrator"), portal.transaction() as tx:
        tx.execute(text("INSERT INTO identity.account_roles VALUES ('wang', 'audit_administrator')"))


def test_the_vaults_role_sees_no_factor_and_no_link(
    portal: Database, postgres: Postgres, database_name: str
) -> None:
    with_codes(portal)
    vault = Database(postgres.url(user="cihu_vault", database=database_name))
    with vault.transaction() as tx:
        for table in ("totp_factors", "recovery_codes", "passkeys", "invitations", "password_history"):
            assert tx.execute(text(f"SELECT count(*) FROM identity.{table}")).scalar_one() == 0
    vault.close()
    with portal.transaction() as tx:
        remove_factors(tx, "wang", by="he")
        with pytest.raises(NotFound):
            remove_factors(tx, "wang", by="he")
