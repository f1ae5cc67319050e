"""A running portal for the tests: real Postgres, the portal's own role, a real server on a free port."""

import html
import re
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, Self

import httpx
import pytest
import uvicorn
from pydantic import SecretStr
from sqlalchemy import create_engine, text

from described_api import held_against
from held_versions import open_held
from marketplace.app import create_app
from marketplace.settings import REPOSITORY, Settings
from sandbox.database import Database
from sandbox.free_ports import free_port
from sandbox.identity import PORTAL, VAULT, TokenIssuer, create_account, create_organisation
from sandbox.policy import Gate
from sandbox.standalone.people import add_people
from sandbox.standalone.postgres import Postgres
from sandbox.standalone.s3 import S3Server
from sandbox.vault.app import create_vault
from sandbox.vault.settings import Settings as VaultSettings
from selling import Market
from story import POLICY, PROCESSES, rows_csv

PASSWORD = "a long enough password"
shared = count(1)  # cities that the tests of a file share


@pytest.fixture(scope="session")
def peopled(postgres: Postgres, template: str) -> str:
    """The template of a database with people in it."""
    run(postgres, f"CREATE DATABASE peopled TEMPLATE {template}")
    owner = Database(postgres.url(database="peopled"), pool_size=1)
    found_people(owner)
    owner.close()
    return "peopled"


@pytest.fixture
def copied(request: pytest.FixtureRequest, template: str) -> str:
    """A test of a city gets a copy of the one that was founded; one of a portal alone, a copy with people."""
    if "city" in request.fixturenames:
        request.getfixturevalue("founded")
        return "founded"
    return str(request.getfixturevalue("peopled")) if "people" in request.fixturenames else template


@pytest.fixture
def people(database_name: str) -> None:
    """The people of the demo city, in a database without datasets."""


def found_people(database: Database) -> None:
    """The people of the demo city, and the buyer of a second company, all with the same password."""
    with database.transaction() as tx:
        add_people(tx, password=PASSWORD)
        create_organisation(tx, organisation_id="rival", display_name="另一家公司", by="test")
        create_account(
            tx,
            account_id="sun",
            display_name="孙 Sun",
            organisation="rival",
            roles=["buyer"],
            password=PASSWORD,
            by="test",
        )


