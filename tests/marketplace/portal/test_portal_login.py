"""Logging in: the cookie, the form token, the two ends of a session."""

import re
from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import select, text, update

from marketplace.portal.authentication import safe_next
from marketplace.portal.sessions import hash_secret
from marketplace.portal.tables import sessions
from marketplace.settings import Settings
from sandbox.audit.tables import entries
from sandbox.database import Database
from sandbox.identity import disable_account

PASSWORD, NEW = "a long enough password", "quite another password"


def kinds(database: Database) -> list[str]:
    with database.transaction() as tx:
        return [re.findall(r'"kind":"([^"]+)"', entry)[0] for entry in tx.scalars(select(entries.c.entry))]


def test_a_right_password_opens_a_session_with_a_guarded_cookie(portal, database: Database) -> None:
    answer = portal.browser().log_in("chen")
    assert answer.status_code == 303 and answer.headers["location"] == "/"
    cookie = next(line for line in answer.headers.get_list("set-cookie") if line.startswith("cihu_session="))
    assert "HttpOnly" in cookie and "SameSite=lax" in cookie and "Path=/" in cookie
    assert "session.opened" in kinds(database)


def test_the_cookie_is_in_the_database_only_as_a_hash(portal, database: Database) -> None:
    browser = portal.browser()
    browser.log_in("chen")
    cookie = browser.client.cookies["cihu_session"]
    with database.transaction() as tx:
        stored = tx.execute(select(sessions)).one()
    assert stored.id_hash == hash_secret(cookie)
    assert cookie not in str(stored)


def test_a_wrong_password_opens_nothing_and_is_in_the_log(portal, database: Database) -> None:
    browser = portal.browser()
    answer = browser.log_in("chen", "not the password")
    assert answer.status_code == 401
    assert "cihu_session" not in browser.client.cookies
    assert "not the password" not in answer.text
    assert kinds(database)[-1] == "session.refused"


def test_the_sixth_attempt_in_ten_minutes_is_refused_even_with_the_right_password(portal) -> None:
    browser = portal.browser()
    for _ in range(5):
        assert browser.log_in("chen", "not the password").status_code == 401
    assert browser.log_in("chen").status_code == 429


def test_a_session_that_the_browser_came_with_is_not_taken_over(portal, database: Database) -> None:
    """Fixation: somebody plants a cookie, the victim logs in, the planted cookie must be worth nothing."""
    attacker, victim = portal.browser(), portal.browser()
    attacker.log_in("sun")
    planted = attacker.client.cookies["cihu_session"]
    victim.client.cookies.set("cihu_session", planted)
    with httpx.Client(base_url=portal.url) as fresh:
        page = fresh.get("/login")
        csrf = re.findall(r'name="csrf" value="([^"]+)"', page.text)[0]
        fresh.cookies.set("cihu_session", planted, domain="127.0.0.1")
        answer = fresh.post(
            "/login", data={"csrf": csrf, "account": "chen", "password": "a long enough password"}
        )
    assert answer.status_code == 303
    given = next(line for line in answer.headers.get_list("set-cookie") if line.startswith("cihu_session="))
    assert planted not in given
    assert attacker.get("/me").status_code == 303, "the planted session was ended"


def test_a_made_up_cookie_is_nobody(portal) -> None:
    browser = portal.browser()
    browser.client.cookies.set("cihu_session", "made-up")
    assert browser.get("/me").headers["location"].startswith("/login")


@pytest.mark.parametrize("token", ["", "0" * 64])
def test_a_form_without_its_token_is_refused(portal, token: str) -> None:
    browser = portal.browser()
    browser.log_in("chen")
    assert browser.client.post("/logout", data={"csrf": token}).status_code == 403
    assert browser.get("/me").status_code == 200


def test_the_token_of_another_session_does_not_fit(portal) -> None:
    one, other = portal.browser(), portal.browser()
    one.log_in("chen")
    other.log_in("chen")
    token = re.findall(r'name="csrf" value="([^"]+)"', other.get("/me").text)[0]
    assert one.client.post("/logout", data={"csrf": token}).status_code == 403


def test_a_login_form_from_elsewhere_is_refused(portal) -> None:
    browser = portal.browser()
    assert browser.client.post("/login", data={"account": "chen", "password": "x"}).status_code == 403
    page = browser.get("/login")
    token = re.findall(r'name="csrf" value="([^"]+)"', page.text)[0]
    refused = browser.client.post(
        "/login",
        data={"csrf": token, "account": "chen", "password": "x"},
        headers={"Origin": "https://elsewhere.example"},
    )
    assert refused.status_code == 403


def test_logging_out_ends_the_session_in_the_database_too(portal, database: Database) -> None:
    browser = portal.browser()
    browser.log_in("chen")
    cookie = browser.client.cookies["cihu_session"]
    assert browser.send("/me", "/logout").status_code == 303
    browser.client.cookies.set("cihu_session", cookie)
    assert browser.get("/me").status_code == 303
    assert "session.closed" in kinds(database)


@pytest.mark.parametrize("column", ["seen_at", "expires_at"])
def test_a_session_ends_when_idle_and_when_old(portal, database: Database, column: str) -> None:
    browser = portal.browser()
    browser.log_in("chen")
    with database.transaction() as tx:
        tx.execute(update(sessions).values({column: sessions.c[column] - timedelta(hours=13)}))
    assert browser.get("/me").status_code == 303


