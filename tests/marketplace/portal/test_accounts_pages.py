"""Accounts by pages and by the API: second factors at the login, invitations, people by CSV, and who may
do which."""

import html
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pyotp
import pytest
from sqlalchemy import text

from sandbox.database import Database
from sandbox.identity import PORTAL, TokenIssuer, create_account
from wrong_codes import wrong_code

PASSWORD = "a long enough password"


@pytest.fixture
def api(portal, database: Database) -> Callable[..., Any]:
    """Ask the portal's API as somebody: `api("he", "GET", "/people")`."""
    issuer = TokenIssuer("portal", portal.settings.keys, database)
    client = portal.browser().client

    def ask(who: str, method: str, path: str, **more: Any) -> Any:
        token = issuer.issue(who, audience=PORTAL, lifetime_seconds=900)
        return client.request(method, f"/api/v1{path}", headers={"Authorization": f"Bearer {token}"}, **more)

    return ask


def with_codes(api: Callable[..., Any], who: str, database: Database) -> tuple[pyotp.TOTP, list[str]]:
    totp = pyotp.TOTP(api(who, "POST", "/me/one-time-codes").json()["secret"])
    recovery = api(who, "POST", "/me/one-time-codes/confirm", json={"code": totp.now()}).json()
    with database.transaction() as tx:
        tx.execute(text("UPDATE identity.totp_factors SET last_step = 0"))
    return totp, recovery["recovery_codes"]


def test_registering_again_is_no_way_around_a_second_factor(portal, api, database) -> None:
    """The second of two clicks logs in whom the first one made: as any login does."""
    with_codes(api, "wang", database)
    browser = portal.browser()
    fields = {"name": "企业", "credit_code": "91350100M000100Y43", "account": "wang", "person": "王"}
    asked = browser.send("/register", "/register", **fields, password=PASSWORD)
    assert asked.status_code == 200 and 'action="/login/code"' in asked.text
    assert browser.get("/me").headers["location"].startswith("/login/code")
    weak = browser.send("/register", "/register", **fields | {"account": "gao"}, password="gao-gao-gao")
    assert weak.status_code == 422 and "密码中含有账号名" in weak.text


def test_a_login_with_a_code_is_two_steps_and_half_of_one_opens_nothing(portal, api, database) -> None:
    totp, recovery = with_codes(api, "wang", database)
    browser = portal.browser()
    asked = browser.log_in("wang", next="/datasets")
    assert asked.status_code == 200 and 'action="/login/code"' in asked.text
    for page in (
        "/me",
        "/",
        "/datasets",
        "/products",
        "/log",
        "/demands",
        "/me/security",
        "/oauth/authorize?client_id=cihu-hub",
        "/people",
    ):
        refused = browser.get(page)
        assert refused.status_code == 303 and refused.headers["location"].startswith("/login/code"), page
    assert browser.get("/api/v1/sessions").status_code == 401
    half = browser.client.cookies["cihu_session"]
    assert browser.send("/login/code", "/login/code", code=wrong_code(totp)).status_code == 422
    code = totp.now()  # sent twice below: the next one might begin meanwhile
    done = browser.send("/login/code?next=/datasets", "/login/code", code=code)
    assert done.status_code == 303 and done.headers["location"] == "/datasets"
    assert browser.client.cookies["cihu_session"] != half
    assert browser.get("/me").status_code == 200
    program = {"username": "wang", "password": PASSWORD}
    assert browser.client.post("/api/v1/login", json=program).json()["code"] == "second_factor_needed"
    again = browser.client.post("/api/v1/login", json=program | {"code": code})
    assert again.status_code == 401, "the code was used"
    assert browser.client.post("/api/v1/login", json=program | {"code": recovery[0]}).status_code == 200


def test_who_must_have_a_second_factor_can_only_add_one(portal, database: Database) -> None:
    with database.transaction() as tx:
        create_account(
            tx,
            account_id="guan",
            display_name="关",
            organisation="operator",
            roles=["security_administrator"],
            password=PASSWORD,
            by="test",
        )
    browser = portal.browser()
    assert browser.log_in("guan").headers["location"].startswith("/me/security")
    for page in ("/me", "/people", "/me/data"):
        assert browser.get(page).headers["location"].startswith("/me/security")
    login = {"username": "guan", "password": PASSWORD}
    assert browser.client.post("/api/v1/login", json=login).json()["code"] == "second_factor_required"
    offered = browser.send("/me/security", "/me/security/totp")
    assert "<svg" in offered.text and "style=" not in offered.text
    secret = re.findall(r"<code translate=\"no\">([A-Z2-7]{32})</code>", offered.text)[0]
    token = re.findall(r'name="csrf" value="([^"]+)"', offered.text)[0]
    done = browser.client.post(
        "/me/security/totp/confirm", data={"csrf": token, "code": pyotp.TOTP(secret).now()}
    )
    assert len(re.findall(r"(?:[a-z2-9]{4}-){3}[a-z2-9]{4}", done.text)) == 10
    assert browser.get("/people").headers["location"].startswith("/login/code"), "this login had one factor"


