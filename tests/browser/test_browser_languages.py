"""Every page of the story, in Chinese and English, wide and narrow:
nothing untranslated, unlabelled or cut off."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from browser_window import OVERFLOWING, UNLABELLED, UNNAMED, UNTRANSLATED, Window
from live_city import LiveCity
from sandbox.standalone.people import ORGANISATIONS, PEOPLE, TEAMS

pytestmark = [pytest.mark.slow, pytest.mark.alone, pytest.mark.timeout(300)]

OpenAs = Callable[..., Window]
KNOWN = ["English", *ORGANISATIONS, *TEAMS, *(person.id for person in PEOPLE), "inspections"]
COMMON = [
    "/",
    "/me",
    "/me/password",
    "/datasets",
    "/datasets?q=nothing",
    "/datasets/health.visits",
    "/datasets/market.inspections",
    "/requests",
    "/products",
    "/products/inspections",
    "/licences",
    "/log",
    "/log?index=0",
]
PAGES = {
    "": ["/login"],
    "wang": [*COMMON, "/datasets/health.visits/request"],
    "lin": ["/queue", "/drafts", "/drafts/upload"],
    "zhou": ["/products", "/queue"],
    "chen": ["/products/inspections", "/licences/{licence}", "/licences/{licence}/bill"],
}


@pytest.fixture
def licence(town: LiveCity, asked: Callable[..., str]) -> int:
    """A licence with a key; and a request that waits, a grant that lives, for the pages to show."""
    asked("health.visits", "一项还在等待审批的申报")
    number = asked("health.visits", "一项已经批准的使用申报")
    town.visitor("lin").vault("POST", f"/v1/requests/{number}/approve", json={})
    chen = town.visitor("chen")
    made = chen.market("POST", "/api/v1/orders", json={"product": "inspections"})
    chen.market("POST", "/api/v1/keys", json={"licence": made["licence"], "label": "开店"})
    return int(made["licence"])


@pytest.mark.parametrize("narrow", [False, True], ids=["wide", "narrow"])
@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_every_page_is_whole_in_each_language_and_width(
    open_as: OpenAs, licence: int, language: str, narrow: bool
) -> None:
    wrong = []
    for account, paths in PAGES.items():
        window = open_as(account, language=language, narrow=narrow)
        for path in paths:
            window.goto(path.format(licence=licence))
            looks = [("unlabelled", UNLABELLED), ("unnamed", UNNAMED), ("wider than the screen", OVERFLOWING)]
            wrong += [(path, name, found) for name, look in looks if (found := window.page.evaluate(look))]
            if language == "zh-CN" and (found := window.page.evaluate(UNTRANSLATED, KNOWN)):
                wrong.append((path, "untranslated", found))
            if (said := window.page.locator("html").get_attribute("lang")) != language:
                wrong.append((path, "lang", said))
    assert not wrong, "\n".join(map(str, wrong))


def test_switching_the_language_changes_the_page_and_stays(open_as: OpenAs) -> None:
    page = open_as("wang").page
    page.goto(page.url + "datasets?q=就诊")
    page.get_by_role("link", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.get_by_role("heading", name="Datasets")).to_be_visible()
    expect(page.get_by_label("Search")).to_have_value("就诊")  # the same page, as it was
    page.get_by_role("link", name="Requests").first.click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    page.get_by_role("link", name="中文").click()
    expect(page.get_by_role("heading", name="申报")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
