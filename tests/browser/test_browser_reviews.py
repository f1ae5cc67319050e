"""A sealed run from its team's pages to its reviewers' and back:
asked for, looked at, voted on blind, released or refused."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from playwright.sync_api import Page, expect

from browser_window import NARROW, OVERFLOWING, OVERLAPPING, UNLABELLED, UNNAMED, UNTRANSLATED, WIDE, Window
from live_city import LiveCity
from sandbox.standalone.people import ORGANISATIONS, PEOPLE, TEAMS

pytestmark = [pytest.mark.slow, pytest.mark.alone, pytest.mark.timeout(300)]

OpenAs = Callable[..., Window]
KNOWN = ["English", *ORGANISATIONS, *TEAMS, *(person.id for person in PEOPLE), "SHA", "people", "rows"]
SUM = """import cihu

rows = cihu.inputs["health.visits"]
people = rows.groupby("site")["person"].nunique()
(people / 10).round().mul(10).astype(int).rename("people").to_csv(cihu.outbox / "people.csv")
"""
COPY = 'import cihu\n\ncihu.inputs["health.visits"].head(40).to_csv(cihu.outbox / "rows.csv", index=False)\n'
CONTEXT, CONTROLS = "各地区的参与人数,全部年份", "每人计一次;人数取整到 10"
REASON = "文件里是逐人的记录"
LOOKS = {
    "unlabelled": UNLABELLED,
    "unnamed": UNNAMED,
    "wider than the screen": OVERFLOWING,
    "on each other": OVERLAPPING,
}


@dataclass(frozen=True)
class Runs:
    """The addresses of two runs that have ended, one of them with copied rows."""

    people: str
    rows: str


def run_both(town: LiveCity, asked: Callable[..., str]) -> Runs:
    """Both programs run sealed on the real rows, at once."""
    number = asked("health.visits", "各地区参与人数的统计")
    town.visitor("lin").vault("POST", f"/v1/requests/{number}/approve", json={})
    wang = town.visitor("wang")
    made = [
        wang.vault(
            "POST",
            "/v1/runs",
            json={"name": name, "files": {"main.py": text}, "inputs": ["health.visits"], "limit_seconds": 10},
        )["id"]
        for name, text in (("各地区人数", SUM), ("rows", COPY))
    ]
    return Runs(*(f"/runs/{id}" for id in made))


@pytest.fixture(scope="module")
def ran(town: LiveCity, asked: Callable[..., str]) -> Runs:
    return run_both(town, asked)


def ended(window: Window, address: str) -> Page:
    """The run's page once it tells of the end; until then it tells when that will be."""
    page = window.page
    window.goto(address)
    deadline = page.get_by_text("已结束").or_(page.get_by_text("finished", exact=True)).first
    while not deadline.is_visible():
        expect(page.get_by_text("运行中").or_(page.get_by_text("排队中")).first).to_be_visible()
        page.wait_for_timeout(500)
        page.reload()
    return page


def ask_for(page: Page, path: str, *, twice: bool = False) -> None:
    page.get_by_label("文件名").first.fill(path)
    page.get_by_label("背景").first.fill(CONTEXT)
    page.get_by_label("控制措施").first.fill(CONTROLS)
    button = page.get_by_role("button", name="提交申请")
    button.dblclick() if twice else button.click()
    expect(page.get_by_text("审核中").first).to_be_visible()


def check_whole(window: Window, *paths: str) -> None:
    """These pages, in each language, wide and as on a phone:
    nothing unlabelled, cut off, on something else or untranslated."""
    wrong = []
    for language, size in ((language, size) for language in ("en", "zh") for size in (NARROW, WIDE)):
        window.page.set_viewport_size(size)  # type: ignore[arg-type]
        for path in paths:
            window.goto(f"/language/{language}?next={path}")
            wrong += [
                (path, language, size["width"], name, found)
                for name, look in LOOKS.items()
                if (found := window.page.evaluate(look))
            ]
            if language == "zh" and (found := window.page.evaluate(UNTRANSLATED, KNOWN)):
                wrong.append((path, "untranslated", found))
    assert not wrong, "\n".join(map(str, wrong))


