"""Attacks on the log-in through an identity provider.

Sources: RFC 9700 (OAuth 2.0 Security Best Current Practice), OpenID Connect Core 1.0, RFC 8725 (JSON Web
Token Best Current Practices), RFC 9207, OpenID Connect Back-Channel Logout 1.0. Most attacks are made twice:
with the defence, and without it, where they succeed.
"""

import base64
import hmac
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pyotp
import pytest

from city_logins import LOGOUT, CityBrowser, CityLogins, hidden
from marketplace.portal.city_login import client, tokens
from marketplace.portal.city_login.providers import is_safe_for, provider_of
from marketplace.portal.city_login.refusals import CityLoginRefused
from marketplace.portal.city_login.remote import Remote
from marketplace.portal.city_login.started import Started
from marketplace.portal.pages import login_steps
from sandbox.identity import SecretBox, disable_account, enable_account, give_code
from sandbox.identity.second_factors import confirm_totp, offer_totp

OLD = 10_000  # seconds


def asked(address: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(address).query))


def encoded(value: bytes) -> bytes:
    return base64.urlsafe_b64encode(value).rstrip(b"=")


def hand_made(claims: dict[str, Any], *, algorithm: str, secret: bytes = b"") -> str:
    """A token that nobody signed, or one whose signature is an HMAC: joserfc itself makes neither."""
    header = {"alg": algorithm, "kid": "first"}
    text = b".".join(encoded(json.dumps(part).encode()) for part in (header, claims))
    signature = hmac.digest(secret, text, "sha256") if secret else b""
    return (text + b"." + encoded(signature)).decode()


@pytest.fixture(scope="module")
def victim(city_logins: CityLogins) -> str:
    """An account that the identity of the same name opens."""
    return city_logins.connected()[0]


def no_check(*_: object, **__: object) -> None:
    """Instead of a defence."""


FORGED: dict[str, tuple[str, Callable[[int], dict[str, object]]]] = {
    # OpenID Connect Core 1.0, section 3.1.3.7, points 2, 3, 4 and 5, 9, 10, 11, 13
    "another issuer": ("check_issuer", lambda _: {"iss": "https://other.example"}),
    "another audience": ("check_audience", lambda _: {"aud": "another-client"}),
    "a second audience": ("check_audience", lambda _: {"aud": ["cihu-there", "another-client"]}),
    "another authorized party": ("check_audience", lambda _: {"azp": "another-client"}),
    "expired": ("check_times", lambda now: {"exp": now - OLD}),
    "of the future": ("check_times", lambda now: {"iat": now + OLD}),
    "without an end": ("check_times", lambda _: {"exp": None}),
    "another nonce": ("check_nonce", lambda _: {"nonce": "that of another browser"}),
    "without a nonce": ("check_nonce", lambda _: {"nonce": None}),
    "logged in long ago": ("check_age", lambda now: {"auth_time": now - 100 * OLD}),
}


