"""An officer uploads a file as a department exports it, and publishes it through the pages alone."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from browser_window import (
    NARROW,
    OVERFLOWING,
    OVERLAPPING,
    UNLABELLED,
    UNNAMED,
    UNTRANSLATED,
    WIDE,
    Window,
)

pytestmark = [pytest.mark.slow, pytest.mark.alone, pytest.mark.timeout(300)]

OpenAs = Callable[..., Window]
LOOKS = {"unlabelled": UNLABELLED, "unnamed": UNNAMED, "too wide": OVERFLOWING, "overlapping": OVERLAPPING}
NAMES = ["English", "lin", "health", "stand-in", "internal", "unfit"]


def members() -> bytes:
    """Visits to a gym, in GBK, with Chinese headers, dates and one cell that is no number."""
    lines = [
        f"M{row % 90:04},{'男' if row % 2 else '女'},{18 + row % 50},2024年{1 + row % 12}月{1 + row % 28}日,"
        f"{'多' if row == 7 else row % 120},{'是' if row % 3 else '否'}"
        for row in range(300)
    ]
    return "\r\n".join(["会员编号,性别,年龄,到访日期,停留分钟,是否团课", *lines]).encode("gbk")


def looked_at(page: Page, wrong: list[object]) -> None:
    """Note what is not as it should be on a page in Chinese, wide and narrow."""
    step = page.url.rpartition("/")[2]
    for size in (NARROW, WIDE):
        page.set_viewport_size(size)
        wrong += [(step, size, name, found) for name, look in LOOKS.items() if (found := page.evaluate(look))]
    if found := page.evaluate(UNTRANSLATED, NAMES):
        wrong.append((step, "untranslated", found))


def go_on(page: Page, wrong: list[object], then: str) -> None:
    looked_at(page, wrong)
    page.get_by_role("button", name="保存并继续").click()
    page.wait_for_url(f"**/{then}")


def answer_the_review(page: Page, wrong: list[object]) -> None:
    """Before a dataset opens, a review asks its publisher what the system cannot know. Leads to its page."""
    page.wait_for_url("**/openings/*")
    looked_at(page, wrong)
    for answer in page.locator("select[name=answer]").all():
        answer.select_option("yes")
    for why in page.locator("input[name=note]").all():
        why.fill("已核对")
    page.get_by_role("button", name="提交回答").click()
    expect(page.get_by_text("已开放").first).to_be_visible()
    page.get_by_role("link", name="数据目录").first.click()
    page.get_by_role("link", name=re.compile("健身房")).first.click()


def test_a_gbk_file_is_published_through_the_pages_alone(open_as: OpenAs) -> None:
    page = open_as("lin").page
    wrong: list[object] = []
    page.get_by_role("link", name="数据专区").first.click()
    page.get_by_role("link", name="上传文件").click()
    looked_at(page, wrong)
    page.get_by_label("选择文件").set_input_files(
        {"name": "健身房到访.csv", "mimeType": "text/csv", "buffer": members()}
    )
    page.get_by_role("button", name="上传").click()
    page.wait_for_url("**/drafts/*/file")
    expect(page.get_by_role("cell", name="M0001")).to_be_visible()
    expect(page.get_by_label("文字编码")).to_have_value("gb18030")

    # another separator is tried and seen at once, and put back
    page.get_by_label("分隔符").select_option("分号")
    expect(page.get_by_role("cell", name="M0001", exact=True)).to_have_count(0)
    page.get_by_label("分隔符").select_option("逗号")
    expect(page.get_by_role("cell", name="M0001", exact=True)).to_be_visible()
    go_on(page, wrong, "unit")

    expect(page.get_by_label("一栏标识出对象")).to_be_checked()
    page.get_by_label("每个对象最多计多少行").fill("5")
    go_on(page, wrong, "columns")

    expect(page.get_by_text("1 个单元格不符合类型")).to_be_visible()
    page.get_by_label("不符合类型的单元格 停留分钟").select_option("不符合则置空")
    page.get_by_label("英文名称 停留分钟").fill("minutes")
    go_on(page, wrong, "clean")

    looked_at(page, wrong)
    page.locator("summary", has_text="数值分段").click()
    bands = page.locator("details[open]")
    bands.get_by_label(re.compile("^栏目")).select_option("年龄")
    bands.get_by_label("各段的起点").fill("0, 30, 50")
    bands.get_by_label("新栏目的名称").fill("年龄段")
    looked_at(page, wrong)
    bands.get_by_role("button", name="添加此步骤").click()
    expect(page.get_by_role("row").filter(has_text="数值分段")).to_contain_text("0, 30, 50")
    expect(page.get_by_role("cell", name="30-49").first).to_be_visible()
    looked_at(page, wrong)
    page.get_by_role("button", name="下一步").click()
    page.wait_for_url("**/values")

    minutes = page.get_by_role("region", name=re.compile("停留分钟"))
    minutes.get_by_label("采用从数据行中看到的值").check()
    go_on(page, wrong, "about")

    page.get_by_label("数据集标识").fill("health.gym_visits")
    page.get_by_label("英文名称").fill("Visits to a gym")
    page.get_by_label("英文摘要").fill("Visits of members to a gym.")
    page.get_by_label("来源").fill("市体育馆")
    go_on(page, wrong, "publish")

    expect(page.get_by_text("没有需要改正的地方")).to_be_visible()
    expect(page.get_by_role("cell", name=re.compile("stand-in")).first).to_be_visible()
    looked_at(page, wrong)
    page.get_by_role("button", name="发布", exact=True).click()
    answer_the_review(page, wrong)
    expect(page.get_by_role("row").filter(has_text="停留分钟")).to_contain_text("度量")
    assert not wrong, "\n".join(map(str, wrong))


def test_an_upload_can_be_called_off_and_says_what_went_wrong(open_as: OpenAs) -> None:
    window = open_as("lin")
    window.expected["/uploads"] = 422
    page = window.page
    window.goto("/drafts/upload")
    page.get_by_label("选择文件").set_input_files({"name": "空.csv", "mimeType": "text/csv", "buffer": b""})
    page.get_by_role("button", name="上传").click()
    expect(page.get_by_role("alert")).to_contain_text("文件是空的")

    line = page.context.new_cdp_session(page)
    line.send("Network.enable")
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 200_000}
    line.send("Network.emulateNetworkConditions", slow)
    page.get_by_label("选择文件").set_input_files(
        {"name": "大.csv", "mimeType": "text/csv", "buffer": b"a,b\n" + b"1,2\n" * 500_000}
    )
    page.get_by_role("button", name="上传").click()
    expect(page.get_by_role("status")).to_contain_text("，共 1.9 MB")
    page.get_by_role("button", name="取消").click()
    expect(page.get_by_role("alert")).to_contain_text("已取消上传")
    fast = slow | {"uploadThroughput": -1}
    line.send("Network.emulateNetworkConditions", fast)

    window.expected["/uploads"] = 401
    page.context.clear_cookies(name="cihu_session")
    page.get_by_role("button", name="上传").click()
    expect(page.get_by_role("alert")).to_contain_text("登录已过期")
