"""What a stranger sees, in Chromium: axe finds no fault in either theme; the header stays low on a phone, its
menu opens by keyboard; the catalogue searches while one types and without scripts."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from browser_window import NARROW, OVERFLOWING, Window
from live_city import CHECKOUT, LiveCity

pytestmark = [pytest.mark.slow, pytest.mark.alone, pytest.mark.timeout(300)]

AXE = CHECKOUT / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
FAULTS = """async (tags) => (await axe.run(document, { runOnly: tags })).violations
  .map((each) => [each.id, each.nodes.slice(0, 3).map((node) => node.html.slice(0, 160))])"""
PAGES = (
    "/",
    "/datasets",
    "/datasets?q=nothing-like-it",
    "/datasets/market.inspections",
    "/datasets/health.visits",
    "/products",
    "/products/inspections",
    "/publishers",
    "/demands",
    "/log",
    "/log?index=0",
    "/status",
    "/privacy",
    "/terms",
    "/accessibility",
    "/feeds",
    "/design",
    "/login",
)
HIGHEST_HEADER = 64


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_fault_on_any_public_page(open_as: Callable[..., Window], theme: str) -> None:
    window = open_as("")
    window.page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    script, found = Path(AXE).read_text("utf-8"), []
    for place in PAGES:
        window.goto(place)
        window.page.evaluate(script)
        found += [(place, *fault) for fault in window.page.evaluate(FAULTS, RULES)]
    assert not found


def test_a_phone_has_a_low_header_and_a_menu_for_the_keyboard(open_as: Callable[..., Window]) -> None:
    for account in ("", "lin"):
        window = open_as(account, narrow=True)
        for place in PAGES:
            if account and place not in ("/", "/datasets", "/log", "/design"):
                continue
            window.goto(place)
            header = window.page.locator("header").bounding_box()
            assert header is not None and header["height"] <= HIGHEST_HEADER, (place, header)
            assert window.page.evaluate(OVERFLOWING) == [], place
        window.page.locator(".menu summary").focus()
        window.page.keyboard.press("Enter")
        expect(window.page.locator(".menu nav a").first).to_be_visible()


def test_the_catalogue_searches_while_one_types_and_without_scripts(
    open_as: Callable[..., Window], browser: Browser, town: LiveCity
) -> None:
    window = open_as("")
    window.goto("/datasets")
    window.page.locator("#q").press_sequentially("餐饮")
    expect(window.page.locator("#results h2 a[href='/datasets/health.visits']")).to_have_count(0)
    expect(window.page.locator("#results h2 a[href='/datasets/market.inspections']")).to_be_visible()
    assert "q=" in window.page.url
    with browser.new_context(
        java_script_enabled=False,
        viewport=NARROW,  # type: ignore[arg-type]
        locale="zh-CN",
    ) as plain:
        page = plain.new_page()
        page.goto(f"{town.where.portal}/datasets")
        page.fill("#q", "餐饮")
        page.keyboard.press("Enter")
        expect(page.locator("#results h2 a[href='/datasets/market.inspections']")).to_be_visible()
        expect(page.locator("#results h2 a[href='/datasets/health.visits']")).to_have_count(0)
