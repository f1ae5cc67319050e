"""The portal as OpenID provider, with authlib's own client against a running portal."""

import base64
import hashlib
import json
import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pyotp
import pytest
from authlib.integrations.httpx_client import OAuth2Client
from fastapi import FastAPI
from fastapi.testclient import TestClient
from joserfc import jwt
from joserfc.jwk import KeySet
from joserfc.jwt import JWTClaimsRegistry
from sqlalchemy import select, update

from marketplace.portal.sessions import hash_secret
from marketplace.portal.tables import authorization_codes, issued_tokens, sessions
from marketplace.settings import DEMO_HUB_SECRET
from sandbox.audit.tables import entries
from sandbox.database import Database
from sandbox.database.roles import VAULT as VAULT_ROLE
from sandbox.http import problem_details
from sandbox.http.authentication import claims_at
from sandbox.identity import (
    KERNEL,
    WORKSPACE,
    SecretBox,
    TokenIssuer,
    TokenVerifier,
    change_password,
    disable_account,
    set_roles,
)
from sandbox.identity.second_factors import confirm_totp, offer_totp
from sandbox.identity.tables import token_revocations, totp_factors
from sandbox.policy import Gate
from sandbox.standalone.postgres import Postgres
from sandbox.vault import kernel_tokens


class Hub:
    """A client as JupyterHub is one: it finds the provider by discovery, and uses PKCE."""

    def __init__(self, portal, *, secret: str = DEMO_HUB_SECRET, method: str = "client_secret_basic") -> None:
        self.portal = portal
        self.redirect = f"{portal.settings.hub_url}/hub/oauth_callback"
        self.metadata = httpx.get(f"{portal.url}/.well-known/openid-configuration").json()
        self.client = OAuth2Client(
            "cihu-hub",
            secret,
            scope="openid workspace",
            redirect_uri=self.redirect,
            code_challenge_method="S256",
            token_endpoint_auth_method=method,
        )
        self.verifier = secrets.token_urlsafe(48)
        self.nonce = secrets.token_urlsafe(16)

    def address(self, **changes: str | None) -> str:
        address, self.state = self.client.create_authorization_url(
            self.metadata["authorization_endpoint"], code_verifier=self.verifier, nonce=self.nonce
        )
        if not changes:
            return address
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        kept = {name: value for name, value in {**asked, **changes}.items() if value is not None}
        return f"{self.metadata['authorization_endpoint']}?{httpx.QueryParams(kept)}"

    def fetch(self, callback: str, verifier: str | None = None) -> dict:
        return self.client.fetch_token(
            self.metadata["token_endpoint"],
            authorization_response=callback,
            state=self.state,
            code_verifier=verifier or self.verifier,
        )


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
    JWTClaimsRegistry(
        iss={"essential": True, "value": portal.url},
        aud={"essential": True, "value": "cihu-hub"},
        nonce={"essential": True, "value": hub.nonce},
        exp={"essential": True},
    ).validate(claims)
    assert claims["sub"] == "wang" and claims["roles"] == ["analyst"] and claims["organisation"] == "hbpu"
    half = hashlib.sha512(tokens["access_token"].encode()).digest()[:32]
    assert claims["at_hash"] == base64.urlsafe_b64encode(half).rstrip(b"=").decode()

    access = TokenVerifier(database).verify(tokens["access_token"], audience=WORKSPACE)
    assert access.subject == "wang"
    who = httpx.get(
        hub.metadata["userinfo_endpoint"], headers={"Authorization": f"Bearer {tokens['access_token']}"}
    )
    assert who.json()["sub"] == "wang"


def test_the_hub_is_told_by_how_many_factors_somebody_logged_in(portal, database: Database) -> None:
    def told(browser) -> tuple[list[str], str]:
        hub = Hub(portal)
        keys = KeySet.import_key_set(httpx.get(hub.metadata["jwks_uri"]).json())
        answer = hub.fetch(callback(browser, hub))
        claims = jwt.decode(answer["id_token"], keys, algorithms=["EdDSA"]).claims
        return claims["amr"], claims["acr"]

    browser = portal.browser()
    browser.log_in("wang")
    assert told(browser) == (["pwd"], "urn:cihu:acr:one-factor")
    box = SecretBox(portal.settings.secret("second-factors.key"))
    with database.transaction() as tx:
        totp = pyotp.TOTP(offer_totp(tx, box, "wang"))
        confirm_totp(tx, box, "wang", totp.now())
        tx.execute(update(totp_factors).values(last_step=0))
    half = ask(browser, Hub(portal))
    assert half.status_code == 303 and half.headers["location"].startswith("/login/code?next=")
    silent = ask(browser, Hub(portal), prompt="none")
    assert "error=login_required" in silent.headers["location"]
    browser.send("/login/code", "/login/code", code=totp.now())
    assert told(browser) == (["pwd", "otp", "mfa"], "urn:cihu:acr:two-factors")


