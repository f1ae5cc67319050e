"""An officer turns an uploaded file into a dataset on the pages, with a real vault."""

import html
import http.client
import os
import re
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from listed_market import words_of
from pulled_city import OPEN
from pushed_city import WARDS
from sandbox.drafts.tables import draft_files

PASSWORD = "a long enough password"
HEADERS = "患者编号,性别,年龄,费用,备注\r\n"


def visits(rows: int = 200) -> bytes:
    """Visits to a hospital as a department exports them, in GBK."""
    lines = (
        f"P{row % 80:04},{'男' if row % 3 else '女'},{20 + row % 50},{100 + row * 7 % 900}.50,复查\r\n"
        for row in range(rows)
    )
    return (HEADERS + "".join(lines)).encode("gbk")


def token(browser) -> str:
    return re.search(r'name="csrf" value="([0-9a-f]+)"', browser.get("/me").text)[1]


def upload(browser, content: bytes | Iterator[bytes], name: str = "门诊.csv") -> httpx.Response:
    headers = {"X-CSRF-Token": token(browser), "Content-Type": "application/octet-stream"}
    return browser.client.post("/uploads", params={"name": name}, content=content, headers=headers)


def drafted(browser, content: bytes, name: str = "门诊.csv") -> str:
    """The address of a new draft."""
    file = upload(browser, content, name)
    assert file.status_code == 201, file.text
    answer = browser.send("/drafts/files/" + file.json()["file"], "/drafts")
    assert answer.status_code == 303, answer.text
    return answer.headers["location"].removesuffix("/file")


def fields(page: str, action: str) -> dict[str, str]:
    """What a browser would send of the form, if nothing in it was changed."""
    form = re.search(rf'<form[^>]*action="{re.escape(action)}"[^>]*>.*?</form>', page, re.DOTALL)[0]
    found: dict[str, str] = {}
    for tag in re.findall(r"<input\b[^>]*>", form):
        name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
        boxed = re.search(r'type="(checkbox|radio)"', tag)
        if name and (not boxed or re.search(r"\schecked\b", tag)):
            found[html.unescape(name[1])] = html.unescape(value[1]) if value else "on"
    for name, inner in re.findall(r'<textarea\b[^>]*name="([^"]*)"[^>]*>(.*?)</textarea>', form, re.DOTALL):
        found[html.unescape(name)] = html.unescape(inner.removeprefix("\n"))
    for name, inner in re.findall(r'<select\b[^>]*name="([^"]*)"[^>]*>(.*?)</select>', form, re.DOTALL):
        options = re.findall(r"<option([^>]*)>([^<]*)</option>", inner)
        chosen = next((one for one in options if "selected" in one[0]), options[0])
        value = re.search(r'value="([^"]*)"', chosen[0])
        found[html.unescape(name)] = html.unescape(value[1] if value else chosen[1])
    return found


def save(browser, draft: str, step: str, *, stale: dict[str, str] | None = None, **changes: str):
    """Send a step's form as its page shows it (or as it was shown before), with these changes."""
    address = f"{draft}/{step}"
    sent = stale
    if sent is None:
        shown = browser.get(address)
        assert shown.status_code == 200, shown.text
        sent = fields(shown.text, address)
    return browser.client.post(address, data=sent | {"go": "next"} | changes)


def policy(browser, draft: str) -> str:
    return browser.get(f"{draft}/policy.yaml").text


def publish(browser, draft: str) -> httpx.Response:
    page = browser.get(f"{draft}/publish").text
    confirmed = re.findall(r'name="confirmed" value="([a-z_]+)"', page)
    sent = fields(page, f"{draft}/publish") | {"confirmed": confirmed}
    return browser.client.post(f"{draft}/publish", data=sent)


