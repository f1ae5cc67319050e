"""Log-in through an identity provider: with a certified one (npm oidc-provider) as a person meets it."""

import time
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest
from sqlalchemy import text

from city_logins import MFA, CityLogins, hidden
from maintenance import under_maintenance
from sandbox.errors import CihuError
from sandbox.identity import SecretBox
from sandbox.identity.invitations import invite, open_invitation, take_open_invitation
from sandbox.identity.principals import hold_account
from sandbox.identity.rules import DEFAULT
from sandbox.identity.second_factors import confirm_totp, offer_totp


def test_the_page_names_the_providers_in_both_languages(city_logins: CityLogins) -> None:
    english, chinese = (city_logins.browser(language).get("/login").text for language in ("en", "zh"))
    assert "Log in with City identity" in english
    assert "使用统一身份认证平台登录" in chinese


def test_an_identity_is_connected_and_opens_the_account(city_logins: CityLogins) -> None:
    account = city_logins.account()
    stranger, browser = city_logins.browser(), city_logins.browser()
    refused = stranger.at_city(stranger.begin("city"), "wu.health")
    assert "No account here is connected" in stranger.get(refused.headers["location"]).text
    assert stranger.account() == ""
    browser.log_in(account)
    page = browser.send("/me/security", "/me/security/city/city")
    assert browser.at_city(browser.link_of(page), "wu.health").headers["location"] == "/me/security"
    assert "City identity: connected" in browser.get("/me/security").text
    again = city_logins.browser()
    assert again.at_city(again.begin("city"), "wu.health").headers["location"] == "/me/sessions"
    assert again.account() == account
    [(methods, proved)] = city_logins.rows(
        "SELECT methods, proved_at FROM market.sessions WHERE account = :a AND methods LIKE 'fed%'", a=account
    )
    assert methods == "fed"
    assert proved is not None
    kinds = city_logins.rows("SELECT count(*) FROM market.city_identities WHERE account = :a", a=account)
    assert kinds == [(1,)]
    told = "SELECT audience FROM notices.notices WHERE event = 'account.identity_connected' AND about = :a"
    assert city_logins.rows(told, a=f"account:{account}") == [(f"person:{account}",)]
    [shown] = browser.get("/api/v1/me/security").json()["identities"]
    assert shown["last_used_at"] is not None
    assert browser.send("/me/security", "/me/security/city/city/remove").status_code == 303
    gone = city_logins.browser()
    gone.at_city(gone.begin("city"), "wu.health")
    assert gone.account() == ""


def invited(
    city_logins: CityLogins, account: str, organisation: str = "health", role: str = "analyst"
) -> str:
    """An account that waits for its person; gives the link's secret."""
    with city_logins.database.transaction() as tx:
        made = invite(
            tx,
            account_id=account,
            display_name=account,
            organisation=organisation,
            roles=[role],
            rules=DEFAULT,
            by="test",
        )
    return made.link_secret


def test_an_invited_person_of_the_right_department_needs_no_link(city_logins: CityLogins) -> None:
    invited(city_logins, "zheng")
    wrong, right, later = (city_logins.browser() for _ in range(3))
    wrong.at_city(wrong.begin("city"), "zheng.market")
    assert wrong.account() == ""
    right.at_city(right.begin("city"), "zheng.health")
    assert right.account() == "zheng"
    # the invitation is used up: nobody else with that number takes the account
    later.at_city(later.begin("city"), "zheng.health.2")
    assert later.account() == ""


def test_who_has_a_password_is_joined_by_no_claim(city_logins: CityLogins) -> None:
    account, browser = city_logins.account("officer"), city_logins.browser()
    browser.at_city(browser.begin("city"), f"{account}.health")
    assert browser.account() == ""


