"""A running portal for the tests: real Postgres, the portal's own role, a real server on a free port."""

import html
import re
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import httpx
import pytest
import uvicorn

from marketplace.app import create_app
from marketplace.settings import REPOSITORY, Settings
from sandbox.city.postgres import Postgres
from sandbox.database import Database
from sandbox.identity import create_account, create_organisation, create_team, join_team

PASSWORD = "a long enough password"
ORGANISATIONS = {"health": "卫生健康委员会", "market": "市场监督管理局", "hbpu": "湖北理工学院", "minsheng": "民生科技公司",
                 "rival": "另一家公司", "operator": "运营中心"}
PEOPLE = (
    ("lin", "health", {"officer"}), ("zhou", "market", {"officer"}), ("wang", "hbpu", {"analyst"}),
    ("chen", "minsheng", {"buyer"}), ("sun", "rival", {"buyer"}), ("he", "operator", {"operator"}),
    ("xu", "operator", {"auditor"}),
)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def people(database: Database) -> None:
    """The people of the demo city, all with the same password."""
    with database.transaction() as tx:
        for organisation, name in ORGANISATIONS.items():
            create_organisation(tx, organisation_id=organisation, display_name=name, by="test")
        for account, organisation, roles in PEOPLE:
            create_account(tx, account_id=account, display_name=account.title(), organisation=organisation, roles=roles,
                           password=PASSWORD, by="test")
        create_team(tx, team_id="cihu-lake", display_name="磁湖队", by="test")
        join_team(tx, team_id="cihu-lake", account_id="wang", by="test")
        create_account(tx, account_id="marketplace", display_name="数据市场", organisation="operator", kind="service",
                       by="test")
        create_team(tx, team_id="marketplace", display_name="数据市场", by="test")
        join_team(tx, team_id="marketplace", account_id="marketplace", by="test")


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
        assert started.wait(20)
        return self

    def __exit__(self, *_: object) -> None:
        self.server.should_exit = True
        self.thread.join(20)


@dataclass(frozen=True)
class Portal:
    """A running portal and how to reach it."""

    url: str
    settings: Settings

    def browser(self) -> "Browser":
        return Browser(httpx.Client(base_url=self.url, follow_redirects=False, timeout=30), self)


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
    port = free_port()
    return Settings(home=tmp_path, database_url=postgres.url(user="cihu_portal", database=database_name),
                    portal_url=f"http://127.0.0.1:{port}", bind=f"127.0.0.1:{port}", policies=REPOSITORY / "policies",
                    vault_url=f"http://127.0.0.1:{free_port()}", hub_url=f"http://127.0.0.1:{free_port()}")


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
