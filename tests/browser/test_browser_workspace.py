"""From the portal into the workspace with one login, and a first question in its notebook."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from browser_window import Window
from live_city import LiveCity

pytestmark = [pytest.mark.slow, pytest.mark.alone, pytest.mark.timeout(300)]

ANSWER = 12  # the cell that asks and shows the answer, by number
INTERVAL = re.compile(r"± [\d.,]+\s*95 %: [\d.,]+ … [\d.,]+")


def test_one_login_opens_the_notebook_in_a_sealed_kernel_and_its_first_question_is_answered(
    open_as: Callable[..., Window], town: LiveCity, asked: Callable[..., str]
) -> None:
    number = asked("health.visits", "比较不同自付比例的就诊次数", "2")
    town.visitor("lin").vault("POST", f"/v1/requests/{number}/approve", json={})
    window = open_as("wang")
    # Lab asks which formats it could convert to; the workspace's server has no conversion, on purpose
    # (sandbox/hub/server.py)
    window.expected["/api/nbconvert"] = 404
    page = window.page
    page.get_by_role("link", name="打开工作空间").first.click()
    page.wait_for_url(re.compile(re.escape(town.where.hub) + r"/user/wang/lab"), timeout=90_000)
    back = page.get_by_role("link", name="磁湖：返回门户")
    expect(back).to_have_attribute("href", town.where.portal, timeout=60_000)
    assert not page.locator("input[type=password]").count(), "a second login"
    notebook = page.locator(".jp-NotebookPanel:visible")
    expect(notebook).to_be_visible(timeout=60_000)
    expect(
        page.locator(".lm-TabBar-tab.lm-mod-current").filter(has_text="01-first-question.ipynb")
    ).to_be_visible()
    # before the kernel is there, Lab runs nothing
    expect(page.get_by_role("button", name="磁湖（密封 Python） | 空闲")).to_be_visible(timeout=60_000)
    notebook.locator(".jp-Cell").first.click()
    page.keyboard.press("Escape")
    place = (
        page.locator(".jp-StatusBar-Widget, .jp-StatusBar").get_by_text(re.compile(r"单元格 \d+/\d+")).first
    )
    for number in range(1, ANSWER + 1):  # as fast as Lab follows
        expect(place).to_contain_text(f"单元格 {number}/")
        page.keyboard.press("Shift+Enter")
    answer = (
        notebook.locator(".jp-OutputArea-output").filter(has_text="coinsurance").filter(has_text=INTERVAL)
    )
    expect(answer.first).to_be_visible(timeout=60_000)
    the_panel_shows_the_grant_and_inserts_a_column(page, notebook)


def the_panel_shows_the_grant_and_inserts_a_column(page: Page, notebook: Locator) -> None:
    page.get_by_role("tab", name="授权与数据").click()
    panel = page.locator("#cihu-panel")
    panel.get_by_role("button", name="重新读取").click()
    expect(panel.get_by_role("listitem").filter(has_text="health.visits").first).to_contain_text("预算剩余")
    panel.get_by_role("searchbox").fill("coinsurance")
    cell = notebook.locator(".jp-CodeCell").first
    cell.locator(".cm-content").click()
    panel.get_by_role("button", name="将 coinsurance 插入单元格").first.click()
    expect(cell).to_contain_text("coinsurance")
