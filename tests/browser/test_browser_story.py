"""The three people of the story do their whole job through the pages:
an analyst, two officers, a company's buyer."""

import re
from collections.abc import Callable

import httpx
import pytest
from playwright.sync_api import Page, expect

from browser_window import Window

pytestmark = [pytest.mark.slow, pytest.mark.alone, pytest.mark.timeout(300)]

OpenAs = Callable[..., Window]
PURPOSE = "研究自付比例与就诊次数的关系"


def ask_for_access(page: Page, purpose: str, epsilon: str) -> str:
    """From the catalogue to a request that waits; its number."""
    page.get_by_role("link", name="数据目录").first.click()
    page.get_by_label("搜索").fill("就诊")
    page.get_by_label("搜索").press("Enter")
    page.get_by_role("link", name="居民就诊与医疗支出").click()
    page.get_by_role("link", name="申报使用").click()
    page.get_by_label("用途").fill(purpose)
    page.get_by_label("预算 ε").fill(epsilon)
    page.get_by_label("截止").fill("2027-03-31")
    page.get_by_role("button", name="下一步").click()
    expect(page.get_by_role("heading", name="核对申报")).to_be_visible()
    expect(page.get_by_text(purpose)).to_be_visible()
    page.get_by_role("button", name="提交申报").click()
    page.wait_for_url("**/requests#request-*")
    return page.url.partition("#request-")[2]


def test_an_analyst_finds_a_dataset_reads_its_page_and_asks_for_access(open_as: OpenAs) -> None:
    page = open_as("wang").page
    page.get_by_role("link", name="数据目录").first.click()
    page.get_by_label("搜索").press_sequentially("自付")
    expect(page.get_by_text("找到 1 个数据集")).to_be_visible()  # without a button: htmx fetched it
    page.get_by_role("link", name="居民就诊与医疗支出").click()
    told = page.locator("main")
    for fact in (
        "RAND Health Insurance Experiment",
        "GPL-2.0-or-later",
        "每个对象最多计 5 行",
        "数据集 ε 10，每项授权至多 ε 4，",
        "约 20000 行",
        "个人",
    ):
        expect(told).to_contain_text(fact)
    row = page.get_by_role("row").filter(has_text="doctor_visits")
    expect(row).to_contain_text("就诊次数")
    expect(row).to_contain_text("0 – 30")
    number = ask_for_access(page, PURPOSE, "2")
    mine = page.locator(f"#request-{number}")
    expect(mine).to_contain_text("待审批")
    expect(mine).to_contain_text(PURPOSE)
    expect(mine).to_contain_text("ε 2 · 截止 2027-03-31")