def test_an_old_login_changes_no_factor(portal, database: Database) -> None:
    browser = portal.browser()
    browser.log_in("wang")
    assert browser.get("/me/security").status_code == 200
    with database.transaction() as tx:
        tx.execute(text("UPDATE market.sessions SET opened_at = opened_at - interval '16 minutes'"))
    assert browser.get("/me/security").headers["location"] == "/login?again=1&next=%2Fme%2Fsecurity"
    token = re.findall(r'name="csrf" value="([^"]+)"', browser.get("/me").text)[0]
    refused = browser.client.post("/api/v1/me/one-time-codes", headers={"X-CSRF-Token": token})
    assert refused.json()["code"] == "login_too_old"
    for other in ("Basic d2FuZzp4", "x", "Digest y"):
        headers = {"X-CSRF-Token": token, "Authorization": other}
        refused = browser.client.post("/api/v1/me/one-time-codes", headers=headers)
        assert refused.json()["code"] == "login_too_old", other


def test_an_invited_person_chooses_name_and_password_and_the_link_is_over(portal, api) -> None:
    he = portal.browser()
    he.log_in("he")
    page = he.send(
        "/people",
        "/people",
        account="qian",
        name="钱",
        organisation="hbpu",
        roles="analyst",
        teams="cihu-lake",
    )
    link = html.unescape(re.findall(r">(http[^<]+/invitations\?link=[^<]+)<", page.text)[0])
    assert link not in he.get("/people").text
    at = urlsplit(link)
    guest = portal.browser()
    typed = {"name": "钱江", "new_password": "words of my own", "new_password_again": "words of my own"}
    refused = guest.send(f"{at.path}?{at.query}", "/invitations", **typed | {"new_password": "other"})
    assert refused.status_code == 422 and "钱江" in refused.text
    done = guest.send(f"{at.path}?{at.query}", "/invitations", **typed)
    assert done.status_code == 303
    assert guest.get(f"{at.path}?{at.query}").status_code == 404
    assert guest.log_in("qian", "words of my own").status_code == 303
    assert "钱江" in guest.get("/me").text
    assert api("he", "GET", "/people/qian").json()["teams"] == ["cihu-lake"]
    for deed, field, state in (("disable", {"reason": "离职"}, "disabled"), ("enable", {}, "invited")):
        he.send("/people/qian", "/people/qian", deed=deed, **field)
        assert api("he", "GET", "/people/qian").json()["status"] == state
    assert guest.get("/me").status_code == 303


def test_all_faults_of_a_file_are_told_at_once_and_nobody_is_invited(portal, api) -> None:
    good = "account,name,organisation,roles,teams\nqian,钱,hbpu,analyst,cihu-lake\n"
    bad = (
        good
        + "wang,王,hbpu,,\nSun1,孙,hbpu,,\nli2,李,nowhere,,\nzhou2,周,hbpu,king,\nwu,,hbpu,,\na,b,c,d,e,f\n"
    )
    refused = api("he", "POST", "/people/file", json={"csv": bad})
    assert refused.status_code == 422 and refused.json()["code"] == "people_file_faults"
    for line in ("3: ", "4: ", "5: ", "6: ", "7: ", "8: "):
        assert line in refused.json()["detail"], refused.json()["detail"]
    assert api("he", "GET", "/people/qian").status_code == 404
    assert len(api("he", "POST", "/people/file", json={"csv": "\ufeff" + good}).json()["invitations"]) == 1
    for none in ("", "a,b\n1,2\n", "account,name,organisation\n"):
        assert api("he", "POST", "/people/file", json={"csv": none}).status_code == 422
    browser = portal.browser()
    browser.log_in("he")
    token = re.findall(r'name="csrf" value="([^"]+)"', browser.get("/people").text)[0]
    table = "account,name,organisation,roles,teams\nshi,石头,hbpu,analyst,\n"

    def send(encoding: str) -> Any:
        file = {"file": ("people.csv", table.encode(encoding))}
        return browser.client.post("/people/file", data={"csrf": token}, files=file)

    refused = send("gb18030")
    assert refused.status_code == 422 and "UTF-8" in refused.text
    sent = send("utf-8-sig")
    assert sent.status_code == 200 and "/invitations?link=" in sent.text
    assert api("he", "GET", "/people/shi").json()["name"] == "石头"


