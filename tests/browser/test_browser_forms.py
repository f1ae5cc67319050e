"""What goes wrong at a form: a clear message in the reader's language, and nothing typed is lost.
All by keyboard."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from browser_window import UNTRANSLATED, Window
from live_city import PASSWORD, LiveCity

pytestmark = [pytest.mark.slow, pytest.mark.alone, pytest.mark.timeout(300)]

OpenAs = Callable[..., Window]
PURPOSE = "比较不同收入家庭的就诊次数"


def tab_to(page: Page, selector: str) -> None:
    """Move the focus with the Tab key alone."""
    for _ in range(60):
        if page.evaluate("(selector) => document.activeElement.matches(selector)", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"the Tab key does not reach {selector}")


def forget_login(window: Window) -> None:
    """As if the session had ended meanwhile."""
    window.page.context.clear_cookies(name="cihu_session")


def test_a_wrong_password_is_said_and_the_account_is_kept(open_as: OpenAs) -> None:
    window = open_as("")
    window.expected["/login"] = 401
    window.goto("/login?next=/requests")
    expect(window.page.get_by_label("账号")).to_be_focused()
    window.page.keyboard.type("wang")
    window.page.keyboard.press("Tab")
    window.page.keyboard.type("not the password")
    window.page.keyboard.press("Enter")
    expect(window.page.get_by_role("alert")).to_contain_text("账号或密码不对")
    expect(window.page.get_by_label("账号")).to_have_value("wang")
    expect(window.page.get_by_label("密码")).to_have_value("")


def test_an_expired_login_form_is_shown_again_with_what_was_typed(open_as: OpenAs) -> None:
    window = open_as("")
    window.expected["/login"] = 403
    window.goto("/login?next=/requests")
    window.page.context.clear_cookies()
    window.page.get_by_label("账号").fill("wang")
    window.page.get_by_label("密码").fill("whatever it is")
    window.page.keyboard.press("Enter")
    expect(window.page.get_by_role("alert")).to_contain_text("页面已过期")
    expect(window.page.get_by_label("账号")).to_have_value("wang")


def test_what_the_vault_refuses_is_said_in_chinese_on_the_form_as_it_was_typed(open_as: OpenAs) -> None:
    window = open_as("wang")
    window.expected["/request"] = 422
    window.goto("/datasets/health.visits/request")
    page = window.page
    tab_to(page, "textarea[name=purpose]")
    page.keyboard.type(PURPOSE)
    tab_to(page, "input[name=epsilon]")
    page.keyboard.press("Control+A")
    page.keyboard.type("400")
    page.keyboard.press("Enter")  # Enter in a field sends the form; it is refused before the last look
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_label("用途")).to_have_value(PURPOSE)
    expect(page.get_by_label("预算 ε")).to_have_value("400")
    assert not page.evaluate(UNTRANSLATED, ["English", "health", "cihu-lake"])


@pytest.mark.parametrize("ended", ["session", "token"])
def test_a_form_that_got_too_old_is_not_lost(open_as: OpenAs, ended: str) -> None:
    window = open_as("wang")
    window.expected["/request"] = 401 if ended == "session" else 403
    window.goto("/datasets/health.visits/request")
    page = window.page
    page.get_by_label("用途").fill(PURPOSE)
    if ended == "session":
        forget_login(window)
    else:  # somebody logged in anew in another tab
        with window.page.context.expect_page() as opened:
            page.evaluate("() => window.open('/', '_blank')")
        opened.value.get_by_role("button", name="退出").click()
        opened.value.get_by_label("账号").wait_for()
        opened.value.get_by_label("账号").fill("wang")
        opened.value.get_by_label("密码").fill(PASSWORD)
        opened.value.keyboard.press("Enter")
        opened.value.get_by_role("heading", name="您好").wait_for()
    page.get_by_role("button", name="下一步").click()
    if ended == "session":
        expect(page.get_by_role("alert")).to_contain_text("登录已过期")
        page.get_by_label("账号").fill("wang")
        page.get_by_label("密码").fill(PASSWORD)
        page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("请核对后再次提交")
    expect(page.get_by_label("用途")).to_have_value(PURPOSE)
    page.get_by_role("button", name="再次提交").click()
    expect(page.get_by_role("heading", name="核对申报")).to_be_visible()
    expect(page.get_by_text(PURPOSE)).to_be_visible()


def test_a_stale_page_of_the_queue_says_so_and_keeps_the_officers_words(
    open_as: OpenAs, asked: Callable[..., str]
) -> None:
    number = asked("health.visits", "由两个窗口同时审批的申报")
    first, second = open_as("lin"), open_as("lin")
    for window in (first, second):
        window.goto(f"/queue/requests/{number}")
    second.expected[f"/queue/requests/{number}/refuse"] = 409
    form = first.page.locator(f"form[action='/queue/requests/{number}/refuse']")
    form.get_by_label("理由").fill("用途不清楚")
    form.get_by_role("button").click()
    first.page.wait_for_load_state()
    form = second.page.locator(f"form[action='/queue/requests/{number}/refuse']")
    form.get_by_label("理由").fill("请补充说明研究方法")
    form.get_by_role("button").click()
    expect(second.page.get_by_role("heading", name="状态不符")).to_be_visible()
    expect(second.page.get_by_label("理由")).to_have_value("请补充说明研究方法")
    assert not second.page.evaluate(UNTRANSLATED, ["English"])


def test_a_decision_that_cannot_be_is_shown_again_as_it_was_typed(
    open_as: OpenAs, asked: Callable[..., str]
) -> None:
    number = asked("health.visits", "预算写得太大的一次审批")
    window = open_as("lin")
    window.expected[f"/queue/requests/{number}/approve"] = 422
    window.goto(f"/queue/requests/{number}")
    form = window.page.locator(f"form[action='/queue/requests/{number}/approve']")
    form.get_by_label("预算 ε").fill("300")
    form.get_by_label("备注").fill("写错了")
    form.get_by_role("button").click()
    expect(window.page.get_by_role("alert")).to_be_visible()
    expect(window.page.get_by_label("备注")).to_have_value("写错了")
    window.page.get_by_label("预算 ε").fill("0.3")
    window.page.get_by_role("button", name="再次提交").click()
    window.page.wait_for_url(f"**/queue/requests/{number}")
    expect(window.page.get_by_role("status")).to_contain_text("接下来")
    expect(window.page.locator(f"form[action='/queue/requests/{number}/approve']")).to_have_count(0)


def test_words_of_the_language_and_the_catalogue_are_offered_while_sql_is_typed(
    open_as: OpenAs, town: LiveCity, asked: Callable[..., str]
) -> None:
    """By keyboard alone, and as a screen reader is told it: the focus stays in the field."""
    town.visitor("lin").vault("POST", f"/v1/requests/{asked('health.visits', PURPOSE)}/approve", json={})
    page = (window := open_as("wang")).page
    window.goto("/ask")
    field, words = page.locator("textarea[name=sql]"), page.get_by_role("listbox", name="可用的词")
    expect(words).to_be_hidden()
    held: list[Route] = []  # the words come after all is typed, as from a busy city
    page.route("**/ask/words.json", lambda route: held.append(route))  # noqa: PLW0108  # playwright marks it
    with page.expect_request("**/ask/words.json"):
        tab_to(page, "textarea[name=sql]")
    page.keyboard.type("SELECT COUNT(*) AS n FROM health.vi")
    held.pop().continue_()
    first = words.get_by_role("option").first
    expect(first).to_contain_text("health.visits")
    page.keyboard.press("ArrowDown")
    expect(first).to_have_attribute("aria-selected", "true")
    expect(field).to_have_attribute("aria-activedescendant", str(first.get_attribute("id")))
    expect(field).to_be_focused()
    page.keyboard.press("Enter")
    expect(field).to_have_value("SELECT COUNT(*) AS n FROM health.visits")
    expect(words).to_be_hidden()
    page.keyboard.type(" GRO")
    expect(first).to_contain_text("GROUP BY")
    page.keyboard.press("Escape")
    expect(words).to_be_hidden()
    page.keyboard.press("Control+Space")
    expect(words).to_be_visible()
    page.keyboard.press("Tab")
    expect(words).to_be_hidden()
    expect(field).not_to_be_focused()
