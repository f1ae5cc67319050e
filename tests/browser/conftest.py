"""One city with the demo's data and products in it, a Chromium a file, a window a person;
no test finds another's grants."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, sync_playwright

from browser_window import Window, open_window
from held_versions import publish_and_open
from live_city import CHECKOUT, LiveCity, live_city
from sandbox.standalone.demo_tables import write_demo_tables

CHROMIUM = shutil.which("chromium")
NEEDED = bool(os.environ.get("CI") or os.environ.get("CIHU_TESTS_NEED_ALL"))
TERMS = {"price_fen": 30, "free_calls": 1, "purpose": "选择开店地点"}

OpenAs = Callable[..., Window]


@pytest.fixture(scope="session")
def chromium() -> str:
    if not CHROMIUM:
        told = "There is no chromium on this machine (Debian: apt-get install chromium fonts-noto-cjk)."
        if NEEDED:
            pytest.fail(told)
        pytest.skip(told)
    return CHROMIUM


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """Not for the session: while it is open Playwright's event loop runs in this thread, and no other can."""
    with sync_playwright() as play:
        # Chromium's own sandbox does not start as root; the pages are our own
        opened = play.chromium.launch(
            executable_path=chromium, args=["--no-sandbox"] if os.geteuid() == 0 else []
        )
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def town(chromium: str) -> Iterator[LiveCity]:
    """The demo city with both tables published, and a product of open rows on offer."""
    with live_city() as city:
        files = write_demo_tables(city.home)
        policies = CHECKOUT / "policies" / "datasets"
        for officer, dataset in (("lin", "health.visits"), ("zhou", "market.inspections")):
            publish_and_open(city, officer, policies / f"{dataset}.yaml", files[dataset])
        zhou = city.visitor("zhou")
        zhou.vault("POST", "/v1/datasets/market.inspections/open-copy", json={})
        zhou.market(
            "POST",
            "/api/v1/products",
            json={
                "id": "inspections",
                "dataset": "market.inspections",
                "title_zh": "餐饮卫生检查",
                "title_en": "Inspections",
                "terms": TERMS,
                "what": {"kind": "rows", "keys": ["business", "year"]},
            },
        )
        yield city


@pytest.fixture(autouse=True)
def put_back(town: LiveCity) -> Iterator[None]:
    """The tests share the city's people: what one has got, another could not get.
    A team asks under its newest grant, and an organisation has one licence for a product at a time."""
    yield
    why = {"reason": "测试已结束"}
    lin, zhou = town.visitor("lin"), town.visitor("zhou")
    for grant in lin.vault("GET", "/v1/grants"):
        if grant["status"] == "live":
            lin.vault("POST", f"/v1/grants/{grant['id']}/revoke", json=why)
    for licence in zhou.market("GET", "/api/v1/licences")["licences"]:
        if licence["status"] == "live":
            zhou.market("POST", f"/api/v1/licences/{licence['id']}/revoke", json=why)


@pytest.fixture
def open_as(browser: Browser, town: LiveCity) -> Iterator[OpenAs]:
    """`open_as("wang", language="en", narrow=True)`: a window in which that person is logged in;
    "" for a stranger."""
    with ExitStack() as closing:

        def opened(account: str, *, language: str = "zh-CN", narrow: bool = False) -> Window:
            window = closing.enter_context(open_window(browser, town, language=language, narrow=narrow))
            if account:
                window.log_in(account)
            return window

        yield opened


@pytest.fixture(scope="session")
def asked(town: LiveCity) -> Callable[..., str]:
    """Make a request for access as wang does it with a tool; gives its number."""

    def ask(dataset: str, purpose: str, epsilon: str = "1") -> str:
        until = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()
        made = town.visitor("wang").vault(
            "POST",
            "/v1/requests",
            json={
                "dataset": dataset,
                "team": "cihu-lake",
                "purpose": purpose,
                "epsilon": epsilon,
                "until": until,
            },
        )
        return str(made["id"])

    return ask