def test_an_invitation_is_accepted_without_a_password(city_logins: CityLogins) -> None:
    link, browser = invited(city_logins, "shen"), city_logins.browser()
    page = browser.send(f"/invitations?link={link}", "/login/city/city")
    browser.at_city(browser.link_of(page), "any.other")
    assert browser.account() == "shen"
    assert city_logins.browser().get(f"/invitations?link={link}").status_code == 404


def test_an_invitation_to_a_role_that_needs_a_second_factor_is_accepted(city_logins: CityLogins) -> None:
    """The provider is asked twice, and the link is good once."""
    link, browser = invited(city_logins, "tao", role="security_administrator"), city_logins.browser()
    page = browser.send(f"/invitations?link={link}", "/login/city/city")
    sent_on = browser.at_city(browser.link_of(page), "tao.any")
    assert browser.account() == ""
    assert browser.at_city(sent_on.headers["location"], "tao.any", second=True).status_code == 303
    assert browser.account() == "tao"


def test_an_invitation_is_held_after_its_account(city_logins: CityLogins) -> None:
    """By the link and by the claim of a provider in the same order: none waits for the other for ever."""
    link = invited(city_logins, "qian")

    def opened() -> None:
        with city_logins.database.transaction() as second:
            second.execute(text("SET LOCAL lock_timeout = '100ms'"))  # it would wait for ever
            open_invitation(second, link)

    with city_logins.database.transaction() as first:
        hold_account(first, "qian")
        with pytest.raises(CihuError):
            opened()
        assert take_open_invitation(first, account_id="qian")


def test_during_maintenance_an_account_logs_in_and_nothing_else_begins(city_logins: CityLogins) -> None:
    account, _ = city_logins.connected()
    other, link = city_logins.account(), invited(city_logins, "xiong")
    known, stranger, guest, connecting, lacking = (city_logins.browser() for _ in range(5))
    connecting.log_in(other)
    begun = connecting.link_of(connecting.send("/me/security", "/me/security/city/rogue"))
    accepting = guest.link_of(guest.send(f"/invitations?link={link}", "/login/city/rogue"))
    with under_maintenance(city_logins.database):
        assert known.from_rogue(known.begin("rogue"), account).headers["location"] == "/me/sessions"
        refused = stranger.from_rogue(stranger.begin("rogue"), "somebody during maintenance")
        assert refused.status_code == 503
        assert int(refused.headers["retry-after"]) > 0
        assert guest.from_rogue(accepting, "xiong there").status_code == 503
        assert connecting.from_rogue(begun, "another identity").status_code == 503
        again = guest.send(f"/invitations?link={link}", "/login/city/rogue")
        assert again.status_code == 503, "it is not even begun"
        lacking.log_in(other)
        offered = lacking.send("/me/security", "/me/security/totp")
        assert offered.status_code != 503, "a second factor can be set, so whoever ends it gets in"
        assert lacking.send("/me/password", "/me/password").status_code != 503
    subjects = ("somebody during maintenance", "xiong there", "another identity")
    made = "SELECT 1 FROM market.city_identities WHERE subject = ANY(:s)"
    assert city_logins.rows(made, s=list(subjects)) == []
    with city_logins.database.transaction() as tx:
        assert open_invitation(tx, link).account == "xiong"


def test_somebody_new_gets_an_account_without_a_role(city_logins: CityLogins) -> None:
    browser = city_logins.browser()
    browser.from_rogue(browser.begin("rogue"), "a new person")
    held = browser.get("/api/v1/me/export").json()["identity"]
    assert held["account"]["organisation"] == "market"
    assert held["account"]["name"] == "赵 Zhao"
    assert held["roles"] == held["teams"] == []