def review_of(page: Page, name: str) -> None:
    """From the start page to the review, as an officer goes."""
    page.get_by_role("link", name="审核").first.click()
    page.get_by_role("link", name=name).first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(name)


def vote(page: Page, choice: str, comment: str, reason: str = "", *, twice: bool = False) -> None:
    """By keyboard and labels: the radio of the choice, a reason, a comment."""
    page.get_by_role("radio", name=choice, exact=True).focus()
    page.keyboard.press("Space")
    if reason:
        page.get_by_label("理由").select_option(label=reason)
    page.get_by_label("意见", exact=True).fill(comment)
    button = page.get_by_role("button", name="投票")
    button.dblclick() if twice else button.press("Enter")
    page.wait_for_load_state()


def test_a_file_is_asked_for_looked_at_voted_on_blind_and_read_by_its_team(
    open_as: OpenAs, ran: Runs
) -> None:
    wang, lin, zhou = open_as("wang"), open_as("lin").page, open_as("zhou").page
    page = ended(wang, ran.people)
    ask_for(page, "people.csv", twice=True)  # one request all the same, and no refusal of a second

    check_whole(wang, "/runs", ran.people)

    review_of(lin, "各地区人数")
    for said in (CONTEXT, CONTROLS, "groupby", "health.visits@"):
        expect(lin.locator("main")).to_contain_text(said)
    lin.get_by_role("link", name="查看").click()
    expect(lin.get_by_role("row")).to_have_count(7)
    lin.get_by_role("link", name="返回审核").click()
    vote(lin, "批准", "六个大组,已取整", twice=True)
    expect(lin.get_by_text("您已投票")).to_be_visible()
    page.reload()
    expect(page.get_by_text("审核中").first).to_be_visible()  # the team is not told how far they are
    assert "六个大组" not in page.content()
    review_of(zhou, "各地区人数")
    assert "六个大组" not in zhou.content()
    vote(zhou, "批准", "没有小计数")
    expect(zhou.get_by_role("heading", level=1)).to_contain_text("已放行")
    expect(zhou.locator("main")).to_contain_text("六个大组")

    page.reload()
    expect(page.get_by_role("heading", level=1)).to_contain_text("已放行")
    with page.expect_download() as saved:
        page.get_by_role("link", name="people.csv").click()
    lines = saved.value.path().read_text().splitlines()
    assert lines[0] == "site,people" and len(lines) == 7
    assert all(int(line.partition(",")[2]) % 10 == 0 for line in lines[1:])
    with page.expect_download() as saved:
        page.get_by_role("link", name="下载放行收据").click()
    assert '"output.released' in saved.value.path().read_text().replace("\\", "")


def test_copied_rows_are_shown_as_such_cannot_be_approved_and_the_team_reads_the_reason(
    open_as: OpenAs, ran: Runs
) -> None:
    wang, officers = open_as("wang"), [open_as("lin"), open_as("zhou")]
    page = ended(wang, ran.rows)
    ask_for(page, "rows.csv")
    for window in officers:
        officer = window.page
        review_of(officer, "rows")
        address = officer.url.removeprefix(window.portal)
        check_whole(
            window,
            "/reviews",
            address,
            f"{address}/files/rows.csv",
            f"{address}/files/rows.csv?original=true",
        )
        check_whole(window, f"{address}/ending")
        expect(officer.locator("main")).to_contain_text("退出状态 0")
        window.goto(address)
        expect(officer.locator(".findings > li").filter(has_text="有 40 行重复了原始数据的行")).to_have_count(
            1
        )
        expect(officer.get_by_role("radio", name="批准")).to_be_disabled()
        vote(officer, "拒绝", REASON, "含个体数值")
    check_whole(officers[0], "/reviews", address)
    check_whole(wang, ran.rows)
    told = page.locator("main")
    for said in ("已拒绝", REASON, "含个体数值"):
        expect(told).to_contain_text(said)
    assert "lin" not in told.inner_text() and "zhou" not in told.inner_text()
    expect(page.get_by_role("button", name="提交申请")).to_have_count(0)
