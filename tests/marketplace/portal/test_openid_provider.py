"""The portal as OpenID provider, with authlib's own client against a running portal."""

import base64
import hashlib
import secrets
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from authlib.integrations.httpx_client import OAuth2Client
from joserfc import jwt
from joserfc.jwk import KeySet
from joserfc.jwt import JWTClaimsRegistry
from sqlalchemy import select, update

from marketplace.portal.sessions import hash_secret
from marketplace.portal.tables import authorization_codes, issued_tokens
from marketplace.settings import DEMO_HUB_SECRET
from sandbox.audit.tables import entries
from sandbox.database import Database
from sandbox.identity import WORKSPACE, TokenVerifier, disable_account


class Hub:
    """A client as JupyterHub is one: it finds the provider by discovery, and uses PKCE."""

    def __init__(self, portal, *, secret: str = DEMO_HUB_SECRET, method: str = "client_secret_basic") -> None:
        self.portal = portal
        self.redirect = f"{portal.settings.hub_url}/hub/oauth_callback"
        self.metadata = httpx.get(f"{portal.url}/.well-known/openid-configuration").json()
        self.client = OAuth2Client("cihu-hub", secret, scope="openid workspace", redirect_uri=self.redirect,
                                   code_challenge_method="S256", token_endpoint_auth_method=method)
        self.verifier = secrets.token_urlsafe(48)
        self.nonce = secrets.token_urlsafe(16)

    def address(self, **changes: str | None) -> str:
        address, self.state = self.client.create_authorization_url(
            self.metadata["authorization_endpoint"], code_verifier=self.verifier, nonce=self.nonce)
        if not changes:
            return address
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        kept = {name: value for name, value in {**asked, **changes}.items() if value is not None}
        return f"{self.metadata['authorization_endpoint']}?{httpx.QueryParams(kept)}"

    def fetch(self, callback: str, verifier: str | None = None) -> dict:
        return self.client.fetch_token(self.metadata["token_endpoint"], authorization_response=callback,
                                       state=self.state, code_verifier=verifier or self.verifier)


def ask(browser, hub: Hub, **changes: str | None) -> httpx.Response:
    return browser.client.get(hub.address(**changes))


def callback(browser, hub: Hub) -> str:
    answer = ask(browser, hub)
    assert answer.status_code == 302, answer.text
    return answer.headers["location"]


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_who_is_logged_in_at_the_portal_is_known_to_the_hub(portal, database: Database, method: str) -> None:
    browser, hub = portal.browser(), Hub(portal, method=method)
    browser.log_in("wang")
    tokens = hub.fetch(callback(browser, hub))

    keys = KeySet.import_key_set(httpx.get(hub.metadata["jwks_uri"]).json())
    claims = jwt.decode(tokens["id_token"], keys, algorithms=["EdDSA"]).claims
    JWTClaimsRegistry(iss={"essential": True, "value": portal.url}, aud={"essential": True, "value": "cihu-hub"},
                      nonce={"essential": True, "value": hub.nonce}, exp={"essential": True}).validate(claims)
    assert claims["sub"] == "wang" and claims["roles"] == ["analyst"] and claims["organisation"] == "hbpu"
    half = hashlib.sha512(tokens["access_token"].encode()).digest()[:32]
    assert claims["at_hash"] == base64.urlsafe_b64encode(half).rstrip(b"=").decode()

    access = TokenVerifier(database).verify(tokens["access_token"], audience=WORKSPACE)
    assert access.subject == "wang"
    who = httpx.get(hub.metadata["userinfo_endpoint"], headers={"Authorization": f"Bearer {tokens['access_token']}"})
    assert who.json()["sub"] == "wang"


def test_a_person_logs_in_once_and_comes_back_to_the_hub(portal) -> None:
    browser, hub = portal.browser(), Hub(portal)
    to_login = ask(browser, hub)
    assert to_login.status_code == 303
    back = browser.send(to_login.headers["location"], "/login", account="wang", password="a long enough password")
    code = browser.get(back.headers["location"])
    assert code.headers["location"].startswith(hub.redirect)
    assert "id_token" in hub.fetch(code.headers["location"])


def test_a_code_is_stored_as_a_hash_and_lives_sixty_seconds(portal, database: Database) -> None:
    browser, hub = portal.browser(), Hub(portal)
    browser.log_in("wang")
    code = parse_qs(urlsplit(callback(browser, hub)).query)["code"][0]
    with database.transaction() as tx:
        row = tx.execute(select(authorization_codes)).one()
    assert row.code_hash == hash_secret(code) and code not in str(row)
    assert row.expires_at - row.authenticated_at <= timedelta(seconds=61)


def test_an_old_code_is_refused(portal, database: Database) -> None:
    browser, hub = portal.browser(), Hub(portal)
    browser.log_in("wang")
    address = callback(browser, hub)
    with database.transaction() as tx:
        tx.execute(update(authorization_codes).values(expires_at=authorization_codes.c.expires_at - timedelta(seconds=61)))
    with pytest.raises(Exception, match="invalid_grant"):
        hub.fetch(address)