def test_a_person_logs_in_once_and_comes_back_to_the_hub(portal) -> None:
    browser, hub = portal.browser(), Hub(portal)
    to_login = ask(browser, hub)
    assert to_login.status_code == 303
    back = browser.send(
        to_login.headers["location"], "/login", account="wang", password="a long enough password"
    )
    code = browser.get(back.headers["location"])
    assert code.headers["location"].startswith(hub.redirect)
    assert "id_token" in hub.fetch(code.headers["location"])


def test_a_code_is_stored_as_a_hash_and_lives_sixty_seconds(portal, database: Database) -> None:
    browser, hub = portal.browser(), Hub(portal)
    browser.log_in("wang")
    before = datetime.now(UTC)
    code = parse_qs(urlsplit(callback(browser, hub)).query)["code"][0]
    after = datetime.now(UTC)
    with database.transaction() as tx:
        row = tx.execute(select(authorization_codes)).one()
    assert row.code_hash == hash_secret(code) and code not in str(row)
    assert before <= row.expires_at - timedelta(seconds=60) <= after


def test_an_old_code_is_refused(portal, database: Database) -> None:
    browser, hub = portal.browser(), Hub(portal)
    browser.log_in("wang")
    address = callback(browser, hub)
    with database.transaction() as tx:
        tx.execute(
            update(authorization_codes).values(
                expires_at=authorization_codes.c.expires_at - timedelta(seconds=61)
            )
        )
    with pytest.raises(Exception, match="invalid_grant"):
        hub.fetch(address)


def test_a_code_used_twice_is_refused_and_its_tokens_are_revoked(portal, database: Database) -> None:
    browser, hub = portal.browser(), Hub(portal)
    browser.log_in("wang")
    address = callback(browser, hub)
    tokens = hub.fetch(address)
    with pytest.raises(Exception, match="invalid_grant"):
        hub.fetch(address)
    with database.transaction() as tx:
        revoked = tx.execute(select(token_revocations)).one()
        assert revoked.token_id == tx.execute(select(issued_tokens.c.token_id)).scalar_one()
        assert any("code.reused" in entry for entry in tx.scalars(select(entries.c.entry)))
    who = httpx.get(
        hub.metadata["userinfo_endpoint"], headers={"Authorization": f"Bearer {tokens['access_token']}"}
    )
    assert who.status_code == 401


def test_of_two_exchanges_at_the_same_time_one_wins(portal) -> None:
    browser, hub = portal.browser(), Hub(portal)
    browser.log_in("wang")
    code = parse_qs(urlsplit(callback(browser, hub)).query)["code"][0]
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": hub.redirect,
        "code_verifier": hub.verifier,
    }

    def exchange(_: int) -> int:
        return httpx.post(
            hub.metadata["token_endpoint"], data=form, auth=("cihu-hub", DEMO_HUB_SECRET)
        ).status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(exchange, range(8)))
    assert sorted(statuses) == [200] + [400] * 7


def test_another_verifier_does_not_fit_the_challenge(portal) -> None:
    browser, hub = portal.browser(), Hub(portal)
    browser.log_in("wang")
    with pytest.raises(Exception, match="invalid_grant"):
        hub.fetch(callback(browser, hub), verifier=secrets.token_urlsafe(48))


@pytest.mark.parametrize(
    "changes",
    [
        {"code_challenge": None, "code_challenge_method": None},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": None},
    ],
)
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


@pytest.mark.parametrize("name", ["response_type", "redirect_uri"])
def test_what_an_oauth_error_cannot_quote_is_refused(portal, name: str) -> None:
    """Source: RFC 6749, section 4.1.2.1. authlib fails on it."""
    answer = ask(portal.browser(), Hub(portal), **{name: 'code"磁\\'})
    assert answer.status_code == 400 and answer.json()["error"] == "invalid_request", answer.text