def test_a_role_that_needs_a_second_factor_makes_the_provider_ask_for_one(city_logins: CityLogins) -> None:
    account, browser = city_logins.account("system_administrator"), city_logins.browser()
    city_logins.rows(
        "INSERT INTO market.city_identities (issuer, subject, account, person) "
        "VALUES (:i, 'feng.health', :a, 'feng') RETURNING 1",
        i=browser.begin("city").partition("/auth")[0],
        a=account,
    )
    sent_on = browser.at_city(browser.begin("city"), "feng.health")
    step = sent_on.headers["location"]
    assert MFA in parse_qs(urlsplit(step).query)["claims"][0]
    assert browser.at_city(step, "feng.health", second=True).headers["location"] == "/me/sessions"
    methods = city_logins.rows("SELECT methods FROM market.sessions WHERE account = :a", a=account)
    assert methods == [("fed mfa",)]


def test_logging_out_at_the_provider_ends_the_session_here(city_logins: CityLogins) -> None:
    account, browser = city_logins.account(), city_logins.browser()
    browser.log_in(account)
    page = browser.send("/me/security", "/me/security/city/city")
    browser.at_city(browser.link_of(page), "jin.health")
    elsewhere, bystander = city_logins.browser(), city_logins.browser()
    elsewhere.at_city(elsewhere.begin("city"), "jin.health")
    bystander.log_in(account)
    left = elsewhere.get("/login/city/city/leave").headers["location"]
    asked = elsewhere.client.get(left)
    [action] = {part.split('"')[0] for part in asked.text.split('action="')[1:]}
    form = {"xsrf": asked.text.split('name="xsrf" value="')[1].split('"')[0], "logout": "yes"}
    done = elsewhere.client.post(action, data=form)
    assert done.headers["location"].startswith(f"{city_logins.url}/login")
    assert elsewhere.account() == ""
    assert bystander.account() == account
    ended = city_logins.rows(
        "SELECT reason FROM identity.token_revocations WHERE account = :a AND session IS NOT NULL", a=account
    )
    assert ended == [("ended by the identity provider",)]


def test_logging_out_here_offers_the_log_out_there(city_logins: CityLogins) -> None:
    _, browser = city_logins.connected()
    browser.from_rogue(browser.begin("rogue"), f"city-{city_logins.made}")
    left = browser.send("/me/sessions", "/logout")
    assert left.headers["location"] == "/login?left=rogue"
    assert "Log out of Another provider" in browser.get(left.headers["location"]).text
    refused = browser.get("/login/city/rogue/leave").headers["location"]
    assert "cannot be asked to log you out" in browser.get(refused).text


def test_whoever_secures_accounts_disconnects_one(city_logins: CityLogins) -> None:
    account, browser = city_logins.connected()
    by, other = city_logins.browser(), city_logins.browser()
    by.log_in("he")
    assert by.get(f"/api/v1/people/{account}").json()["identities"] == ["rogue"]
    page = f"/people/{account}"
    sent = by.send(page, page, deed="disconnect", provider="rogue")
    assert sent.headers["location"] == page
    assert by.get(f"/api/v1/people/{account}").json()["identities"] == []
    token = {"X-CSRF-Token": hidden(by.get(page).text, page)["csrf"]}
    again = by.client.delete(f"/api/v1/people/{account}/identities/rogue", headers=token)
    assert again.status_code == 404
    assert again.json()["code"] == "not_found"
    other.from_rogue(other.begin("rogue"), account)
    assert other.account() != account
    csrf = hidden(browser.get("/me/sessions").text, "/logout")["csrf"]
    mine = browser.client.delete("/api/v1/me/identities/rogue", headers={"X-CSRF-Token": csrf})
    assert mine.status_code == 404


def test_the_last_way_in_stays(city_logins: CityLogins) -> None:
    browser = city_logins.browser()
    browser.from_rogue(browser.begin("rogue"), "with one way in")
    csrf = hidden(browser.get("/me/security").text, "/me/security/city/rogue/remove")["csrf"]
    kept = browser.client.delete("/api/v1/me/identities/rogue", headers={"X-CSRF-Token": csrf})
    assert kept.status_code == 409
    assert kept.json()["code"] == "last_way_in"