def test_a_gbk_file_becomes_a_dataset_by_going_through_the_steps(person) -> None:
    lin = person("lin")
    draft = drafted(lin, visits())
    first = lin.get(f"{draft}/file").text
    assert "P0001" in first and "复查" in first and 'value="gb18030" selected' in first
    changed = {
        "file": {},
        "unit": {"max_rows": "4"},
        "columns": {
            "columns.备注.role": "drop",
            "columns.费用.title.en": "cost",
            "columns.性别.name": "sex",
        },
        "values": {"accept:columns.费用.bounds": "on", "columns.年龄.bounds.high": "110"},
        "about": {
            "dataset": "health.outpatients",
            "summary.zh": "门诊记录。",
            "budget.question_epsilon": "0.3",
        },
    }
    for step, changes in changed.items():
        answer = save(lin, draft, step, **changes)
        assert answer.status_code == 303, (step, answer.text)
    text = policy(lin, draft)
    assert "sex: {role: key" in text and "dropped_columns: [备注]" in text, text
    assert "max_rows: 4" in text and "bounds: [0, 110]" in text and "bounds: [0, 1000]" in text, text
    last = lin.get(f"{draft}/publish").text
    assert "没有需要改正的地方" in last and "stand-in-residents" in last, last
    sent = publish(lin, draft)
    assert sent.status_code == 303 and sent.headers["location"] == draft, sent.text
    assert 'href="/datasets/health.outpatients"' in lin.get(draft).text
    assert "门诊记录。" in person("wang").get("/datasets/health.outpatients").text
    assert lin.get(f"{draft}/values").status_code == 303, "it is no draft any more"
    assert lin.get("/drafts").text.count("health.outpatients") == 1
    newer = drafted(lin, visits())
    assert "目录中已有" not in lin.get(f"{newer}/publish").text
    assert save(lin, newer, "about", dataset="health.outpatients").status_code == 303
    assert (
        "成为它的第 2 版" in lin.get(f"{newer}/publish").text and "第 2 版" in lin.get(f"{newer}/about").text
    )


def test_bounds_that_were_seen_in_the_rows_need_a_tick(person) -> None:
    lin = person("lin")
    draft = drafted(lin, visits())
    page = lin.get(f"{draft}/values").text
    assert 'name="accept:columns.费用.bounds"' in page and "来自数据行" in page
    assert save(lin, draft, "values").status_code == 303
    assert "bounds: [0, 1000]" not in policy(lin, draft)
    assert save(lin, draft, "values", **{"accept:columns.费用.bounds": "on"}).status_code == 303
    assert "bounds: [0, 1000]" in policy(lin, draft)


def test_what_cannot_be_read_is_shown_again_with_all_that_was_typed(person) -> None:
    lin = person("lin")
    draft = drafted(lin, visits())
    answer = save(
        lin, draft, "values", **{"columns.年龄.bounds.high": "老", "columns.性别.values": "男\n女\n未知"}
    )
    assert answer.status_code == 422 and "“老”不是数字" in answer.text
    kept = fields(answer.text, f"{draft}/values")
    assert kept["columns.年龄.bounds.high"] == "老" and kept["columns.性别.values"] == "男\n女\n未知"
    refused = save(lin, draft, "unit", whom="column", column="")
    assert refused.status_code == 422 and "请选择标识栏" in refused.text


def test_a_conflict_loses_neither_what_was_typed_nor_what_was_saved(person) -> None:
    lin, colleague = person("lin"), person("hua")
    draft = drafted(lin, visits())
    read = fields(lin.get(f"{draft}/about").text, f"{draft}/about")
    assert (
        save(colleague, draft, "about", **{"title.zh": "同事的标题", "source.licence": "CC0-1.0"}).status_code
        == 303
    )
    answer = save(lin, draft, "about", stale=read, **{"title.zh": "我的标题"})
    assert answer.status_code == 409 and "hua 已在此期间保存" in answer.text
    assert '现已保存： <b translate="no">同事的标题</b>' in answer.text
    again = fields(answer.text, f"{draft}/about")
    assert again["title.zh"] == "我的标题" and "同事的标题" in policy(lin, draft)
    again["source.licence"] = "CC0-1.0"
    assert save(lin, draft, "about", stale=again).status_code == 303
    assert "我的标题" in policy(lin, draft) and "CC0-1.0" in policy(lin, draft)


