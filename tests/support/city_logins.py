"""A portal with three identity providers: a certified one from npm, one in the hands of the test, which signs
whatever it is told to, and one that is not there. One of each a session."""

import json
import re
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest
from joserfc import jws
from joserfc.jwk import ECKey, Key
from pydantic import SecretStr
from sqlalchemy import create_engine, text
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from marketplace.app import create_app
from marketplace.settings import REPOSITORY, Settings
from sandbox.database import Database
from sandbox.free_ports import free_port
from sandbox.identity import create_account
from sandbox.standalone.people import add_people
from sandbox.standalone.postgres import Postgres
from served_app import served_app

PASSWORD = "a long enough password"
SECRET = "the secret of the portal at a provider, long enough"
FOLDER = REPOSITORY / "requirements" / "oidc-provider"
SCRIPT = Path(__file__).with_name("city_provider.mjs")
MFA = "urn:city:two-factors"
LOGOUT = "http://schemas.openid.net/event/backchannel-logout"
PROVIDERS = """
providers:
  - id: city
    name: {{zh: 统一身份认证平台, en: City identity}}
    issuer: {city}
    client_id: cihu
    secret_file: city.secret
    claims: {{person: employee, organisation: department}}
    join_invited: true
    second_factor: {{acr: ["urn:city:two-factors"], amr: [mfa]}}
  - id: rogue
    name: {{zh: 另一平台, en: Another provider}}
    issuer: {rogue}
    client_id: cihu-there
    secret_file: city.secret
    client_authentication: client_secret_post
    claims: {{person: employee}}
    create: {{organisation: market}}
  - id: away
    name: {{zh: 停用的平台, en: Provider that is away}}
    issuer: http://127.0.0.1:{away}
    client_id: cihu
    secret_file: city.secret
"""


@dataclass
class Rogue:
    """A provider that does what the test says. `answer`: what its token endpoint answers next."""

    issuer: str = ""
    key: Key = field(default_factory=lambda: ECKey.generate_key("P-256", {"kid": "first"}))
    answer: dict[str, Any] = field(default_factory=dict)
    info: dict[str, Any] = field(default_factory=dict)
    exchanged: list[dict[str, str]] = field(default_factory=list)
    asked_for_keys: int = 0

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self.metadata),
                Route("/keys", self.keys),
                Route("/token", self.token, methods=["POST"]),
                Route("/userinfo", self.userinfo),
            ]
        )

    def metadata(self, _: Request) -> JSONResponse:
        paths = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
        addresses = {name: f"{self.issuer}/{path}" for name, path in paths.items()}
        return JSONResponse(
            {
                "issuer": self.issuer,
                **addresses,
                "userinfo_endpoint": f"{self.issuer}/userinfo",
                "authorization_response_iss_parameter_supported": True,
            }
        )

    def keys(self, _: Request) -> JSONResponse:
        self.asked_for_keys += 1
        return JSONResponse({"keys": [self.key.as_dict(private=False)]})

    async def token(self, request: Request) -> JSONResponse:
        form = await request.form()
        self.exchanged.append({name: str(value) for name, value in form.items()})
        return JSONResponse(self.answer)

    def userinfo(self, _: Request) -> JSONResponse:
        return JSONResponse(self.info)

    def claims(self, subject: str, answered: str, /, **other: object) -> dict[str, Any]:
        """Good ones, unless `other` says otherwise; None takes a claim away."""
        now = int(time.time())
        good = {
            "iss": self.issuer,
            "aud": "cihu-there",
            "sub": subject,
            "nonce": answered,
            "iat": now,
            "exp": now + 300,
            "auth_time": now,
            "sid": f"at {subject}",
            "name": "赵 Zhao",
            "employee": subject,
        }
        return {name: value for name, value in {**good, **other}.items() if value is not None}

    def signed(self, claims: dict[str, Any], *, key: Key | None = None, **header: object) -> str:
        key = key or self.key
        head = {"alg": "ES256", "kid": key.kid, **header}
        # as ASCII: so that a test may send a text that is none
        return jws.serialize_compact(head, json.dumps(claims).encode(), key, algorithms=[str(head["alg"])])

    def logout_token(self, **other: object) -> str:
        now = int(time.time())
        good = {"iss": self.issuer, "aud": "cihu-there", "iat": now, "exp": now + 120}
        good |= {"jti": secrets.token_hex(8), "events": {LOGOUT: {}}}
        claims = {name: value for name, value in {**good, **other}.items() if value is not None}
        return self.signed(claims, typ="logout+jwt")


