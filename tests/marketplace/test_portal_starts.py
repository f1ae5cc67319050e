"""The service as a process: it starts, says what is missing in one line,
and its log holds no query and no key."""

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import Response

from marketplace.app import proxy_options
from marketplace.portal.one_name import OneName
from marketplace.settings import DEMO_HUB_SECRET, Settings, check_settings
from sandbox.errors import InvalidInput
from sandbox.standalone.answers import answers
from sandbox.standalone.postgres import Postgres

REPOSITORY = Path(__file__).resolve().parents[2]


def start(folder: Path, **settings: str) -> subprocess.Popen[bytes]:
    environment = {"PATH": os.environ["PATH"], "CIHU_HOME": str(folder), **settings}
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "marketplace.app"], cwd=REPOSITORY, env=environment, stdout=log, stderr=log
        )


def test_it_serves_and_logs_neither_query_nor_key(
    people: None, postgres: Postgres, database_name: str, tmp_path: Path, portal_settings: Settings
) -> None:
    url = portal_settings.portal_url
    process = start(
        tmp_path,
        CIHU_BIND=portal_settings.bind,
        CIHU_PORTAL_URL=url,
        CIHU_DATABASE_URL=postgres.url(user="cihu_portal", database=database_name),
    )
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and process.poll() is None:
            if answers(f"{url}/healthz", seconds=5):
                break
            time.sleep(0.05)  # asking is the only event there is
        answer = httpx.get(
            f"{url}/api/v1/call/x", params={"who": "private-question"}, headers={"X-Api-Key": "chk_secret"}
        )
        assert answer.json()["code"] == "NOT_FOUND"
        assert httpx.get(f"{url}/openapi.json").json()["info"]["title"] == "Cihu portal"
    finally:
        process.terminate()
        process.wait(120)
    log = (tmp_path / "log").read_text()
    assert "GET /api/v1/call/x 401" in log
    assert "private-question" not in log and "chk_secret" not in log and "Traceback" not in log


def test_without_a_database_address_it_says_so_in_one_line(tmp_path: Path) -> None:
    process = start(tmp_path)
    assert process.wait(60) == 1
    lines = (tmp_path / "log").read_text().splitlines()
    assert len(lines) == 1 and "CIHU_DATABASE_URL" in lines[0]


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"bind": "0.0.0.0:8600"}, "CIHU_HUB_CLIENT_SECRET"),
        ({"bind": "0.0.0.0:8600", "hub_client_secret": "own"}, "CIHU_PORTAL_URL"),
        ({"bind": "8600"}, "CIHU_BIND"),
        ({"database_url": ""}, "CIHU_DATABASE_URL"),
        ({"trusted_proxies": "10.42.0.0/16, everybody"}, "CIHU_TRUSTED_PROXIES"),
        ({"trusted_proxies": "*"}, "CIHU_TRUSTED_PROXIES"),
    ],
)
def test_what_would_be_unsafe_is_refused_with_the_remedy(changes: dict[str, str], word: str) -> None:
    with pytest.raises(InvalidInput, match=word):
        check_settings(Settings(**{"database_url": "x", "hub_client_secret": DEMO_HUB_SECRET, **changes}))


def test_with_its_own_secret_behind_https_it_may_listen_anywhere() -> None:
    check_settings(
        Settings(
            database_url="x",
            bind="0.0.0.0:8600",
            hub_client_secret="own",
            portal_url="https://portal.example",
        )
    )


@pytest.mark.parametrize(
    ("proxies", "peer", "forwarded", "address"),
    [
        ("", "127.0.0.1", "203.0.113.7", "127.0.0.1"),
        ("10.42.0.0/16", "127.0.0.1", "203.0.113.7", "127.0.0.1"),
        ("10.42.0.0/16", "10.42.7.7", "203.0.113.7", "203.0.113.7"),
        ("10.42.0.0/16", "10.42.7.7", "203.0.113.7, 198.51.100.1", "198.51.100.1"),
        ("10.42.0.0/16, ::1/128", "::1", "203.0.113.7", "203.0.113.7"),
    ],
)
def test_an_address_that_a_caller_writes_counts_only_from_a_proxy_that_is_trusted(
    proxies: str, peer: str, forwarded: str, address: str
) -> None:
    seen: list[str] = []

    async def application(scope: Any, receive: object, send: object) -> None:
        seen.append(scope["client"][0])

    config = uvicorn.Config(application, log_config=None, **proxy_options(Settings(trusted_proxies=proxies)))
    config.load()
    scope = {"type": "http", "client": (peer, 9), "headers": [(b"x-forwarded-for", forwarded.encode())]}
    asyncio.run(config.loaded_app(scope, None, None))  # type: ignore[arg-type]
    assert seen == [address]


@pytest.mark.parametrize(
    ("method", "path", "host", "target"),
    [
        ("GET", "/datasets?q=a%20b", "127.0.0.1:8600", "http://localhost:8600/datasets?q=a%20b"),
        ("HEAD", "//elsewhere.example", "[::1]:8600", "http://localhost:8600//elsewhere.example"),
        ("GET", "/", "localhost:8600", None),
        ("GET", "/", "127.0.0.1:9", None),
        ("GET", "/", "portal.example:8600", None),
        ("GET", "/", "127.0.0.1:x", None),
        ("POST", "/login", "127.0.0.1:8600", None),
        ("GET", "/api/v1/products", "127.0.0.1:8600", None),
    ],
)
def test_a_page_at_another_name_of_this_machine_is_at_the_portals_own(
    method: str, path: str, host: str, target: str | None
) -> None:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        await Response("here")(scope, receive, send)

    named = OneName(application, "http://localhost:8600")
    place, _, query = path.partition("?")
    scope = {
        "type": "http",
        "method": method,
        "raw_path": place.encode(),
        "path": place,
        "query_string": query.encode(),
        "headers": [(b"host", host.encode())],
    }
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(named(scope, None, send))  # type: ignore[arg-type]
    headers = {name: value.decode() for name, value in sent[0]["headers"]}
    assert (sent[0]["status"], headers.get(b"location")) == ((307, target) if target else (200, None))