def test_a_step_whose_login_has_ended_is_kept_whole(person) -> None:
    lin = person("lin")
    draft = drafted(lin, visits())
    typed = fields(lin.get(f"{draft}/columns").text, f"{draft}/columns") | {
        "columns.备注.title.en": "remarks"
    }
    lin.client.cookies.clear()
    ended = save(lin, draft, "columns", stale=typed)
    assert ended.status_code == 401
    answer = lin.client.post(
        "/login", data=fields(ended.text, "/login") | {"account": "lin", "password": PASSWORD}
    )
    assert answer.status_code == 200 and "请核对后再次提交" in answer.text
    again = fields(answer.text, f"{draft}/columns")
    assert lin.client.post(f"{draft}/columns", data=again).status_code == 303
    assert "remarks" in policy(lin, draft)


def test_a_form_that_changes_nothing_is_no_revision(person) -> None:
    lin = person("lin")
    draft = drafted(lin, visits())
    for step in ("file", "unit", "columns", "values", "about"):
        assert save(lin, draft, step).status_code == 303
    assert "第 1 次保存" in lin.get(draft).text


def test_data_about_nobody_is_open_and_has_no_budget(person) -> None:
    zhou = person("zhou")
    draft = drafted(zhou, "站点,数量\n东,3\n西,4\n".encode(), "stations.csv")
    assert save(zhou, draft, "unit", whom="nobody").status_code == 303
    about = zhou.get(f"{draft}/about").text
    assert "budget.dataset_epsilon" not in about and "unit:" not in policy(zhou, draft)
    assert save(zhou, draft, "about", dataset="market.stations").status_code == 303
    assert publish(zhou, draft).status_code == 303
    assert zhou.get("/datasets/market.stations").status_code == 200


def test_another_header_row_is_shown_at_once_and_read_when_saved(person) -> None:
    lin = person("lin")
    draft = drafted(lin, visits())
    looked = lin.get(f"{draft}/file", params={"header_row": "0", "encoding": "gb18030"}).text
    assert looked.count("患者编号") > 0 and "第 1 次保存" in looked
    answer = save(lin, draft, "file", header_row="2")
    assert answer.status_code == 303 and answer.headers["location"] == f"{draft}/unit"
    assert "header_row: 2" in policy(lin, draft) and "P0000" in policy(lin, draft)
    wrong = save(lin, draft, "file", header_row="zwei")
    assert wrong.status_code == 422 and "不是 0 至 30 的整数" in wrong.text


def test_a_colleague_takes_over_and_sees_no_rows(person) -> None:
    lin, colleague = person("lin"), person("hua")
    draft = drafted(lin, visits())
    assert (
        "P0001" not in colleague.get(f"{draft}/file").text
        and f'href="{draft}"' in colleague.get("/drafts").text
    )
    unknown = lin.send(draft, f"{draft}/hand-over", to="wang", note="")
    assert unknown.status_code == 422 and "不是本部门的数据专员" in unknown.text
    assert lin.send(draft, f"{draft}/hand-over", to="hua", note="请继续").status_code == 303
    assert "请继续" in lin.get(draft).text and "负责人 hua" in lin.get(draft).text
    assert person("zhou").get(draft).status_code == 404, "of another department"
    assert lin.send(draft, f"{draft}/drop").status_code == 303
    assert f'href="{draft}"' not in lin.get("/drafts").text


def test_a_second_person_agrees_before_grade_4_is_published(person) -> None:
    lin, colleague = person("lin"), person("hua")
    draft = drafted(lin, visits())
    assert save(lin, draft, "about", dataset="health.strict", grade="4").status_code == 303
    page = lin.get(f"{draft}/publish").text
    assert f'action="{draft}/agree"' not in page and "另一位数据专员" in page
    refused = publish(lin, draft)
    assert refused.status_code == 409 and 'role="alert"' in refused.text
    assert colleague.send(f"{draft}/publish", f"{draft}/agree").status_code == 303
    assert "hua 已同意" in lin.get(f"{draft}/publish").text
    assert publish(lin, draft).status_code == 303