def test_a_disabled_account_is_out_at_once(portal, database: Database) -> None:
    browser = portal.browser()
    browser.log_in("chen")
    with database.transaction() as tx:
        disable_account(tx, account_id="chen", by="he")
    assert browser.get("/me").status_code == 303


def test_pages_forbid_inline_scripts_and_frames(portal) -> None:
    answer = portal.browser().get("/login")
    policy = answer.headers["content-security-policy"]
    assert (
        "default-src 'none'" in policy
        and "script-src 'self';" in policy
        and "frame-ancestors 'none'" in policy
    )
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert not re.search(r"<script(?![^>]*src=)|style=|\son\w+=", answer.text)


def test_over_https_the_cookie_is_secure_and_bound_to_the_host(
    people: None, portal_settings: Settings, run_portal: Callable[..., object]
) -> None:
    settings = portal_settings.model_copy(update={"portal_url": "https://portal.example"})
    run_portal(settings)
    page = httpx.get(f"http://{settings.bind}/login")
    assert "__Host-cihu_visit=" in page.headers["set-cookie"] and "Secure" in page.headers["set-cookie"]


@pytest.mark.parametrize(
    "address", ["//elsewhere.example", "https://elsewhere.example", "/\\elsewhere", "x", "/a\nb"]
)
def test_after_the_login_nobody_is_led_elsewhere(address: str) -> None:
    assert safe_next(address) == "/"


def test_hiding_an_announcement_leads_nobody_elsewhere_and_takes_no_endless_number(portal) -> None:
    client = portal.browser().client
    for referer, back in (("//evil.example/a", "/"), ("/catalogue", "/catalogue")):
        headers = {"Referer": f"{portal.url}{referer}"}
        hidden = client.post("/announcements/1/dismiss", headers=headers, follow_redirects=False)
        assert hidden.status_code == 303 and hidden.headers["location"] == back
    assert client.post(f"/announcements/{'1' * 5000}/dismiss").status_code == 404


def test_the_command_line_gets_two_tokens(portal) -> None:
    answer = httpx.post(
        f"{portal.url}/api/v1/login", json={"username": "chen", "password": "a long enough password"}
    )
    body = answer.json()
    assert answer.status_code == 200
    assert body["principal"]["organisation"] == "minsheng"
    assert {"vault_token", "portal_token", "expires_at"} <= body.keys()


def test_a_wrong_password_on_the_command_line_is_a_problem_document(portal) -> None:
    answer = httpx.post(f"{portal.url}/api/v1/login", json={"username": "chen", "password": "wrong"})
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "wrong_password"


def change(browser, **fields: str) -> httpx.Response:
    typed = {"password": PASSWORD, "new_password": NEW, "new_password_again": NEW} | fields
    return browser.send("/me/password", "/me/password", **typed)


def test_a_new_password_ends_every_login_and_opens_the_next(portal, database: Database) -> None:
    browser, elsewhere = portal.browser(), portal.browser()
    for one in (browser, elsewhere):
        one.log_in("chen")
    answer = change(browser)
    assert answer.status_code == 303 and answer.headers["location"].startswith("/login")
    assert "密码已修改" in browser.get(answer.headers["location"]).text
    assert browser.get("/me").status_code == elsewhere.get("/me").status_code == 303
    assert kinds(database)[-1] == "account.password_changed" and NEW not in str(kinds(database))
    assert portal.browser().log_in("chen").status_code == 401
    assert portal.browser().log_in("chen", NEW).status_code == 303


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"password": "not the password"}, "账号或密码不对"),
        ({"new_password_again": "another one, typed wrong"}, "两次输入的新密码不同"),
        ({"new_password": "short", "new_password_again": "short"}, "密码须为 8 至 256 个字符"),
        ({"new_password": "long" * 65, "new_password_again": "long" * 65}, "密码须为 8 至 256 个字符"),
    ],
)
def test_a_password_that_cannot_be_changed_so_says_why_and_stays(
    fields: dict[str, str], words: str, portal
) -> None:
    browser = portal.browser()
    browser.log_in("chen")
    answer = change(browser, **fields)
    assert answer.status_code == 422 and words in answer.text
    assert not any(value in answer.text for value in fields.values()), "no password is sent back"
    assert browser.get("/me").status_code == 200
    assert portal.browser().log_in("chen").status_code == 303


def test_a_password_is_not_guessed_at_an_open_session(portal) -> None:
    browser = portal.browser()
    browser.log_in("chen")
    for _ in range(5):
        assert change(browser, password="not the password").status_code == 422
    assert change(browser).status_code == 429


def test_a_password_is_not_kept_where_the_login_ended_meanwhile(portal, database: Database) -> None:
    browser = portal.browser()
    browser.log_in("chen")
    (token,) = set(re.findall(r'name="csrf" value="([^"]+)"', browser.get("/me/password").text))
    with database.transaction() as tx:
        tx.execute(update(sessions).values(expires_at=text("now() - interval '1 hour'")))
    typed = {"password": PASSWORD, "new_password": NEW, "new_password_again": NEW}
    answer = browser.client.post("/me/password", data={"csrf": token} | typed)
    assert answer.status_code in (303, 401, 403) and NEW not in answer.text and PASSWORD not in answer.text
