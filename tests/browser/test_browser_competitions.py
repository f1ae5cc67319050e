"""An organiser makes a competition from the page alone, without YAML; a stranger reads it, wide and narrow.
axe finds no fault on the pages of either."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from browser_window import NARROW, OVERFLOWING, UNLABELLED, UNNAMED, WIDE, Window
from live_city import CHECKOUT
from sandbox.city_time import CITY_TIME

pytestmark = [pytest.mark.slow, pytest.mark.alone, pytest.mark.timeout(300)]

AXE = CHECKOUT / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
FAULTS = """async (tags) => (await axe.run(document, { runOnly: tags })).violations
  .map((each) => [each.id, each.nodes.slice(0, 3).map((node) => node.html.slice(0, 160))])"""
BEGUN = datetime.now(UTC).astimezone(CITY_TIME)


def in_days(days: int) -> str:
    return (BEGUN + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M")


def looked_at(page: Page, wrong: list[object]) -> None:
    """Note what is not as it should be on a page, wide and narrow."""
    for size in (NARROW, WIDE):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        wrong += [
            (page.url, found) for look in (OVERFLOWING, UNLABELLED, UNNAMED) if (found := page.evaluate(look))
        ]
    page.evaluate(Path(AXE).read_text("utf-8"))
    wrong += [(page.url, *fault) for fault in page.evaluate(FAULTS, RULES)]


def go_on(page: Page, wrong: list[object], then: str) -> None:
    looked_at(page, wrong)
    page.get_by_role("button", name="保存并继续").click()
    page.wait_for_url(re.compile(rf"/{then}$"))


def field(page: Page, path: str, text: str) -> None:
    page.locator(f'[name="{path}"]').fill(text)


def write(page: Page, wrong: list[object]) -> None:
    page.get_by_role("link", name="大赛", exact=True).first.click()
    page.get_by_role("link", name="本部门的大赛").click()
    looked_at(page, wrong)
    page.get_by_role("button", name="新建大赛").click()
    page.wait_for_url("**/about")
    page.get_by_role("button", name="保存并继续").click()
    page.wait_for_url("**/about?told=1")
    expect(page.get_by_text("请填写此项").first).to_be_visible()
    for path, text in (
        ("title.zh", "看病预测大赛"),
        ("title.en", "Predicting visits"),
        ("competition", "visits-2030"),
        ("summary.zh", "预测谁常去就诊"),
        ("summary.en", "Predict who goes often"),
        ("organiser.contact", "contest@health.example"),
    ):
        field(page, path, text)
    go_on(page, wrong, "phases")
    for place, (opens, closes) in enumerate(((1, 9), (2, 20), (20, 27))):
        field(page, f"phases.{place}.opens", in_days(opens))
        field(page, f"phases.{place}.closes", in_days(closes))
    go_on(page, wrong, "tracks")
    write_track(page, wrong)
    field(page, "teams.fixed_from", in_days(20))
    go_on(page, wrong, "finish")
    expect(page.get_by_text("没有需要改正之处")).to_be_visible()
    looked_at(page, wrong)
    page.get_by_role("button", name="生成草稿").click()
    page.wait_for_url("**/manage")
    looked_at(page, wrong)


def write_track(page: Page, wrong: list[object]) -> None:
    for path, text in (
        ("title.zh", "就诊预测"),
        ("title.en", "Predict visits"),
        ("description.zh", "预测是否常去就诊"),
        ("description.en", "Predict who goes often"),
        ("board.strata.0.people", "5900"),
        ("board.strata.0.live", "2000"),
        ("board.strata.0.final", "2000"),
    ):
        field(page, f"tracks.0.{path}", text)
    page.locator('[name="tracks.0.datasets.0.dataset"]').select_option("health.visits")
    page.get_by_role("button", name="保存并显示栏目").click()
    boxes = page.locator('[name="tracks.0.datasets.0.features"]')
    boxes.nth(0).check()
    target = page.locator('[name="tracks.0.datasets.0.target"]')
    target.select_option(index=target.locator("option").count() - 1)
    page.get_by_role("button", name="保存并继续").click()
    page.wait_for_url("**told=1")
    expect(page.get_by_text("更小的差别看不出来").first).to_be_visible()
    looked_at(page, wrong)
    field(page, "tracks.0.board.smallest_difference", "0.3")
    field(page, "tracks.0.board.expected_teams", "3")
    page.get_by_role("button", name="保存并计算").click()
    expect(page.get_by_text("两队之差不小于")).to_be_visible()
    go_on(page, wrong, "rules")


def test_an_organiser_makes_a_competition_and_a_stranger_reads_it(open_as: Callable[..., Window]) -> None:
    wrong: list[object] = []
    organiser = open_as("lin").page
    write(organiser, wrong)
    second = open_as("tang").page
    manage = organiser.url
    second.goto(manage)
    second.get_by_role("button", name="同意", exact=True).click()
    expect(second.get_by_text("已同意").first).to_be_visible()
    organiser.goto(manage)
    organiser.get_by_role("button", name="公布大赛").click()
    expect(organiser.get_by_text("已公布").first).to_be_visible()
    stranger = open_as("")
    stranger.goto("/competitions")
    looked_at(stranger.page, wrong)
    stranger.page.get_by_role("link", name="看病预测大赛").click()
    expect(stranger.page.get_by_text("榜单 2,000 人")).to_be_visible()
    looked_at(stranger.page, wrong)
    stranger.goto("/competitions/visits-2030/boards/track_1")
    expect(stranger.page.get_by_text("还没有得分")).to_be_visible()
    looked_at(stranger.page, wrong)
    stranger.goto("/competitions/visits-2030/history")
    looked_at(stranger.page, wrong)
    assert not wrong