def test_the_policy_can_be_edited_as_text_and_its_faults_lead_to_their_steps(person) -> None:
    lin = person("lin")
    draft = drafted(lin, visits())
    broken = re.sub(r"values: \[[^]]*\], ", "", policy(lin, draft))
    assert lin.send(f"{draft}/policy", f"{draft}/policy", policy=broken, note="试试").status_code == 303
    page = lin.get(f"{draft}/publish").text
    assert f'<a href="{draft}/values">去改正</a>' in page and " disabled>发布" in page
    assert lin.send(f"{draft}/policy", f"{draft}/policy", policy="{ not yaml").status_code == 303
    page = lin.get(f"{draft}/publish").text
    assert f'<a href="{draft}/policy">去改正</a>' in page
    for step in ("unit", "columns", "values", "about"):
        assert lin.get(f"{draft}/{step}").status_code == 200
    # somebody else's text is never lost
    old = lin.client.post(
        f"{draft}/policy", data={"csrf": token(lin), "revision": "1", "policy": "dataset: mine"}
    )
    assert old.status_code == 409 and "dataset: mine" in old.text and "{ not yaml" in old.text


def test_every_step_of_a_half_edited_draft_is_shown(person) -> None:
    lin = person("lin")
    draft = drafted(lin, visits(20), "half.csv")
    for text in (
        "dataset: health.half\n",
        "title: 5\ncolumns: {a: 5, b: {title: x, role: key, type: integer, values: 3}}\ndropped_columns: 5\n"
        "steps: 5\nfile: 5\nunit: [1]\ngrade: [9]\n",
        "title: {zh: [1]}\ncolumns: {a: {role: measure, title: {zh: 甲}}}\ndropped_columns: [[a]]\n"
        "steps: [5, {map: a, values: 3}]\nunit: {columns: 5, kind: x}\ngrade: 9\n",
    ):
        revision = fields(lin.get(f"{draft}/policy").text, f"{draft}/policy")["revision"]
        saved = lin.send(f"{draft}/policy", f"{draft}/policy", policy=text, revision=revision)
        assert saved.status_code == 303, saved.text
        for step in ("file", "unit", "columns", "clean", "values", "about", "publish", "policy"):
            assert lin.get(f"{draft}/{step}").status_code == 200, (step, text)
        refused = lin.send(f"{draft}/file", f"{draft}/file", revision=str(int(revision) + 1), header_row="2")
        assert refused.status_code == 422 and re.search("第 [123] 行：", refused.text), refused.text


def test_a_file_that_cannot_be_read_can_be_read_in_another_way_or_removed(person) -> None:
    lin = person("lin")
    file = upload(lin, b"\x50\x4b\x03\x04 this is no zip", "坏.zip").json()["file"]
    answer = lin.send(f"/drafts/files/{file}", "/drafts")
    assert answer.status_code == 422 and 'role="alert"' in answer.text
    assert lin.send("/drafts", f"/drafts/files/{file}/remove").status_code == 303
    assert lin.get(f"/drafts/files/{file}").status_code == 404


def announced(city, browser, length: int, headers: dict[str, str]) -> tuple[int, str]:
    """What an upload of so many bytes is answered with before any of them is sent."""
    connection = http.client.HTTPConnection(city.portal.url.removeprefix("http://"), timeout=120)
    connection.putrequest("POST", "/uploads?name=x.csv")
    cookies = "; ".join(f"{name}={value}" for name, value in browser.client.cookies.items())
    for name, value in {**headers, "Cookie": cookies, "Content-Length": str(length)}.items():
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer.status, body


@pytest.mark.parametrize(
    ("who", "code", "status"),
    [("", "not_authenticated", 401), ("lin", "stale_form", 403), ("wang", "officers_only", 403)],
)
def test_who_may_not_upload_is_refused_before_a_byte_is_read(
    shared_city, person, who: str, code: str, status: int
) -> None:
    browser = person(who) if who else shared_city.portal.browser()
    headers = {"X-CSRF-Token": token(browser)} if who == "wang" else {}
    answered, body = announced(shared_city, browser, 1_000_000, headers)
    assert answered == status and code in body


def test_only_an_upload_may_be_large(shared_city, person) -> None:
    lin = person("lin")
    assert lin.client.post("/drafts", data={"file": "x" * 300_000}).status_code == 413
    status, body = announced(shared_city, lin, 3 * 1024**3, {"X-CSRF-Token": token(lin)})
    assert status == 413 and "http_413" in body


def opened_files() -> set[str]:
    """The files that this process, in which portal and vault run, has open without a name."""
    found = set()
    for descriptor in os.listdir("/proc/self/fd"):
        try:
            found.add(os.readlink(f"/proc/self/fd/{descriptor}"))
        except OSError:
            continue
    return {name for name in found if name.endswith("(deleted)") or name.startswith(tempfile.gettempdir())}