def test_a_code_used_twice_is_refused_and_its_tokens_are_suspect(portal, database: Database) -> None:
    browser, hub = portal.browser(), Hub(portal)
    browser.log_in("wang")
    address = callback(browser, hub)
    tokens = hub.fetch(address)
    with pytest.raises(Exception, match="invalid_grant"):
        hub.fetch(address)
    with database.transaction() as tx:
        assert tx.execute(select(issued_tokens.c.refused_at)).scalar_one() is not None
        assert any("code.reused" in entry for entry in tx.scalars(select(entries.c.entry)))
    who = httpx.get(hub.metadata["userinfo_endpoint"], headers={"Authorization": f"Bearer {tokens['access_token']}"})
    assert who.status_code == 401


def test_of_two_exchanges_at_the_same_time_one_wins(portal) -> None:
    browser, hub = portal.browser(), Hub(portal)
    browser.log_in("wang")
    code = parse_qs(urlsplit(callback(browser, hub)).query)["code"][0]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": hub.redirect, "code_verifier": hub.verifier}

    def exchange(_: int) -> int:
        return httpx.post(hub.metadata["token_endpoint"], data=form, auth=("cihu-hub", DEMO_HUB_SECRET)).status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(exchange, range(8)))
    assert sorted(statuses) == [200] + [400] * 7


def test_another_verifier_does_not_fit_the_challenge(portal) -> None:
    browser, hub = portal.browser(), Hub(portal)
    browser.log_in("wang")
    with pytest.raises(Exception, match="invalid_grant"):
        hub.fetch(callback(browser, hub), verifier=secrets.token_urlsafe(48))


@pytest.mark.parametrize("changes", [{"code_challenge": None, "code_challenge_method": None},
                                     {"code_challenge_method": "plain"}, {"code_challenge_method": None}])
def test_without_an_s256_challenge_there_is_no_code(portal, changes: dict) -> None:
    browser, hub = portal.browser(), Hub(portal)
    browser.log_in("wang")
    answer = ask(browser, hub, **changes)
    told = parse_qs(urlsplit(answer.headers["location"]).query)
    assert told["error"] == ["invalid_request"] and "code" not in told


@pytest.mark.parametrize("end", ["/more", "?x=1", "#x", "/../oauth_callback"])
def test_a_redirect_address_must_be_the_very_one(portal, end: str) -> None:
    browser, hub = portal.browser(), Hub(portal)
    browser.log_in("wang")
    answer = ask(browser, hub, redirect_uri=hub.redirect + end)
    assert answer.status_code == 400 and "location" not in answer.headers


def test_without_a_redirect_address_there_is_no_code(portal) -> None:
    browser, hub = portal.browser(), Hub(portal)
    browser.log_in("wang")
    assert ask(browser, hub, redirect_uri=None).status_code == 400


def test_an_unknown_client_gets_nothing(portal) -> None:
    browser, hub = portal.browser(), Hub(portal)
    browser.log_in("wang")
    answer = ask(browser, hub, client_id="another")
    assert answer.status_code == 400 and "location" not in answer.headers


def test_a_wrong_client_secret_gets_nothing(portal) -> None:
    browser, hub = portal.browser(), Hub(portal, secret="wrong")
    browser.log_in("wang")
    with pytest.raises(Exception, match="invalid_client"):
        hub.fetch(callback(browser, hub))


def test_a_nonce_is_taken_once(portal) -> None:
    browser, hub = portal.browser(), Hub(portal)
    browser.log_in("wang")
    callback(browser, hub)
    assert "error=invalid_request" in ask(browser, hub).headers["location"]


def test_who_may_have_no_workspace_gets_no_code(portal) -> None:
    browser, hub = portal.browser(), Hub(portal)
    browser.log_in("chen")
    assert "error=access_denied" in ask(browser, hub).headers["location"]


def test_prompt_none_without_a_session_says_login_required(portal) -> None:
    assert "error=login_required" in ask(portal.browser(), Hub(portal), prompt="none").headers["location"]


def test_prompt_login_asks_for_the_password_again(portal) -> None:
    browser, hub = portal.browser(), Hub(portal)
    browser.log_in("wang")
    assert ask(browser, hub, prompt="login").headers["location"].startswith("/login")


def test_a_disabled_account_gets_no_token_for_its_code(portal, database: Database) -> None:
    browser, hub = portal.browser(), Hub(portal)
    browser.log_in("wang")
    address = callback(browser, hub)
    with database.transaction() as tx:
        disable_account(tx, account_id="wang", by="he")
    with pytest.raises(Exception, match="invalid_grant"):
        hub.fetch(address)


def test_the_portals_own_token_is_no_access_token(portal) -> None:
    tokens = httpx.post(f"{portal.url}/api/v1/login", json={"username": "wang", "password": "a long enough password"}).json()
    answer = httpx.get(f"{portal.url}/oauth/userinfo", headers={"Authorization": f"Bearer {tokens['portal_token']}"})
    assert answer.status_code == 401