def test_only_the_departments_officer_approves_with_less_refuses_with_a_reason_and_revokes(
    open_as: OpenAs,
) -> None:
    wang, lin, zhou = open_as("wang").page, open_as("lin").page, open_as("zhou")
    granted, refused = (
        ask_for_access(wang, "比较各地区的平均就诊次数", "2"),
        ask_for_access(wang, "写得不够清楚的用途说明", "4"),
    )

    # somebody of another department does not see it, and cannot decide it with a form that he makes himself
    zhou.page.get_by_role("link", name="待办").first.click()
    expect(zhou.page.locator(f"form[action='/queue/requests/{granted}/approve']")).to_have_count(0)
    zhou.expected[f"/queue/requests/{granted}/approve"] = 403
    token = zhou.page.locator("form[action='/logout'] input[name=csrf]").get_attribute("value")
    zhou.page.evaluate(
        """([number, token]) => {
        const form = Object.assign(document.createElement('form'), {method: 'post', action: `/queue/requests/${number}/approve`});
        form.append(Object.assign(document.createElement('input'), {name: 'csrf', value: token}));
        document.body.append(form); form.submit(); }""",  # noqa: E501
        [granted, token],
    )
    expect(zhou.page.get_by_role("heading", name="不允许")).to_be_visible()

    lin.get_by_role("link", name="待办").first.click()
    lin.locator(f"a[href='/queue/requests/{granted}']").click()
    form = lin.locator(f"form[action='/queue/requests/{granted}/approve']")
    form.get_by_label("预算 ε").fill("1.5")
    form.get_by_label("备注").fill("先给一部分")
    form.get_by_role("button", name="批准").click()
    expect(lin.get_by_role("status")).to_contain_text("接下来")
    expect(lin.locator(f"form[action='/queue/requests/{granted}/approve']")).to_have_count(0)
    lin.get_by_role("link", name="返回待办").click()
    lin.locator(f"a[href='/queue/requests/{refused}']").click()
    form = lin.locator(f"form[action='/queue/requests/{refused}/refuse']")
    form.get_by_label("理由").fill("请写明研究的问题")
    form.get_by_role("button", name="拒绝").click()
    expect(lin.locator(f"form[action='/queue/requests/{refused}/refuse']")).to_have_count(0)

    wang.reload()
    expect(wang.locator(f"#request-{granted}")).to_contain_text("已批准")
    expect(wang.locator(f"#request-{granted}")).to_contain_text("先给一部分")
    expect(wang.locator(f"#request-{refused}")).to_contain_text("已拒绝")
    expect(wang.locator(f"#request-{refused}")).to_contain_text("请写明研究的问题")
    grant = wang.get_by_role("row").filter(has_text="ε 1.5")
    expect(grant).to_contain_text("有效")
    number = grant.locator("td").first.inner_text()

    lin.get_by_role("link", name="返回待办").click()
    card = lin.locator(".card", has=lin.locator(f"form[action='/queue/grants/{number}/revoke']"))
    card.get_by_text("撤销").first.click()
    card.get_by_label("理由").fill("研究已经结束")
    card.get_by_role("button", name="撤销").click()
    expect(lin.locator(f"form[action='/queue/grants/{number}/revoke']")).to_have_count(0)
    wang.reload()
    expect(wang.get_by_role("row").filter(has_text="ε 1.5")).to_contain_text("已撤销")
    expect(wang.get_by_role("row").filter(has_text="ε 1.5")).to_contain_text("研究已经结束")


def test_a_buyer_orders_gets_a_key_once_calls_and_sees_usage_and_bill_to_the_fen(open_as: OpenAs) -> None:
    window = open_as("chen")
    page = window.page
    page.get_by_role("link", name="产品").first.click()
    page.get_by_role("link", name="餐饮卫生检查").click()
    page.get_by_role("button", name="订购").click()
    page.wait_for_url("**/licences/*")
    licence = page.url
    page.get_by_label("标签").fill("开店分析")
    page.get_by_role(
        "button", name="创建密钥"
    ).dblclick()  # as many people press every button: it is one key all the same
    expect(page.get_by_text("此密钥只显示这一次")).to_be_visible()
    secret = page.locator(".key code").inner_text().strip()
    assert len(secret) > 30

    # loaded again, it is the licence's page, with one key; the way back and the address typed again
    # show the key no more
    shown_at = page.url
    assert secret not in shown_at
    page.reload()
    for again in (lambda: None, page.go_back, lambda: page.goto(shown_at)):
        again()
        page.wait_for_url(licence)
        keys = page.get_by_role("row").filter(has_text="开店分析")
        expect(keys).to_have_count(1)
        expect(keys).to_contain_text("有效")
        assert secret not in page.content()

    address = f"{window.portal}/api/v1/call/inspections?year=2019"
    for number in range(3):  # one is free, two are 30 fen
        answer = httpx.get(
            address, headers={"Authorization": f"Bearer {secret}", "Idempotency-Key": f"shop-{number}"}
        )
        assert answer.status_code == httpx.codes.OK, answer.text
        assert answer.json()["rows"]
    page.goto(licence)
    lines = page.locator("table").last.locator("tbody tr")
    expect(lines).to_have_count(3)
    fen = [fen_of(text) for text in lines.locator(".number").all_inner_texts()]
    assert sorted(fen) == [0, 30, 30]
    expect(lines.filter(has_text="免费额度")).to_have_count(1)
    page.get_by_role("link", name="账单预览").click()
    expect(page.get_by_role("heading", name="账单预览")).to_be_visible()
    total = page.locator("tfoot th.number").inner_text()
    assert fen_of(total) == sum(fen) == 60
    assert sum(map(fen_of, page.locator("tbody td.number:last-child").all_inner_texts())) == 60


def fen_of(text: str) -> int:
    """¥1,234.05 is 123405, without a float in between."""
    found = re.fullmatch(r"¥([\d,]+)\.(\d\d)", text.strip())
    assert found, text
    return int(found[1].replace(",", "") + found[2])