def await_state(database, name: str, wanted: str) -> bool:
    """Whether the vault has a file of this name in this state within two minutes."""
    for _ in range(1200):
        with database.transaction() as tx:
            state = tx.scalar(select(draft_files.c.state).where(draft_files.c.name == name))
        if state == wanted:
            return True
        time.sleep(0.1)
    return False


def test_an_upload_streams_and_lies_in_no_file(
    person, shared_database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lin = person("lin")
    watched = tmp_path / "temporary"
    watched.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(watched))
    before, seen, ended = opened_files(), set(), threading.Event()

    def watch() -> None:
        while not ended.wait(0.002):
            seen.update(opened_files() - before)
            seen.update(map(str, watched.rglob("*")))

    watcher = threading.Thread(target=watch)
    watcher.start()
    begun = []

    def pieces() -> Iterator[bytes]:
        yield HEADERS.encode("gbk")
        line = "P0001,女,30,12.50,复查\r\n".encode("gbk")
        for piece in range(40):
            yield line * 10_000
            if piece == 30:  # the vault stores while the browser still sends
                begun.append(await_state(shared_database, "流.csv", "storing"))

    try:
        answer = upload(lin, pieces(), "流.csv")
    finally:
        ended.set()
        watcher.join()
    assert answer.status_code == 201, answer.text
    assert begun == [True] and not seen


def test_an_upload_that_breaks_off_leaves_nothing(person, shared_database) -> None:
    lin = person("lin")

    def pieces() -> Iterator[bytes]:
        yield HEADERS.encode()
        assert await_state(shared_database, "断.csv", "storing")
        raise ConnectionAbortedError

    with pytest.raises(ConnectionAbortedError):
        upload(lin, pieces(), "断.csv")
    assert await_state(shared_database, "断.csv", "removed")
    assert upload(lin, visits()).status_code == 201


def test_rows_are_cleaned_by_forms_with_a_preview_and_each_step_can_be_taken_out(person) -> None:
    lin, colleague = person("lin"), person("hua")
    draft = drafted(lin, visits())
    empty = lin.get(f"{draft}/clean")
    assert empty.status_code == 200 and "还没有步骤" in empty.text

    def send(**sent: str | list[str]) -> httpx.Response:
        page = lin.get(f"{draft}/clean").text
        known = re.search(r'name="revision" value="(\d+)"', page)[1]
        return lin.client.post(f"{draft}/clean", data={"csrf": token(lin), "revision": known, **sent})

    added = (
        {"form": "trim", "columns": ["备注"]},
        {"form": "bands", "column": "年龄", "bands": "0, 30，50", "into": "年龄段", "leave_out": "on"},
        {"form": "pseudonym", "column": "患者编号", "into": "", "shared_as": "patients"},
        {"form": "drop_rows", "condition": "费用 > 990"},
    )
    for sent in added:
        assert send(**sent).status_code == 303, sent
    text = policy(lin, draft)
    assert "  - {generalise: 年龄, bands: [0, 30, 50], into: 年龄段}" in text, text
    assert re.search(r"年龄: \{role: hidden, .*keep: false", text) and "年龄段: {role: attribute" in text
    page = lin.get(f"{draft}/clean", params={"after": "2"}).text
    assert "P0001" in page and "30-49" in page and "第 2 步之后" in page and "只有您能看到" in page
    other = colleague.get(f"{draft}/clean").text
    assert "P0001" not in other and "虚构的行" in other
    assert send(up="4").status_code == 303 and send(remove="1").status_code == 303
    steps = re.findall(r"^  - \{(\w+)", policy(lin, draft), re.MULTILINE)
    assert steps == ["generalise", "drop_rows", "pseudonym"]
    for wrong in ({"form": "limit", "column": "费用", "low": "x", "high": ""}, {"remove": "9"}):
        refused = send(**wrong)
        assert refused.status_code == 422 and 'role="alert"' in refused.text
    assert send(form="derive", into="x", **{"as": "COUNT(*)", "into.type": "integer"}).status_code == 303
    assert "混合多人的行" in lin.get(f"{draft}/clean").text
    assert send(remove="4").status_code == 303
    assert send(go="next").headers["location"] == f"{draft}/values"
    assert save(lin, draft, "about", dataset="health.cleaned").status_code == 303
    assert publish(lin, draft).status_code == 303
    shown = lin.get("/datasets/health.cleaned").text
    assert "年龄段" in shown and "990" not in words_of(shown)