def test_stopping_at_the_provider_is_told_in_words_of_ours(city_logins: CityLogins) -> None:
    browser = city_logins.browser("zh")
    stopped = browser.at_city(browser.begin("city"), "")
    shown = browser.get(stopped.headers["location"]).text
    assert "身份认证平台未完成登录" in shown
    assert "stopped" not in shown


def test_a_password_works_while_the_provider_is_away(city_logins: CityLogins) -> None:
    account, browser = city_logins.account(), city_logins.browser()
    away = browser.get("/login/city/away")
    assert "does not answer" in browser.get(away.headers["location"]).text
    assert browser.log_in(account).status_code == 303


def test_the_provider_may_change_its_keys(city_logins: CityLogins) -> None:
    rogue, first = city_logins.rogue, city_logins.rogue.key
    account, browser = city_logins.connected()
    try:
        rogue.key = type(first).generate_key("P-256", {"kid": "second"})
        assert browser.from_rogue(browser.begin("rogue"), account).headers["location"] == "/me/sessions"
        asked = rogue.asked_for_keys
        rogue.key = type(first).generate_key("P-256", {"kid": "second"})  # the same name, another key
        refused = browser.from_rogue(browser.begin("rogue"), account)
        assert "city_provider_fault" in refused.headers["location"]
        assert rogue.asked_for_keys == asked, "the kept keys are used"
    finally:
        rogue.key = first


def test_what_was_typed_is_kept(city_logins: CityLogins) -> None:
    account, browser = city_logins.connected("analyst")
    csrf = hidden(browser.get("/me/sessions").text, "/logout")["csrf"]
    city_logins.rows(
        "UPDATE market.sessions SET expires_at = now() WHERE account = :a RETURNING 1", a=account
    )
    origin = {"Origin": city_logins.url, "Referer": f"{city_logins.url}/demands"}
    asked = browser.client.post("/demands", data={"csrf": csrf, "reason": "公交刷卡数据"}, headers=origin)
    assert asked.status_code == 401
    kept = hidden(asked.text, "/login/city/rogue")
    on = browser.client.post("/login/city/rogue", data=kept)
    shown = browser.from_rogue(browser.link_of(on), account)
    assert shown.status_code == 200
    assert "公交刷卡数据" in shown.text
    other = city_logins.browser()
    csrf = hidden(other.get("/login").text, "/login")["csrf"]
    long = {"csrf": csrf, "next": "/demands", "kept": "".join(map(chr, range(20000, 24000)))}
    too_long = other.client.post("/login/city/rogue", data=long)
    assert too_long.status_code == 401
    assert "too long to be kept" in too_long.text


@pytest.mark.parametrize("wrong", ["nobody", "city%00"])
def test_an_unknown_provider_is_not_there(city_logins: CityLogins, wrong: str) -> None:
    assert city_logins.browser().get(f"/login/city/{wrong}").status_code == 404


def test_the_accounts_own_second_factor_is_asked_for(city_logins: CityLogins) -> None:
    account, browser = city_logins.connected()
    box = SecretBox(city_logins.settings.secret("second-factors.key"))
    with city_logins.database.transaction() as tx:
        totp = pyotp.TOTP(offer_totp(tx, box, account))
        confirm_totp(tx, box, account, totp.now())
    asked = browser.from_rogue(browser.begin("rogue"), account)
    assert "Your identity is confirmed" in asked.text
    assert browser.account() == ""
    form = hidden(asked.text, "/login/code")
    # the code of the step before was used up by the confirmation
    done = browser.client.post("/login/code", data={**form, "code": totp.at(time.time() + 30)})
    assert done.status_code == 303, done.text
    assert browser.account() == account
    methods = city_logins.rows(
        "SELECT s.methods FROM market.sessions s JOIN market.city_sessions c ON c.session_hash = s.id_hash "
        "WHERE s.account = :a",
        a=account,
    )
    assert ("fed otp mfa",) in methods, "and a logout token still ends it"