PEOPLE_DEEDS = [
    ("GET", "/people", {}),
    ("POST", "/people", {"account": "neu", "name": "新", "organisation": "hbpu"}),
    ("POST", "/people/li/link", {}),
    ("PUT", "/people/li/roles", {"roles": ["analyst"]}),
    ("POST", "/people/li/unlock", {}),
    ("POST", "/people/zhao/disable", {"reason": "x"}),
    ("POST", "/teams", {"id": "new-team", "name": "新队"}),
    ("POST", "/organisations", {"id": "new-org", "name": "新单位"}),
    ("POST", "/teams/cihu-lake/members", {"account": "chen"}),
]


def test_who_may_look_after_people(portal, api, database: Database) -> None:
    with database.transaction() as tx:
        for name, role in (("xi", "system"), ("an", "security"), ("shen", "audit")):
            create_account(
                tx,
                account_id=name,
                display_name=name,
                organisation="operator",
                roles=[f"{role}_administrator"],
                by="test",
            )
    for who in ("wang", "lin", "chen", "xu", "shen"):
        assert {api(who, method, path, json=body).status_code for method, path, body in PEOPLE_DEEDS} == {403}
    system = [api("xi", method, path, json=body).status_code for method, path, body in PEOPLE_DEEDS]
    assert [status < 300 for status in system] == [True, True, True, False, False, True, True, True, True]
    security = [api("an", method, path, json=body).status_code for method, path, body in PEOPLE_DEEDS]
    assert [status < 300 for status in security] == [True, False, False, True, True, *[False] * 4]
    assert api("he", "PUT", "/people/he/roles", json={"roles": ["officer"]}).status_code == 403
    both = {
        "account": "he2",
        "name": "x",
        "organisation": "hbpu",
        "roles": ["audit_administrator", "officer"],
    }
    assert api("he", "POST", "/people", json=both).json()["code"] == "roles_not_separate"


def test_one_sees_all_that_is_held_about_oneself_and_no_secret(portal, api, database) -> None:
    totp, _ = with_codes(api, "wang", database)
    held = api("wang", "GET", "/me/export").json()
    assert held["identity"]["teams"][0]["team"] == "cihu-lake"
    assert held["identity"]["one_time_codes"] and len(held["identity"]["recovery_codes"]) == 10
    assert totp.secret not in str(held) and "argon2" not in str(held)
    browser = portal.browser()
    browser.log_in("chen")
    assert browser.get("/me/data").json()["identity"]["account"]["id"] == "chen"


def test_pages_are_whole_in_both_languages(portal) -> None:
    browser = portal.browser()
    browser.log_in("he")
    for language in ("zh", "en"):
        browser.client.cookies.set("cihu_language", language)
        for page in ("/me", "/me/security", "/people", "/people/wang"):
            shown = browser.get(page)
            assert shown.status_code == 200 and "role." not in shown.text, (page, language)


def test_a_stale_login_form_with_a_field_that_is_no_text_is_refused_in_words(portal) -> None:
    part = b'--x\r\nContent-Disposition: form-data; name="account"\r\n\r\n+2AA-\r\n--x--\r\n'
    assert b"+2AA-".decode("utf-7") == "\ud800"
    kind = {"Content-Type": "multipart/form-data; boundary=x; charset=utf-7"}
    refused = portal.browser().client.post("/login", content=part, headers=kind)
    assert refused.status_code == 403


def test_tokens_are_listed_with_their_last_use_and_ended_one_by_one_or_all(
    portal, database: Database
) -> None:
    browser = portal.browser()
    browser.log_in("wang")
    program = {"username": "wang", "password": PASSWORD}
    tokens = [portal.browser().client.post("/api/v1/login", json=program).json() for _ in range(3)]

    def status(token: dict[str, str]) -> int:
        headers = {"Authorization": f"Bearer {token['portal_token']}"}
        return int(portal.browser().client.get("/api/v1/sessions", headers=headers).status_code)

    assert {status(each) for each in tokens} == {200}
    with database.transaction() as tx:
        assert tx.exec_driver_sql("SELECT count(*) FROM identity.login_uses").scalar() == 3
    page = browser.get("/me").text
    assert page.count('action="/me/tokens/') == 4 and not any(one["portal_token"] in page for one in tokens)
    one = page.split('action="/me/tokens/')[1].split("/end")[0]
    assert browser.send("/me", f"/me/tokens/{one}/end").headers["location"] == "/me#tokens"
    assert sorted(status(each) for each in tokens) == [200, 200, 401]
    browser.send("/me", "/me/tokens/end")
    assert {status(each) for each in tokens} == {401} and browser.get("/me").status_code == 200