def test_pulls_are_shown_to_officers_and_refusals_stand_beside_the_form(person) -> None:
    page = person("lin").get("/pulls")
    assert page.status_code == 200 and 'lang="zh' in page.text and "定时采集" in page.text
    assert 'href="/pulls"' in person("lin").get("/drafts").text
    form = {"dataset": "health.none", "source": "x", "kind": "table", "what": "t", "schedule": "0 3 * * *"}
    browser = person("lin")
    told = browser.client.post("/pulls", data=form | {"csrf": token(browser)})
    assert told.status_code == 422 and 'role="alert"' in told.text
    # a page that says no revision agrees to nothing
    agreed = browser.client.post("/pulls/health.none/agree", data={"csrf": token(browser)})
    assert agreed.status_code == 422 and 'role="alert"' in agreed.text
    assert person("wang").get("/pulls").status_code == 403


def test_push_credentials_are_issued_shown_once_and_revoked_on_a_page(person) -> None:
    lin = person("lin")
    assert 'href="/pushes"' in lin.get("/drafts").text and person("wang").get("/pushes").status_code == 403
    first = lin.get("/pushes").text
    assert "签发凭据" in first
    dataset = first.partition('" selected>')[0].rpartition('value="')[2]
    form = {"dataset": dataset, "label": "nightly-page", "mode": "replace", "days": "9", "csrf": token(lin)}
    issued = lin.client.post("/pushes", data=form)
    secret = issued.text.partition("cihu_push_")[2].partition("<")[0]
    assert issued.status_code == 200 and secret and issued.headers["Cache-Control"] == "no-store"
    page = lin.get(f"/pushes?dataset={dataset}").text
    assert "nightly-page" in page and secret not in page
    wrong = lin.client.post("/pushes", data=form | {"days": "4000"})
    assert wrong.status_code == 422 and 'role="alert"' in wrong.text
    revoke = page.partition("nightly-page")[2].partition("/revoke")[0].rpartition('action="')[2]
    assert lin.client.post(f"{revoke}/revoke", data={"csrf": token(lin)}).status_code in {200, 303}
    assert "nightly-page" not in lin.get(f"/pushes?dataset={dataset}").text


def test_the_batches_of_a_push_stand_on_its_page(person, shared_city) -> None:
    lin, vault, name = person("lin"), shared_city.vault("lin"), "clinic.page_of_push"
    shared_city.publish("lin", OPEN.format(name=name), WARDS)
    pushed = vault.post(f"/datasets/{name}/pushes", json={"name": "nightly"}).json()
    headers = {"Idempotency-Key": "1", "Content-Type": "text/csv"}
    path = f"/datasets/{name}/pushes/{pushed['id']}"
    assert vault.post(f"{path}/batches", content=WARDS, headers=headers).status_code == 201
    at = f"/pushes/{name}/{pushed['id']}"
    assert at in lin.get(f"/pushes?dataset={name}").text and person("wang").get(at).status_code == 403
    page = lin.get(at).text
    assert "nightly" in page and "<td>2</td>" in page and "已接收" in page
    assert lin.client.post(f"{at}/abandon", data={"csrf": token(lin)}).status_code in {200, 303}
    assert "已放弃" in lin.get(at).text and "已移除" in lin.get(at).text
    again = lin.client.post(f"{at}/agree", data={"csrf": token(lin)})
    assert again.status_code == 422 and 'role="alert"' in again.text


