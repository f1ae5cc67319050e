"""The page of the vault's API works without a network and under the policy that all pages have."""

import os
import shutil
from collections.abc import Iterator

import httpx
import pytest
from fastapi import FastAPI
from playwright.sync_api import expect, sync_playwright

from sandbox.http import api_docs
from sandbox.http.security_headers import SecurityHeaders
from served_app import served_app

NEEDED = bool(os.environ.get("CI") or os.environ.get("CIHU_TESTS_NEED_ALL"))


@pytest.fixture(scope="module")
def served() -> Iterator[str]:
    """A service that describes itself, as the vault is put together."""
    app = FastAPI(title="A <service>", docs_url=None, redoc_url=None)

    @app.get("/v1/weather", summary="The weather of today")
    def weather() -> str:
        return "fine"

    api_docs.install(app)
    with served_app(SecurityHeaders(app)) as address:
        yield address


def test_the_page_has_the_headers_of_all_pages(served: str) -> None:
    answer = httpx.get(f"{served}/docs", trust_env=False)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'; script-src 'self'; style-src 'self';" in policy and "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "A &lt;service&gt;" in answer.text and "<script>" not in answer.text


def test_nothing_else_of_the_package_is_served(served: str) -> None:
    for name in ("__init__.py", "../__init__.py", "%2e%2e/__init__.py"):
        assert httpx.get(f"{served}/docs/files/{name}", trust_env=False).status_code == 404, name


def test_an_operation_is_shown_and_tried_without_a_network(served: str) -> None:
    chromium = shutil.which("chromium")
    if not chromium:
        (pytest.fail if NEEDED else pytest.skip)("There is no chromium on this machine.")
    faults: list[str] = []
    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=chromium, args=["--no-sandbox"] if os.geteuid() == 0 else []
        )
        page = browser.new_page(locale="en")
        page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
        page.on(
            "request",
            lambda request: (
                faults.append(request.url) if not request.url.startswith((served, "data:")) else None
            ),
        )
        page.goto(f"{served}/docs")
        page.get_by_text("The weather of today").click(timeout=20_000)
        page.get_by_role("button", name="Try it out").click()
        page.get_by_role("button", name="Execute").click()
        answer = page.locator(".live-responses-table .microlight").first
        expect(answer).to_contain_text("fine")
        browser.close()
    assert faults == []