@pytest.mark.parametrize("how", FORGED)
def test_a_token_that_is_not_for_this_log_in(
    city_logins: CityLogins, victim: str, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    defence, claims = FORGED[how]
    browser = city_logins.browser()
    browser.from_rogue(browser.begin("rogue"), victim, **claims(int(time.time())))
    assert browser.account() == ""
    monkeypatch.setattr(tokens, defence, no_check)
    browser.from_rogue(browser.begin("rogue"), victim, **claims(int(time.time())))
    assert browser.account() == victim, "without the defence the attack succeeds"


HOSTILE: dict[str, dict[str, object]] = {
    "a text that is none": {"sub": "\ud800"},
    "a nonce that is none": {"nonce": "\ud800"},
    "a person of numbers": {"sub": 7},
    "an empty person": {"sub": ""},
    "a very long person": {"sub": "a" * 256},
    "a session of lists": {"sid": []},
    "a moment beyond the calendar": {"auth_time": 2**39},
    "a moment of text": {"auth_time": "now"},
    "no moment": {"auth_time": None},
    "an audience of numbers": {"aud": 3},
    "methods that are none": {"amr": [{}], "sub": ""},
}


@pytest.mark.parametrize("how", HOSTILE)
def test_claims_that_are_none_are_refused_in_words(city_logins: CityLogins, how: str) -> None:
    browser = city_logins.browser()
    refused = browser.from_rogue(browser.begin("rogue"), "somebody", **HOSTILE[how])
    assert "refused=city_provider_fault" in refused.headers["location"]


def come_back(browser: CityBrowser, address: str, token: str) -> httpx.Response:
    """With a token that the attacker made."""
    rogue = browser.city.rogue
    rogue.answer = {"access_token": "opaque", "token_type": "Bearer", "id_token": token}
    return browser.back("rogue", code="any", state=asked(address)["state"], iss=rogue.issuer)


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_a_token_whose_algorithm_the_attacker_chose(
    city_logins: CityLogins, victim: str, algorithm: str
) -> None:
    """RFC 8725, section 2.1: no signature, or the public key as a shared secret."""
    rogue, browser = city_logins.rogue, city_logins.browser()
    address = browser.begin("rogue")
    claims = rogue.claims(victim, asked(address)["nonce"])
    secret = rogue.key.as_pem(private=False) if algorithm == "HS256" else b""
    token = hand_made(claims, algorithm=algorithm, secret=secret)
    come_back(browser, address, token)
    assert browser.account() == ""


def test_a_token_of_another_kind(city_logins: CityLogins, victim: str) -> None:
    """RFC 8725, section 3.11: an access token, or a logout token, is no ID token."""
    rogue, browser = city_logins.rogue, city_logins.browser()
    for kind in ("at+jwt", "logout+jwt"):
        address = browser.begin("rogue")
        token = rogue.signed(rogue.claims(victim, asked(address)["nonce"]), typ=kind)
        come_back(browser, address, token)
        assert browser.account() == ""


def test_a_signature_by_another_key(city_logins: CityLogins, victim: str) -> None:
    """OpenID Connect Core 1.0, section 3.1.3.7, point 6."""
    rogue, browser = city_logins.rogue, city_logins.browser()
    address = browser.begin("rogue")
    other = type(rogue.key).generate_key("P-256", {"kid": "first"})
    come_back(browser, address, rogue.signed(rogue.claims(victim, asked(address)["nonce"]), key=other))
    assert browser.account() == ""


def test_mix_up(city_logins: CityLogins, victim: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 9700, section 4.4, and RFC 9207: the browser began at one provider and comes back with the answer
    of another, so that the code is sent to the wrong one. Each has an address of its own, too."""
    rogue, browser = city_logins.rogue, city_logins.browser()
    state = asked(browser.begin("rogue"))["state"]
    sent = len(rogue.exchanged)
    for issuer in ("https://honest.example", ""):
        state = asked(browser.begin("rogue"))["state"]
        query = {"code": "of the honest provider", "state": state}
        browser.back("rogue", **query, **({"iss": issuer} if issuer else {}))
    elsewhere = asked(browser.begin("rogue"))["state"]
    browser.back("city", code="a code", state=elsewhere, iss=rogue.issuer)
    assert len(rogue.exchanged) == sent, "no code went anywhere"
    monkeypatch.setattr(client, "check_answerer", no_check)
    state = asked(browser.begin("rogue"))["state"]
    browser.back("rogue", code="of the honest provider", state=state, iss="https://honest.example")
    assert rogue.exchanged[-1]["code"] == "of the honest provider", "without the defence the code is stolen"


def test_an_answer_is_good_once(
    city_logins: CityLogins, victim: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RFC 9700, section 4.2.4: whoever has the address, and the cookie, of a log-in cannot use it again."""
    rogue, browser, thief = city_logins.rogue, city_logins.browser(), city_logins.browser()
    address = browser.begin("rogue")
    cookie = browser.client.cookies["cihu_city_login"]
    browser.from_rogue(address, victim)
    assert browser.account() == victim
    query = {"code": "any", "state": asked(address)["state"], "iss": rogue.issuer}
    thief.client.cookies.set("cihu_city_login", cookie)
    thief.back("rogue", **query)
    assert thief.account() == ""
    monkeypatch.setattr(client, "use_state", no_check)
    thief.client.cookies.set("cihu_city_login", cookie)
    thief.back("rogue", **query)
    assert thief.account() == victim, "without the defence the attack succeeds"


def test_login_csrf(city_logins: CityLogins, victim: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 9700, section 4.7: the attacker stops with the answer to their own log-in, and makes somebody
    else's browser open it."""
    attacker, other = city_logins.browser(), city_logins.browser()
    address = attacker.begin("rogue")
    token_for = attacker.city.rogue
    token = token_for.signed(token_for.claims(victim, asked(address)["nonce"]))
    come_back(other, address, token)
    assert other.account() == ""
    other.begin("rogue")  # one of its own has begun
    come_back(other, address, token)
    assert other.account() == ""
    monkeypatch.setattr(Started, "answers", lambda *_: True)
    monkeypatch.setattr(tokens, "check_nonce", no_check)
    other.begin("rogue")
    come_back(other, address, token)
    assert other.account() == victim, "without the defences the attack succeeds"


def test_a_code_of_another_browser(city_logins: CityLogins) -> None:
    """RFC 9700, section 2.1.1: each exchange has the verifier of this browser alone (PKCE, S256)."""
    rogue, browser = city_logins.rogue, city_logins.browser()
    challenges, verifiers = set(), set()
    for _ in range(2):
        address = browser.begin("rogue")
        assert asked(address)["code_challenge_method"] == "S256"
        challenges.add(asked(address)["code_challenge"])
        browser.from_rogue(address, "somebody of PKCE")
        verifiers.add(rogue.exchanged[-1]["code_verifier"])
    assert len(challenges) == len(verifiers) == 2


def test_begun_by_another_site(city_logins: CityLogins) -> None:
    browser = city_logins.browser()
    answer = browser.client.get("/login/city/rogue", headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403


@pytest.mark.parametrize(
    "path", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:a"]
)
def test_open_redirect(city_logins: CityLogins, victim: str, path: str) -> None:
    """RFC 9700, section 4.11.1."""
    browser = city_logins.browser()
    address = browser.client.get("/login/city/rogue", params={"next": path}).headers["location"]
    assert browser.from_rogue(address, victim).headers["location"] == "/"


def test_an_email_is_nobody(city_logins: CityLogins) -> None:
    """OpenID Connect Core 1.0, section 5.7: only `sub` with `iss` names a person. An address, a name, or a
    number that equals an officer's opens nothing of theirs."""
    officer, browser = city_logins.account("officer"), city_logins.browser()
    said = {"email": f"{officer}@city.example", "preferred_username": officer, "employee": officer}
    browser.from_rogue(browser.begin("rogue"), "a liar", **said, email_verified=False)
    assert browser.account() not in ("", officer)
    assert browser.get("/api/v1/me/export").json()["identity"]["roles"] == []


def test_a_sub_is_given_to_somebody_else(
    city_logins: CityLogins, victim: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OpenID Connect Core 1.0, section 2: a `sub` is never reassigned. Where a provider does it, the claim
    that names the person tells."""
    browser = city_logins.browser()
    browser.from_rogue(browser.begin("rogue"), victim, employee="another person")
    assert browser.account() == ""
    monkeypatch.setattr(client, "text_of", lambda *_: victim)
    browser.from_rogue(browser.begin("rogue"), victim, employee="another person")
    assert browser.account() == victim, "without the defence the attack succeeds"


def test_userinfo_of_somebody_else(city_logins: CityLogins) -> None:
    """OpenID Connect Core 1.0, section 5.3.2: token substitution."""
    browser = city_logins.browser()
    city_logins.rogue.info = {"sub": "another", "employee": "another", "name": "another"}
    browser.from_rogue(browser.begin("rogue"), "somebody of userinfo", employee=None)
    assert browser.account() == ""


def test_an_identity_that_a_disabled_account_had(city_logins: CityLogins) -> None:
    """A connection ends with its account, and does not come back with it."""
    account, browser = city_logins.connected()

    with city_logins.database.transaction() as tx:
        disable_account(tx, account_id=account, by="test")
    browser.from_rogue(browser.begin("rogue"), account)
    assert browser.account() == ""
    with city_logins.database.transaction() as tx:
        enable_account(tx, account_id=account, by="test")
    browser.from_rogue(browser.begin("rogue"), account)
    assert browser.account() == ""


def test_connecting_ones_identity_to_anothers_account(city_logins: CityLogins, victim: str) -> None:
    """RFC 9700, section 4.7, for the page Security: the answer to a connection that the attacker began opens
    in the victim's session and connects nothing."""
    attacker_account, attacker = city_logins.connected()
    [(subject,)] = city_logins.rows(
        "DELETE FROM market.city_identities WHERE account = :a RETURNING subject", a=attacker_account
    )
    page = attacker.send("/me/security", "/me/security/city/rogue")
    address = attacker.link_of(page)
    other = city_logins.account()
    tricked = city_logins.browser()
    tricked.log_in(other)
    tricked.client.cookies.set("cihu_city_login", attacker.client.cookies["cihu_city_login"])
    refused = tricked.from_rogue(address, subject)
    assert refused.headers["location"] == "/me/security?refused=city_login_expired"
    assert not city_logins.rows("SELECT 1 FROM market.city_identities WHERE account = :a", a=other)


def logged_in(city_logins: CityLogins, victim: str) -> CityBrowser:
    browser = city_logins.browser()
    browser.from_rogue(browser.begin("rogue"), victim)
    assert browser.account() == victim
    return browser


def send(city_logins: CityLogins, token: str) -> int:
    answer = city_logins.browser().client.post("/login/city/rogue/logout", data={"logout_token": token})
    assert answer.headers["cache-control"] == "no-store"
    if answer.status_code == 400:  # strangers are told nothing of what exactly was wrong
        assert answer.json()["error_description"] == "The logout token is not accepted."
    return answer.status_code


def test_a_logout_token_is_good_once(city_logins: CityLogins, victim: str) -> None:
    """Back-Channel Logout 1.0, section 2.6, point 8: replayed, it would end every later session."""
    rogue, browser = city_logins.rogue, logged_in(city_logins, victim)
    token = rogue.logout_token(sub=victim)
    assert send(city_logins, token) == 200
    assert browser.account() == ""
    later = logged_in_later(city_logins, victim)
    assert send(city_logins, token) == 400
    assert later.account() == victim
    assert send(city_logins, rogue.logout_token(sub=victim)) == 200, "another one, and it ends"
    assert later.account() == ""


def logged_in_later(city_logins: CityLogins, victim: str) -> CityBrowser:
    """A log-in that the provider vouches for after it ended the one before."""
    browser, later = city_logins.browser(), int(time.time()) + 1
    browser.from_rogue(browser.begin("rogue"), victim, iat=later)
    return browser


WRONG_LOGOUTS: dict[str, dict[str, object]] = {
    # Back-Channel Logout 1.0, section 2.6, points 3 to 7
    "another issuer": {"iss": "https://other.example"},
    "another client": {"aud": "another-client"},
    "expired": {"exp": 1},
    "an ID token": {"events": None, "nonce": "n"},
    "with a nonce": {"nonce": "n"},
    "of nobody": {"sub": None},
    "without jti": {"jti": None},
    "of long ago": {"iat": 1},
}


@pytest.mark.parametrize("how", WRONG_LOGOUTS)
def test_a_logout_token_that_is_none(city_logins: CityLogins, victim: str, how: str) -> None:
    token = city_logins.rogue.logout_token(**{"sub": victim, **WRONG_LOGOUTS[how]})
    assert send(city_logins, token) == 400


def test_a_logout_token_whose_jti_is_null(city_logins: CityLogins, victim: str) -> None:
    """Section 2.4: `jti` is required."""
    now, rogue = int(time.time()), city_logins.rogue
    claims = {"iss": rogue.issuer, "aud": "cihu-there", "iat": now, "exp": now + 60, "sub": victim}
    claims |= {"jti": None, "events": {LOGOUT: {}}}
    assert send(city_logins, rogue.signed(claims, typ="logout+jwt")) == 400


def test_made_up_tokens_that_come_at_once_make_one_look_for_keys(city_logins: CityLogins) -> None:
    """Whoever sends logout tokens with names of keys that are not there, many at once, makes the portal ask
    the provider no oftener than one does."""
    rogue = city_logins.rogue
    provider = provider_of(
        {
            "id": "rogue",
            "name": {"zh": "", "en": ""},
            "issuer": rogue.issuer,
            "client_id": "cihu-there",
            "secret_file": ".",
        },
        city_logins.settings.home,
    )
    remote, at_once = Remote(provider), Barrier(6)
    header = {"alg": "ES256", "kid": "first"}
    assert remote.key_for(header).kid == "first"
    before = rogue.asked_for_keys

    def ask(number: int) -> None:
        at_once.wait()
        with pytest.raises(CityLoginRefused):
            remote.key_for({"alg": "ES256", "kid": f"made up {number}"})

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(ask, range(6)))
    assert rogue.asked_for_keys == before + 1
    assert remote.key_for(header).kid == "first", "the keys that are there are found"
    remote.close()


def test_a_provider_on_https_names_nothing_in_the_clear() -> None:
    """OpenID Connect Discovery 1.0, section 7.2: what its metadata names is on TLS, too."""
    assert not is_safe_for("https://city.example", "http://127.0.0.1:9/token")
    assert not is_safe_for("https://city.example", "http://city.example/token")
    assert is_safe_for("https://city.example", "https://other.example/token")
    assert is_safe_for("http://127.0.0.1:9", "http://127.0.0.1:9/token")


def test_a_logout_between_the_first_step_and_the_second(
    city_logins: CityLogins, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The provider ends its session at the moment at which the code is checked: the new session would live on
    with nothing that ends it."""
    account, _ = city_logins.connected()
    box, rogue, browser = (
        SecretBox(city_logins.settings.secret("second-factors.key")),
        city_logins.rogue,
        city_logins.browser(),
    )
    with city_logins.database.transaction() as tx:
        totp = pyotp.TOTP(offer_totp(tx, box, account))
        confirm_totp(tx, box, account, totp.now())
    asked_code = browser.from_rogue(browser.begin("rogue"), account)

    def ended_meanwhile(*args: Any, **more: Any) -> Any:
        assert send(city_logins, rogue.logout_token(sub=account)) == 200
        return give_code(*args, **more)

    monkeypatch.setattr(login_steps, "give_code", ended_meanwhile)
    code = {**hidden(asked_code.text, "/login/code"), "code": totp.at(time.time() + 30)}
    assert browser.client.post("/login/code", data=code).status_code in (303, 401)
    assert browser.account() == ""
    left = "SELECT 1 FROM market.sessions WHERE account = :a AND methods LIKE 'fed%'"
    assert city_logins.rows(left, a=account) == []


def test_a_logout_of_a_session_that_was_never_named(city_logins: CityLogins) -> None:
    """Back-Channel Logout 1.0, section 2.4: a token may name person and session. Of a session here without
    `sid` the provider may mean that one."""
    account, _ = city_logins.connected()
    rogue, browser = city_logins.rogue, city_logins.browser()
    browser.from_rogue(browser.begin("rogue"), account, sid=None)
    assert browser.account() == account
    assert send(city_logins, rogue.logout_token(sub=account, sid="some session")) == 200
    assert browser.account() == ""


def test_a_new_log_in_is_new_also_by_a_clock_that_is_behind(city_logins: CityLogins) -> None:
    """Else whoever asked for a new log-in (`prompt=login`) would ask for ever."""
    account, _ = city_logins.connected()
    browser, begun = city_logins.browser(), datetime.now(UTC)
    address = browser.begin("rogue", "&again=1")
    browser.from_rogue(address, account, auth_time=int(time.time()) - 30)
    assert browser.account() == account
    [(proved,)] = city_logins.rows(
        "SELECT max(proved_at) FROM market.sessions WHERE account = :a AND methods LIKE 'fed%'", a=account
    )
    assert proved >= begun


def test_a_logout_that_comes_before_the_log_in_is_done(city_logins: CityLogins) -> None:
    """The provider ends its session while the browser is still on its way back."""
    account, _ = city_logins.connected()
    rogue, browser = city_logins.rogue, city_logins.browser()
    address = browser.begin("rogue")
    assert send(city_logins, rogue.logout_token(sid=f"at {account}")) == 200
    browser.from_rogue(address, account, iat=int(time.time()) - 30)
    assert browser.account() == ""


def test_a_logout_of_one_session_leaves_the_others(city_logins: CityLogins) -> None:
    account, _ = city_logins.connected()
    rogue, first, second = city_logins.rogue, city_logins.browser(), city_logins.browser()
    first.from_rogue(first.begin("rogue"), account, sid="first")
    second.from_rogue(second.begin("rogue"), account, sid="second")
    assert send(city_logins, rogue.logout_token(sub=account, sid="first")) == 200
    assert first.account() == ""
    assert second.account() == account