@pytest.mark.parametrize("credentials", ["yf//", "not base64"])
def test_credentials_that_are_no_text_are_no_client(portal, credentials: str) -> None:
    headers = {"Authorization": f"Basic {credentials}"}
    form = {"grant_type": "authorization_code", "code": "x"}
    answer = portal.browser().client.post("/oauth/token", data=form, headers=headers)
    assert answer.status_code in {400, 401} and answer.json()["error"] == "invalid_client", answer.text
    assert portal.browser().get("/oauth/ended", headers=headers).status_code == 401


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
    tokens = httpx.post(
        f"{portal.url}/api/v1/login", json={"username": "wang", "password": "a long enough password"}
    ).json()
    answer = httpx.get(
        f"{portal.url}/oauth/userinfo", headers={"Authorization": f"Bearer {tokens['portal_token']}"}
    )
    assert answer.status_code == 401


@dataclass
class Workspace:
    """What wang's workspace holds once she came through the portal to the hub, and a kernel of hers."""

    browser: object
    hub: Hub
    address: str  # with the login code, used
    token: str
    vault_url: str
    kernels: TestClient
    kernel_token: str

    def opens(self) -> httpx.Response:
        return httpx.post(
            f"{self.vault_url}/v1/kernels",
            json={"kernel_id": secrets.token_hex(8)},
            headers={"Authorization": f"Bearer {self.token}"},
        )

    def renews(self) -> httpx.Response:
        return self.kernels.post(
            "/v1/kernels/renew", headers={"Authorization": f"Bearer {self.kernel_token}"}
        )

    def is_ended(self, code: str, status: int = 401) -> None:
        for answer in (self.opens(), self.renews()):
            assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


@pytest.fixture
def kernels(postgres: Postgres, database_name: str, city) -> Iterator[TestClient]:
    """The vault's renewals, with the vault's own role and key."""
    database = Database(postgres.url(user=VAULT_ROLE, database=database_name), pool_size=2)
    app = FastAPI()
    problem_details.install(app)
    issuer = TokenIssuer("vault", city.portal.settings.home / "keys" / "vault", database)
    app.include_router(
        kernel_tokens.renewing(
            database,
            issuer,
            gate=Gate(city.portal.settings.policies),
            kernel=claims_at(TokenVerifier(database), KERNEL),
        )
    )
    with TestClient(app) as client:
        yield client
    database.close()


@pytest.fixture
def enter(city, kernels: TestClient) -> Callable[[], Workspace]:
    """Log wang in at the portal, come to the hub, open a kernel: all good so far."""

    def enter() -> Workspace:
        browser, hub = city.portal.browser(), Hub(city.portal)
        assert browser.log_in("wang").status_code == 303
        address = callback(browser, hub)
        token = hub.fetch(address)["access_token"]
        workspace = Workspace(browser, hub, address, token, city.vault_url, kernels, "")
        opened = workspace.opens()
        assert opened.status_code == 200, opened.text
        workspace.kernel_token = opened.json()["token"]
        # what is renewed still knows where it came from
        workspace.kernel_token = workspace.renews().json()["token"]
        return workspace

    return enter


def test_a_code_used_twice_ends_the_workspace_at_the_vault(enter: Callable[[], Workspace]) -> None:
    stolen, other = enter(), enter()
    with pytest.raises(Exception, match="invalid_grant"):
        stolen.hub.fetch(stolen.address)
    stolen.is_ended("token_revoked")
    assert (other.opens().status_code, other.renews().status_code) == (200, 200)


def test_logging_out_ends_every_workspace_and_every_code_that_was_not_used(
    enter: Callable[[], Workspace],
) -> None:
    here, elsewhere = enter(), enter()
    unused = callback(here.browser, hub := Hub(here.hub.portal))
    here.browser.send("/", "/logout")
    here.is_ended("token_revoked")
    with pytest.raises(Exception, match="invalid_grant"):
        hub.fetch(unused)  # a code from before the logout gives nothing after it
    elsewhere.is_ended("token_revoked")
    assert elsewhere.browser.get("/me").status_code == 303
    assert enter().renews().status_code == 200


def test_another_password_ends_every_workspace_and_session_and_a_new_login_is_good(
    enter: Callable[[], Workspace], database: Database
) -> None:
    workspaces = [enter(), enter()]
    with database.transaction() as tx:
        change_password(tx, account_id="wang", password="a long enough password", by="wang")
    for workspace in workspaces:
        workspace.is_ended("token_revoked")
        assert workspace.browser.get("/me").status_code == 303
    again = enter()
    assert (again.opens().status_code, again.browser.get("/me").status_code) == (200, 200)