class CityBrowser:
    """A person's browser at the portal and at its providers."""

    def __init__(self, city: "CityLogins", language: str = "en") -> None:
        self.city = city
        self.client = httpx.Client(
            base_url=city.url, timeout=60, headers={"Accept-Language": language}, follow_redirects=False
        )

    def get(self, address: str) -> httpx.Response:
        return self.client.get(address)

    def send(self, page: str, action: str, **fields: str) -> httpx.Response:
        """Open a page, and send the form on it that goes to `action`."""
        shown = self.get(page)
        return self.client.post(action, data={**hidden(shown.text, action), **fields})

    def log_in(self, account: str, **more: str) -> httpx.Response:
        return self.send("/login", "/login", account=account, password=PASSWORD, **more)

    def begin(self, provider: str, more: str = "") -> str:
        """The address at the provider where the portal sends the browser."""
        answer = self.get(f"/login/city/{provider}?next=/me/sessions{more}")
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    def link_of(self, answer: httpx.Response) -> str:
        """The address of the page that leads on to a provider."""
        assert answer.status_code == 200, answer.text
        found = re.search(r'<a class="button" href="(http[^"]+)"', answer.text)
        assert found, answer.text
        return unescape(found[1])

    def at_city(self, address: str, person: str, *, second: bool = False) -> httpx.Response:
        """Log in at the certified provider; gives the portal's answer. With a session there already, it asks
        for nothing."""
        answer = self.client.get(address)
        while not answer.headers.get("location", "").startswith(self.city.url):
            if answer.status_code == 200:
                form = re.search(r'action="([^"]+)"', answer.text)
                assert form, answer.text
                entered = {"person": person, "second": "yes" if second else ""}
                answer = self.client.post(str(answer.url.join(form[1])), data=entered)
            else:
                assert answer.is_redirect, answer.text
                answer = self.client.get(str(answer.url.join(answer.headers["location"])))
        return self.client.get(answer.headers["location"])

    def from_rogue(self, address: str, subject: str, **claims: object) -> httpx.Response:
        """Come back from the provider in the test's hands with these claims; gives the portal's answer."""
        asked, rogue = dict(parse_qsl(urlsplit(address).query)), self.city.rogue
        token = rogue.signed(rogue.claims(subject, asked["nonce"], **claims))
        rogue.answer = {"access_token": "opaque", "token_type": "Bearer", "id_token": token}
        return self.back("rogue", code="any", state=asked["state"], iss=rogue.issuer)

    def back(self, provider: str, **query: str) -> httpx.Response:
        return self.get(f"/login/city/{provider}/back?{urlencode(query)}")

    def account(self) -> str:
        """Who is logged in; "" for nobody."""
        answer = self.get("/api/v1/me/export")
        return str(answer.json()["identity"]["account"]["id"]) if answer.status_code == 200 else ""


def hidden(page: str, action: str) -> dict[str, str]:
    """The hidden fields of the form on a page that goes to `action`."""
    forms = re.findall(r"<form\b[^>]*>.*?</form>", page, re.DOTALL)
    form = next((form for form in forms if f'action="{action}"' in form), None)
    assert form is not None, f"no form to {action} among {re.findall('action=[^ >]*', page)}"
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form)
    return {name: unescape(value) for name, value in found}


@dataclass
class CityLogins:
    """The portal, and what is around it. `database`: as its owner."""

    url: str
    database: Database
    rogue: Rogue
    settings: Settings
    made: int = 0

    def browser(self, language: str = "en") -> CityBrowser:
        return CityBrowser(self, language)

    def account(self, *roles: str, password: bool = True) -> str:
        """A new account."""
        self.made += 1
        account = f"city-{self.made}"
        with self.database.transaction() as tx:
            create_account(
                tx,
                account_id=account,
                display_name=account,
                organisation="health",
                roles=roles,
                password=PASSWORD if password else None,
                by="test",
            )
        return account

    def connected(self, *roles: str) -> tuple[str, CityBrowser]:
        """A new account that the identity of the same name at the provider of the test opens, and its
        browser, logged in by password."""
        account, browser = self.account(*roles), self.browser()
        assert browser.log_in(account).status_code == 303
        page = browser.send("/me/security", "/me/security/city/rogue")
        assert browser.from_rogue(browser.link_of(page), account).headers["location"] == "/me/security"
        return account, browser

    def rows(self, statement: str, **values: object) -> list[Any]:
        with self.database.transaction() as tx:
            return list(tx.execute(text(statement), values).all())


@contextmanager
def certified(port: int, portal: str) -> Iterator[str]:
    """The certified provider; gives its issuer."""
    node = shutil.which("node") or str(REPOSITORY / ".venv" / "bin" / "node")
    settings = json.dumps({"port": port, "secret": SECRET, "portal": portal})
    process = subprocess.Popen([node, SCRIPT, FOLDER, settings], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


@pytest.fixture(scope="session")
def city_logins(
    postgres: Postgres, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[CityLogins]:
    home, port = tmp_path_factory.mktemp("city_logins"), free_port()
    url = f"http://127.0.0.1:{port}"
    shutil.copytree(REPOSITORY / "policies", home / "policies")
    (home / "city.secret").write_text(f"{SECRET}\n")
    engine = create_engine(postgres.url(database="postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE city_logins TEMPLATE {template} STRATEGY FILE_COPY"))
    engine.dispose()
    owner, rogue = Database(postgres.url(database="city_logins")), Rogue()
    with owner.transaction() as tx:
        add_people(tx, password=PASSWORD)
    with served_app(rogue.app()) as rogue.issuer, certified(free_port(), url) as city:
        text_of = PROVIDERS.format(city=city, rogue=rogue.issuer, away=free_port())
        (home / "policies" / "identity_providers.yaml").write_text(text_of, "utf-8")
        settings = Settings(
            home=home,
            database_url=postgres.url(user="cihu_portal", database="city_logins"),
            portal_url=url,
            bind=f"127.0.0.1:{port}",
            policies=home / "policies",
            vault_url=f"http://127.0.0.1:{free_port()}",
            hub_url=f"http://127.0.0.1:{free_port()}",
            s3_endpoint=f"127.0.0.1:{free_port()}",
            s3_access_key="nobody",
            s3_secret_key=SecretStr("nothing"),
        )
        with served_app(create_app(settings), port=port):
            yield CityLogins(url, owner, rogue, settings)
    owner.close()