def run(postgres: Postgres, statement: str) -> None:
    engine = create_engine(postgres.url(database="postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


@dataclass
class Served:
    """An ASGI application on a real port."""

    app: object
    port: int
    server: uvicorn.Server = field(init=False)
    thread: threading.Thread = field(init=False)

    def __enter__(self) -> Self:
        started = threading.Event()
        config = uvicorn.Config(self.app, host="127.0.0.1", port=self.port, log_config=None, access_log=False)  # type: ignore[arg-type]
        self.server = uvicorn.Server(config)
        startup = self.server.startup

        async def startup_and_tell(sockets: list[socket.socket] | None = None) -> None:
            await startup(sockets)
            started.set()

        self.server.startup = startup_and_tell  # type: ignore[method-assign]
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        assert started.wait(120)
        return self

    def __exit__(self, *_: object) -> None:
        self.server.should_exit = True
        self.thread.join(120)


@dataclass(frozen=True)
class Portal:
    """A running portal and how to reach it."""

    url: str
    settings: Settings

    def browser(self) -> "Browser":
        client = httpx.Client(
            base_url=self.url, follow_redirects=False, timeout=120, event_hooks=held_against("portal")
        )
        return Browser(client, self)


@dataclass(frozen=True)
class Browser:
    """A person's browser: keeps cookies, fills in the hidden fields of forms."""

    client: httpx.Client
    portal: Portal

    def get(self, address: str, **more: object) -> httpx.Response:
        return self.client.get(address, **more)  # type: ignore[arg-type]

    def send(self, page: str, address: str, **fields: str) -> httpx.Response:
        """Open a page, and send the form on it that goes to `address`."""
        shown = self.get(page)
        assert shown.status_code == 200, shown.text
        return self.client.post(address, data={**hidden_fields(shown.text, address), **fields})

    def log_in(self, account: str, password: str = PASSWORD, **more: str) -> httpx.Response:
        return self.send("/login", "/login", account=account, password=password, **more)


def hidden_fields(page: str, address: str) -> dict[str, str]:
    """The hidden fields of the form on a page whose action is `address`."""
    forms = re.findall(r"<form\b[^>]*>.*?</form>", page, re.DOTALL)
    form = next((form for form in forms if re.search(rf'action="{re.escape(address)}"', form)), None)
    assert form is not None, f"no form to {address} among {re.findall('action=[^ >]*', page)}"
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form)
    return {name: html.unescape(value) for name, value in found}


@pytest.fixture
def portal_settings(postgres: Postgres, database_name: str, tmp_path: Path) -> Settings:
    """Settings of a portal whose vault and bucket are not there."""
    port = free_port()
    return Settings(
        home=tmp_path,
        database_url=postgres.url(user="cihu_portal", database=database_name),
        portal_url=f"http://127.0.0.1:{port}",
        bind=f"127.0.0.1:{port}",
        policies=REPOSITORY / "policies",
        vault_url=f"http://127.0.0.1:{free_port()}",
        hub_url=f"http://127.0.0.1:{free_port()}",
        s3_endpoint=f"127.0.0.1:{free_port()}",
        s3_access_key="nobody",
        s3_secret_key=SecretStr("nothing"),
    )


@pytest.fixture
def run_portal() -> Iterator[Callable[[Settings], Portal]]:
    """Start a portal on settings; all are stopped after the test."""
    running: list[Served] = []

    def run(settings: Settings) -> Portal:
        running.append(Served(create_app(settings), settings.address[1]).__enter__())
        return Portal(settings.portal_url, settings)

    yield run
    for served in running:
        served.__exit__()


@pytest.fixture
def portal(people: None, portal_settings: Settings, run_portal: Callable[[Settings], Portal]) -> Portal:
    return run_portal(portal_settings)


@pytest.fixture(scope="module")
def market(postgres: Postgres, peopled: str) -> Iterator[Market]:
    """A market without vault and bucket, for all tests of a file: each sells a product of its own."""
    name = f"market_{next(shared)}"
    run(postgres, f"CREATE DATABASE {name} TEMPLATE {peopled} STRATEGY FILE_COPY")
    owner = Database(postgres.url(database=name))
    yield Market(owner, postgres.url(user="cihu_portal", database=name), Gate(REPOSITORY / "policies"))
    owner.close()
    run(postgres, f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def running_city(postgres: Postgres, s3: S3Server, name: str, home: Path) -> Iterator["City"]:
    """A portal and a vault on the database `name`, with their keys in `home`."""
    vault_port, port, hub_port = free_port(), free_port(), free_port()
    vault = VaultSettings(
        home=home,
        database_url=SecretStr(postgres.url(user="cihu_vault", database=name)),
        s3_endpoint=s3.endpoint,
        s3_access_key=s3.vault.access_key,
        s3_secret_key=SecretStr(s3.vault.secret_key),
        raw_bucket=s3.raw_bucket,
        product_bucket=s3.product_bucket,
        bind=f"127.0.0.1:{vault_port}",
    )
    portal = Settings(
        home=home,
        database_url=postgres.url(user="cihu_portal", database=name),
        bind=f"127.0.0.1:{port}",
        portal_url=f"http://127.0.0.1:{port}",
        hub_url=f"http://127.0.0.1:{hub_port}",
        vault_url=f"http://127.0.0.1:{vault_port}",
        policies=REPOSITORY / "policies",
        s3_endpoint=s3.endpoint,
        s3_access_key=s3.portal.access_key,
        s3_secret_key=SecretStr(s3.portal.secret_key),
        product_bucket=s3.product_bucket,
    )
    owner = Database(postgres.url(database=name), pool_size=2)
    with Served(create_vault(vault, PROCESSES).app, vault_port), Served(create_app(portal), port):
        yield City(Portal(portal.portal_url, portal), vault.bind, TokenIssuer("portal", portal.keys, owner))
    owner.close()


@pytest.fixture(scope="session")
def founded(postgres: Postgres, peopled: str, s3: S3Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Found the city once, through its own doors: people, and two datasets published, inspections
    (open) and visits (of persons). The database `founded` is the template of each test's city; this gives
    the home with its keys."""
    home = tmp_path_factory.mktemp("founded")
    run(postgres, f"CREATE DATABASE founded TEMPLATE {peopled}")
    with running_city(postgres, s3, "founded", home) as city:
        city.publish("zhou", INSPECTIONS_POLICY, INSPECTIONS)
        city.publish("lin", POLICY, rows_csv())
    run(postgres, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'founded'")
    return home


@pytest.fixture
def city(
    postgres: Postgres, s3: S3Server, database_name: str, founded: Path, tmp_path: Path
) -> Iterator["City"]:
    """A portal with its vault, founded; `database` in the same test is its database."""
    home = tmp_path / "home"
    shutil.copytree(founded, home)  # its own: the log remembers there what it signed
    with running_city(postgres, s3, database_name, home) as city:
        yield city


@pytest.fixture(scope="module")
def shared_database(postgres: Postgres, founded: Path) -> Iterator[Database]:
    """As its owner, the database of the city that all tests of a file share."""
    name = f"shared_{next(shared)}"
    run(postgres, f"CREATE DATABASE {name} TEMPLATE founded STRATEGY FILE_COPY")
    opened = Database(postgres.url(database=name))
    yield opened
    opened.close()
    run(postgres, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def shared_city(
    postgres: Postgres,
    s3: S3Server,
    shared_database: Database,
    founded: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator["City"]:
    """A portal with its vault, founded, for all tests of a file: each keeps to what it made itself."""
    home = tmp_path_factory.mktemp("shared") / "home"
    shutil.copytree(founded, home)
    name = str(shared_database.engine.url.database)
    with running_city(postgres, s3, name, home) as city:
        yield city


@dataclass(frozen=True)
class City:
    """A running portal and vault, and the people at them."""

    portal: Portal
    vault_address: str
    issuer: TokenIssuer

    @property
    def vault_url(self) -> str:
        return f"http://{self.vault_address}"

    def bearer(self, who: str, audience: str) -> dict[str, str]:
        """What `POST /api/v1/login` would give, without the password, whose hashing is slow on purpose."""
        return {"Authorization": f"Bearer {self.issuer.issue(who, audience=audience, lifetime_seconds=900)}"}

    def api(self, who: str) -> httpx.Client:
        """The portal's JSON API, as somebody."""
        return httpx.Client(
            base_url=f"{self.portal.url}/api/v1",
            timeout=60,
            headers=self.bearer(who, PORTAL),
            event_hooks=held_against("portal"),
        )

    def vault(self, who: str) -> httpx.Client:
        return httpx.Client(
            base_url=f"{self.vault_url}/v1",
            timeout=60,
            headers=self.bearer(who, VAULT),
            event_hooks=held_against("vault"),
        )

    def publish(self, officer: str, policy: str, rows: bytes) -> None:
        answer = self.vault(officer).post(
            "/datasets", data={"policy": policy}, files={"file": ("rows.csv", rows)}
        )
        assert answer.status_code == 201, answer.text

        def send(person: str, method: str, path: str, **more: Any) -> Any:
            told = self.vault(person).request(method, path.removeprefix("/v1"), **more)
            assert told.status_code == 200, told.text
            return told.json()

        open_held(answer.json(), send, publisher=officer, second="tang")

    def publish_inspections(self, more: bytes) -> None:
        """Another version of the inspections, with these rows beside the first ones."""
        self.publish("zhou", INSPECTIONS_POLICY, INSPECTIONS + more)

    def list_rows(self, **changes: object) -> dict[str, Any]:
        return created(self.api("zhou").post("/products", json=rows_offer(**changes)))

    def list_query(self, **changes: object) -> dict[str, Any]:
        return created(self.api("lin").post("/products", json=query_offer(**changes)))

    def list_files(self, **changes: object) -> dict[str, Any]:
        what = {"kind": "files"} | dict(changes.pop("what", {}))  # type: ignore[call-overload]
        return created(self.api("zhou").post("/products", json=rows_offer(**changes, what=what)))

    def buy(self, product: str, who: str = "chen", **wish: object) -> tuple[int, str]:
        """Order a product, let it be approved if it must be, and make a key: the licence and the key."""
        order = created(self.api(who).post("/orders", json={"product": product, **wish}))
        licence = order["licence"]
        if licence is None:
            approved = self.api("he").post(f"/orders/{order['order']}/approve", json={})
            assert approved.status_code == 200, approved.text
            licence = approved.json()["licence"]
        return licence, created(self.api(who).post("/keys", json={"licence": licence}))["key"]

    def call(
        self, product: str, key: str, idempotency_key: str | None = None, **given: str
    ) -> httpx.Response:
        headers = {"Authorization": f"Bearer {key}"} | (
            {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        )
        with httpx.Client(timeout=60, event_hooks=held_against("portal")) as client:
            return client.get(f"{self.portal.url}/api/v1/call/{product}", params=given, headers=headers)


def created(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


def rows_offer(**changes: object) -> dict[str, Any]:
    terms = {"price_fen": 5, "purpose": "选址分析"} | dict(changes.pop("terms", {}))  # type: ignore[call-overload]
    return {
        "id": "inspections-by-business",
        "dataset": "market.inspections",
        "title_zh": "餐饮检查记录",
        "title_en": "Inspections by business",
        "what": {"kind": "rows", "keys": ["business", "year"]},
        **({} if "offer" in changes else {"terms": terms}),
        **changes,
    }


def query_offer(**changes: object) -> dict[str, Any]:
    terms = {"price_fen": 200, "purpose": "保险产品研究"} | dict(changes.pop("terms", {}))  # type: ignore[call-overload]
    return {
        "id": "visits-by-year",
        "dataset": "clinic.visits",
        "title_zh": "各年就诊",
        "title_en": "Visits by year",
        "what": {
            "kind": "query",
            "epsilon": "0.1",
            "sql": "SELECT year, COUNT(*) AS n FROM clinic.visits WHERE district = :district GROUP BY year",
            "parameters": [{"name": "district", "type": "text", "values": ["north", "south", "east"]}],
            "budget": {"epsilon": "2", "until": in_days(30)},
        },
        **({} if "offer" in changes else {"terms": terms}),
        **changes,
    }


def in_days(days: int) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).date().isoformat()


INSPECTIONS_POLICY = """
dataset: market.inspections
title: {zh: 检查, en: Inspections}
summary: {zh: 测试, en: Made-up rows for tests}
department: market
grade: "1"
source: {name: made up, licence: CC0-1.0}
columns:
  business: {role: attribute, type: text}
  year: {role: attribute, type: integer}
  score: {role: attribute, type: integer}
  weekend: {role: attribute, type: boolean}
"""
INSPECTIONS = (
    "business,year,score,weekend\n"
    + "".join(
        f"{name},{year},{80 + number % 20},{'true' if number % 7 == 0 else 'false'}\n"
        for number, (name, year) in enumerate(
            (name, year)
            for name in ("MCGINLEYS PUB", "O'Brien; --", "磁湖酒家")
            for year in range(2000, 2020)
        )
    )
).encode()