def test_a_disabled_account_has_no_workspace(enter: Callable[[], Workspace], database: Database) -> None:
    workspace = enter()
    with database.transaction() as tx:
        disable_account(tx, account_id="wang", by="he")
    workspace.is_ended("token_revoked")
    assert workspace.browser.get("/me").status_code == 303


def test_who_is_no_analyst_any_more_renews_nothing(
    enter: Callable[[], Workspace], database: Database
) -> None:
    workspace = enter()
    with database.transaction() as tx:
        set_roles(tx, account_id="wang", roles=["buyer"], by="he")
    for answer in (workspace.opens(), workspace.renews()):
        assert answer.status_code == 403, answer.text


@pytest.mark.parametrize("wish", [{"prompt": "login"}, {"max_age": "0"}])
def test_a_wished_new_login_is_asked_for_until_it_is_made_and_once(portal, wish: dict[str, str]) -> None:
    """Coming back without it leads to the form again; the ID token says when the login was (`auth_time`)."""
    browser, hub = portal.browser(), Hub(portal)
    browser.log_in("wang")
    (before,) = browser.get("/api/v1/sessions").json()["sessions"]
    first = ask(browser, hub, **wish).headers["location"]
    back = parse_qs(urlsplit(first).query)["next"][0]
    assert browser.get(first).status_code == 200, "the form is shown to who is logged in"
    for evasion in (back, f"{back}0", back.replace("cihu_login_after=", "cihu_login_after=1")):
        assert browser.get(evasion).headers["location"].startswith("/login")
    done = browser.send(first, "/login", account="wang", password="a long enough password")
    assert done.status_code == 303 and done.headers["location"] == back
    answer = browser.get(back)
    assert "code=" in answer.headers["location"], answer.headers["location"]
    token = hub.fetch(answer.headers["location"])["id_token"]
    said = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    after = next(
        one for one in browser.get("/api/v1/sessions").json()["sessions"] if one["kind"] == "browser"
    )
    assert said["auth_time"] == int(datetime.fromisoformat(after["opened_at"]).timestamp())
    assert after["id"] != before["id"]


def test_max_age_is_measured_from_the_login(portal, database: Database) -> None:
    browser, hub = portal.browser(), Hub(portal)
    browser.log_in("wang")
    assert "code=" in ask(browser, hub, max_age="100").headers["location"]
    with database.transaction() as tx:
        tx.execute(update(sessions).values(opened_at=sessions.c.opened_at - timedelta(seconds=101)))
    assert ask(browser, Hub(portal), max_age="100").headers["location"].startswith("/login?again=1")
    assert (
        "error=login_required" in ask(browser, Hub(portal), max_age="100", prompt="none").headers["location"]
    )
    assert "code=" in ask(browser, Hub(portal), max_age="200").headers["location"]
    assert "error=invalid_request" in ask(browser, Hub(portal), max_age="soon").headers["location"]


def test_the_hub_ends_a_login_with_its_token_and_hears_of_every_end(portal, database: Database) -> None:
    """RFC 7009; a line for each revocation, as soon as it is committed; for the hub alone."""
    browser, hub = portal.browser(), Hub(portal)
    browser.log_in("wang")
    token = hub.fetch(callback(browser, hub))["access_token"]
    revoke, ended = hub.metadata["revocation_endpoint"], f"{portal.url}/oauth/ended"
    for nobody in (None, ("cihu-hub", "not it"), ("other", DEMO_HUB_SECRET)):
        assert httpx.post(revoke, data={"token": token}, auth=nobody).status_code == 401
        assert httpx.get(ended, auth=nobody).status_code == 401
    client = ("cihu-hub", DEMO_HUB_SECRET)
    with httpx.stream("GET", ended, auth=client, timeout=120) as listening:
        lines = listening.iter_lines()
        assert next(lines) == "*"
        with database.engine.connect() as connection:  # what is not committed is not told
            change_password(connection, account_id="lin", password="a long enough password", by="lin")
            connection.rollback()
        assert httpx.post(revoke, data={"token": "no token at all"}, auth=client).status_code == 200
        assert httpx.post(revoke, data={"token": token}, auth=client).status_code == 200
        with database.transaction() as tx:
            disable_account(tx, account_id="chen", by="he")
        assert [next(line for line in lines if line) for _ in range(2)] == ["wang", "chen"]
    assert browser.get("/me").status_code == 303
    assert (
        httpx.get(f"{portal.url}/oauth/userinfo", headers={"Authorization": f"Bearer {token}"}).status_code
        == 401
    )