def test_a_column_that_was_left_out_comes_back_and_what_comes_next_is_said(person) -> None:
    """At the end of the wizard, and the next version takes over all that was decided."""
    lin = person("lin")
    draft = drafted(lin, visits(), "回来.csv")
    assert save(lin, draft, "columns", **{"columns.费用.role": "drop"}).status_code == 303
    page = lin.get(f"{draft}/columns").text
    assert 'name="restore" value="费用"' in page
    assert save(lin, draft, "columns", restore="费用", go="stay").status_code == 303
    assert "费用: {" in policy(lin, draft) and "dropped_columns" not in policy(lin, draft)
    assert save(lin, draft, "unit", max_rows="4").status_code == 303
    assert save(lin, draft, "about", dataset="health.returned").status_code == 303
    assert publish(lin, draft).status_code == 303
    done = lin.get(draft).text
    assert "接下来" in done and "/datasets/health.returned#stand-in" in done

    file = upload(lin, visits(120), "下月.csv").json()["file"]
    again = lin.send(f"/drafts/files/{file}", "/drafts", next_of="health.returned")
    assert again.status_code == 303, again.text
    assert 'dataset: "health.returned"' in policy(lin, again.headers["location"].removesuffix("/file"))


def test_many_files_are_drafted_after_one_dataset(person) -> None:
    """What the page's script does with each file; a fault of one keeps no other back."""
    lin = person("lin")
    assert lin.get("/drafts/bulk").status_code == 200
    headers = {"X-CSRF-Token": token(lin), "Accept-Language": "zh"}
    outcomes = []
    for name, content in (("三月.csv", visits(90)), ("四月.csv", visits(95)), ("坏.csv", b"x\n1\n")):
        file = upload(lin, content, name).json()["file"]
        asked = {"file": file, "like": "health.returned", "publish": "false"}
        told = lin.client.post("/drafts/bulk", params=asked, headers=headers)
        assert told.status_code == 200, told.text
        outcomes.append(told.json())
    assert [each["outcome"] for each in outcomes[:2]] == ["drafted", "drafted"], outcomes
    assert outcomes[2]["outcome"] in ("problems", "differs") and "已起草" in outcomes[2]["words"]
    assert lin.client.post("/drafts/bulk", params=asked).status_code in (401, 403), "without the form's token"
    assert person("wang").get("/drafts/bulk").status_code == 403


DERIVED = """
dataset: health.costly
title: {zh: 高费用就诊, en: Costly visits}
summary: {zh: 高费用就诊, en: Costly visits}
department: health
grade: "3"
source: {name: made up, licence: CC0-1.0}
about_rows: 100
population: residents
unit: {column: person, kind: person, max_rows: 4}
budget: {delta: "1e-6", dataset_epsilon: "8", grant_epsilon: "4", question_epsilon: "0.5"}
columns:
  person: {role: unit, type: text, grade: "4"}
  visits: {role: measure, type: integer, bounds: [0, 10], step: "1"}
derive: |
  SELECT person, visits FROM clinic.visits@1 WHERE cost > 50
"""


def test_a_derived_dataset_is_proposed_agreed_to_run_and_shown(person) -> None:
    lin, hua = person("lin"), person("hua")
    wrong = lin.send("/derivations", "/derivations", policy=DERIVED.replace("cost > 50", "SUM(cost) > 5"))
    assert wrong.status_code == 422 and 'role="alert"' in wrong.text and "SUM(cost)" in wrong.text
    assert lin.send("/derivations", "/derivations", policy=DERIVED).status_code == 303
    page = lin.get("/derivations").text
    assert "clinic.visits@1" in page and "/derivations/health.costly/agree" not in page
    assert hua.send("/derivations", "/derivations/health.costly/agree").status_code == 303
    assert lin.send("/derivations", "/derivations/health.costly/run").status_code == 303
    # what is derived is reviewed before it opens; the second officer has answered by agreeing
    waiting = set(re.findall(r'href="(/openings/[0-9]+)"', lin.get("/openings").text))
    [review] = [one for one in waiting if "health.costly" in lin.get(one).text]
    items = re.findall(r'name="item" value="([a-z_]+)"', lin.get(review).text)
    csrf = re.search(r'name="csrf" value="([^"]+)"', lin.get(review).text)
    assert csrf and items
    answers = {"item": items, "answer": ["yes"] * len(items), "note": ["as agreed"] * len(items)}
    assert lin.client.post(f"{review}/answers", data={"csrf": csrf[1], **answers}).status_code == 303
    shown = person("wang").get("/datasets/health.costly").text
    assert "clinic.visits@1" in shown and "cost &gt; 50" in shown
    assert person("wang").get("/derivations").status_code == 403
