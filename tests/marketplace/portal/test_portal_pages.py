"""The pages over HTTP, without JavaScript, with a real vault:
every kind of person can do their whole job on them."""

import io
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import httpx
import pyarrow.parquet
import pytest
from sqlalchemy import select, text

from marketplace.portal.messages import MESSAGES
from marketplace.portal.rendering import FOLDER
from sandbox.grants.tables import grants

PAGES = [
    "/",
    "/me",
    "/me/password",
    "/datasets",
    "/datasets?q=clinic",
    "/datasets/clinic.visits",
    "/datasets/market.inspections",
    "/requests",
    "/runs",
    "/queue",
    "/products",
    "/products/inspections-by-business",
    "/products/visits-by-year",
    "/licences",
    "/log",
    "/log?index=0",
    "/docs",
]


def person(city, who: str):
    browser = city.portal.browser()
    assert browser.log_in(who).status_code == 303
    return browser


def test_every_page_is_shown_to_everybody_in_both_languages(city) -> None:
    city.list_rows()
    city.list_query()
    licence, _ = city.buy("inspections-by-business")
    for who, languages in (("lin", "zh en"), ("wang", "zh"), ("chen", "en"), ("he", "zh"), ("xu", "en")):
        browser = person(city, who)
        for language in languages.split():
            browser.client.cookies.set("cihu_language", language)
            for page in PAGES:
                answer = browser.get(page)
                assert answer.status_code == 200, (who, page, answer.text)
                assert not re.search(
                    r"<script(?![^>]*src=)|<style|style=|\son\w+=|javascript:", answer.text
                ), page
    assert person(city, "chen").get(f"/licences/{licence}").status_code == 200
    assert person(city, "xu").get(f"/licences/{licence}").status_code == 200
    assert person(city, "sun").get(f"/licences/{licence}").status_code == 404


def test_the_catalogue_finds_by_title_column_and_part_of_a_chinese_word(city) -> None:
    browser = person(city, "wang")
    for query, found in (
        ("就诊", True),
        ("诊", True),
        ("SMOKER", True),
        ("clinic smoker", True),
        ("nothing-like-it", False),
    ):
        assert ("clinic.visits" in browser.get("/datasets", params={"q": query}).text) is found, query


def test_a_datasets_page_offers_invented_rows_that_say_what_they_are(city) -> None:
    for who, name in (("wang", "clinic.visits"), ("chen", "market.inspections")):
        browser = person(city, who)
        assert f'href="/datasets/{name}/stand-in"' in browser.get(f"/datasets/{name}").text
        file = browser.get(f"/datasets/{name}/stand-in")
        assert file.headers["content-disposition"] == f'attachment; filename="{name}.stand-in.parquet"'
        table = pyarrow.parquet.read_table(io.BytesIO(file.content))
        assert table.num_rows == 1000 and b'"stand_in": "schema"' in table.schema.metadata[b"cihu"]
    assert person(city, "wang").get("/datasets/no.such/stand-in").status_code == 404


def test_from_the_request_to_the_grant_and_its_end(city, database) -> None:
    with database.transaction() as tx:
        from sandbox.identity import load_principal

        assert "cihu-lake" in load_principal(tx, "wang").teams
    analyst, officer = person(city, "wang"), person(city, "lin")
    wish = {
        "team": "cihu-lake",
        "purpose": "研究各年就诊次数的变化趋势",
        "epsilon": "1",
        "until": "2027-06-30",
    }
    address = "/datasets/clinic.visits/request"
    check = analyst.send(address, address, step="check", **wish)
    assert check.status_code == 200 and wish["purpose"] in check.text
    fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', check.text))
    sent = analyst.client.post(address, data={**fields, "step": "send"})
    assert sent.status_code == 303, sent.text
    queue = officer.get("/queue").text
    number = re.findall(r'href="/queue/requests/(\d+)"', queue)[0]
    approved = officer.send(
        f"/queue/requests/{number}",
        f"/queue/requests/{number}/approve",
        epsilon="0.5",
        until="2027-03-31",
        note="少给一些",
    )
    assert approved.status_code == 303, approved.text
    decided = officer.get(approved.headers["location"]).text
    assert "接下来" in decided and "ε 0.5" in decided and "/approve" not in decided
    mine = analyst.get("/requests").text
    assert "ε 0.5" in mine and "少给一些" in mine
    grant = re.findall(r'action="/queue/grants/(\d+)/revoke"', officer.get("/queue").text)[0]
    assert officer.send("/queue", f"/queue/grants/{grant}/revoke", reason="试验结束了").status_code == 303
    assert "已撤销" in analyst.get("/requests").text


def test_a_request_that_cannot_be_is_shown_again_with_its_words(city) -> None:
    analyst, address = person(city, "wang"), "/datasets/clinic.visits/request"
    answer = analyst.send(
        address,
        address,
        step="send",
        team="cihu-lake",
        purpose="too dear <b>",
        epsilon="99",
        until="2027-06-30",
    )
    assert answer.status_code == 422 and "too dear &lt;b&gt;" in answer.text


def test_an_officer_refuses_with_a_reason_that_the_team_reads(city) -> None:
    analyst, officer, address = person(city, "wang"), person(city, "lin"), "/datasets/clinic.visits/request"
    analyst.send(
        address,
        address,
        step="send",
        team="cihu-lake",
        purpose="to look around a little",
        epsilon="1",
        until="2027-06-30",
    )
    number = re.findall(r'href="/queue/requests/(\d+)"', officer.get("/queue").text)[0]
    officer.send(f"/queue/requests/{number}", f"/queue/requests/{number}/refuse", reason="请说明研究方案")
    assert "请说明研究方案" in analyst.get("/requests").text


def test_who_may_not_decide_is_refused_on_the_page_too(city) -> None:
    analyst, address = person(city, "wang"), "/datasets/clinic.visits/request"
    analyst.send(
        address,
        address,
        step="send",
        team="cihu-lake",
        purpose="to look around a little",
        epsilon="1",
        until="2027-06-30",
    )
    token = re.findall(r'name="csrf" value="([^"]+)"', analyst.get("/queue").text)[0]
    answer = analyst.client.post("/queue/requests/1/approve", data={"csrf": token, "epsilon": "1"})
    assert answer.status_code == 403 and "text/html" in answer.headers["content-type"]


def test_a_buyer_orders_makes_a_key_calls_and_sees_the_bill(city) -> None:
    city.list_rows()
    buyer = person(city, "chen")
    ordered = buyer.send(
        "/products/inspections-by-business", "/products/inspections-by-business/order", calls_per_month="50"
    )
    licence = ordered.headers["location"]
    shown = buyer.get(buyer.send(licence, f"{licence}/keys", label="网站").headers["location"])
    key = re.findall(r"chk_[0-9A-Za-z]{38}", shown.text)[0]
    assert shown.headers["cache-control"] == "no-store"
    assert city.call("inspections-by-business", key, year="2003").status_code == 200
    page = buyer.get(licence)
    assert key not in page.text and key[:10] in page.text and "¥0.05" in page.text
    bill = buyer.get(re.findall(rf'href="({licence}/bill[^"]*)"', page.text)[0])
    assert "¥0.05" in bill.text and bill.status_code == 200
    number = re.findall(r'action="/keys/(\d+)/rotate"', page.text)[0]
    rotated = buyer.get(buyer.send(licence, f"/keys/{number}/rotate").headers["location"])
    assert re.findall(r"chk_[0-9A-Za-z]{38}", rotated.text)[0] != key
    assert buyer.send(licence, f"/keys/{number}/revoke").status_code == 303
    assert city.call("inspections-by-business", key, year="2003").json()["code"] == "DISABLED"


def test_a_new_key_is_shown_once_to_who_made_it_and_loading_the_page_again_makes_no_other(city) -> None:
    city.list_rows()
    licence, _ = city.buy("inspections-by-business")
    buyer, other = person(city, "chen"), person(city, "chen")
    buttons = buyer.get(f"/licences/{licence}").text.count("/rotate")
    sent = buyer.send(f"/licences/{licence}", f"/licences/{licence}/keys", label="网站")
    page, cookie = sent.headers["location"], sent.headers["set-cookie"]
    assert (
        sent.status_code == 303 and page == f"/licences/{licence}/keys/new" and "chk_" not in page + sent.text
    )
    assert f"Path={page};" in cookie and "HttpOnly" in cookie and "Max-Age=60" in cookie
    # another session of the same person has been handed the cookie: it shows nothing
    other.client.cookies.set("cihu_shown_once", re.findall(r"cihu_shown_once=([^;]+)", cookie)[0], path=page)
    assert other.get(page).headers["location"] == f"/licences/{licence}"
    shown = buyer.get(page)
    assert re.search(r"chk_[0-9A-Za-z]{38}", shown.text) and shown.headers["cache-control"] == "no-store"
    again = buyer.get(page)
    assert again.status_code == 303 and again.headers["location"] == f"/licences/{licence}"
    assert buyer.get(f"/licences/{licence}").text.count("/rotate") == buttons + 1


@pytest.mark.parametrize("deed", ["keys", "rotate"])
def test_a_form_for_a_key_that_is_sent_twice_makes_one_key_and_shows_it(city, database, deed: str) -> None:
    city.list_rows()
    licence, _ = city.buy("inspections-by-business")
    buyer, other = person(city, "chen"), person(city, "chen")
    [key] = city.api("chen").get("/keys", params={"licence": licence}).json()["keys"]
    page, address = (
        f"/licences/{licence}",
        {"keys": f"/licences/{licence}/keys", "rotate": f"/keys/{key['id']}/rotate"}[deed],
    )
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', buyer.get(page).text))
    fields = hidden | ({"label": "网站"} if deed == "keys" else {})

    def send(_: int) -> httpx.Response:
        # each with cookies of its own: as with a double click, the second knows nothing of the first's answer
        return httpx.post(
            city.portal.url + address, data=fields, cookies=dict(buyer.client.cookies), trust_env=False
        )

    with ThreadPoolExecutor(4) as clicks:
        answers = list(clicks.map(send, range(4)))
    assert {answer.status_code for answer in answers} == {303}
    [handed] = {answer.cookies["cihu_shown_once"] for answer in answers}
    secret = handed.partition(".")[2]
    assert city.call("inspections-by-business", secret, year="2003").status_code == 200
    with database.transaction() as tx:
        # with the one that `buy` made
        assert tx.execute(text("SELECT count(*) FROM market.keys")).scalar() == 2
        tx.execute(text("UPDATE market.keys SET made_at = made_at - interval '61 seconds'"))
    # a page that was left open does not show the key anew, nor does it make another
    late = send(0)
    assert late.status_code == 409 and secret not in late.text and "cihu_shown_once" not in late.cookies
    # the page's number is worth nothing without the session that it was made for, and a page
    # loaded anew has another
    require_visit = other.client.post(address, data=fields)
    assert require_visit.status_code == 403
    again = buyer.send(page, f"{page}/keys", label="网站")
    assert again.cookies["cihu_shown_once"] != handed
    without = {name: value for name, value in fields.items() if name != "once"}
    assert buyer.client.post(address, data=without).status_code == 403


def test_a_day_is_the_citys_from_the_form_to_the_last_second_of_the_grant(city, database) -> None:
    analyst, officer = person(city, "wang"), person(city, "lin")
    address = "/datasets/clinic.visits/request"
    made = analyst.send(
        address,
        address,
        step="send",
        team="cihu-lake",
        purpose="how often do people see a doctor",
        epsilon="1",
        until="2027-03-31",
    )
    number = made.headers["location"].partition("#request-")[2]
    assert "2027-03-31" in analyst.get("/requests").text and "2027-04-01" not in analyst.get("/requests").text
    facts = officer.get(f"/queue/requests/{number}").text
    assert 'name="until" value="2027-03-31"' in facts and "2027-04-01" not in facts
    officer.send(
        f"/queue/requests/{number}", f"/queue/requests/{number}/approve", epsilon="1", until="2027-03-31"
    )
    with database.transaction() as tx:
        ends = tx.execute(select(grants.c.until).order_by(grants.c.id.desc()).limit(1)).scalar_one()
    assert ends == datetime(2027, 3, 31, 23, 59, 59, tzinfo=timezone(timedelta(hours=8)))


def test_an_order_that_needs_a_person_waits_in_the_queue(city) -> None:
    city.list_query()
    buyer, officer = person(city, "chen"), person(city, "lin")
    buyer.send("/products/visits-by-year", "/products/visits-by-year/order", note="for a study")
    number = re.findall(r'action="/queue/orders/(\d+)/approve"', officer.get("/queue").text)[0]
    assert officer.send("/queue", f"/queue/orders/{number}/approve").status_code in (303, 422)
    assert "for a study" not in officer.get("/queue").text
    assert "visits-by-year" in buyer.get("/licences").text


def test_a_page_that_is_not_there_says_so_as_a_page(city) -> None:
    answer = person(city, "chen").get("/datasets/no.such")
    assert answer.status_code == 404 and "text/html" in answer.headers["content-type"]


@pytest.mark.parametrize(
    ("language", "said", "unsaid"),
    [
        ("zh", ("没有数据集 no.such。", "现有："), "There is no dataset"),
        ("en", ("There is no dataset no.such.", "There are:"), "没有数据集"),
    ],
)
def test_what_the_vault_refuses_is_told_in_the_language_of_the_page(
    city, language: str, said: tuple[str, str], unsaid: str
) -> None:
    browser = person(city, "wang")
    browser.client.cookies.set("cihu_language", language)
    answer = browser.get("/datasets/no.such")
    assert (
        answer.status_code == 404 and all(part in answer.text for part in said) and unsaid not in answer.text
    )


@pytest.mark.parametrize(
    ("language", "said"), [("zh-CN,zh;q=0.9", "没有数据集 no.such。"), ("en", "There is no dataset no.such.")]
)
def test_what_the_vault_refuses_of_a_product_is_told_in_the_language_of_the_program(
    city, language: str, said: str
) -> None:
    offer = {
        "id": "other",
        "dataset": "no.such",
        "title_zh": "某",
        "title_en": "Some",
        "what": {"kind": "query", "epsilon": "0.1", "sql": "SELECT COUNT(*) AS n FROM no.such", "grant": 1},
        "terms": {"price_fen": 200, "purpose": "研究"},
    }
    answer = city.api("lin").post("/products", json=offer, headers={"Accept-Language": language})
    assert answer.json()["detail"] == said, answer.text


def test_without_the_vault_the_page_says_that_it_is_away(portal) -> None:
    browser = portal.browser()
    browser.log_in("wang")
    answer = browser.get("/datasets")
    assert answer.status_code == 503 and "The vault cannot be reached" in answer.text


@pytest.mark.parametrize("template", sorted(path.name for path in (FOLDER / "templates").glob("*.html")))
def test_every_word_of_a_template_is_in_both_languages(template: str) -> None:
    text = (FOLDER / "templates" / template).read_text()
    words = set(re.findall(r"\bt\('([a-z_]+)'", text)) | set(re.findall(r"\bto\('[^']+', '([a-z_]+)'", text))
    assert words <= MESSAGES.keys(), words - MESSAGES.keys()
    # a refusal says itself in English what happened (`Words.told`)
    assert all(zh and (en or name.startswith("refusal.")) for name, (zh, en) in MESSAGES.items())


def test_a_request_is_refused_before_its_last_look_and_in_one_language(city) -> None:
    browser = person(city, "wang")
    at = "/datasets/clinic.visits/request"
    wish = {"team": "cihu-lake", "purpose": "研究各区就诊次数的变化", "epsilon": "1"}
    wish["until"] = (datetime.now(timezone(timedelta(hours=8))).date() + timedelta(days=30)).isoformat()
    for wrong, told in (
        ({"purpose": ""}, "没有填写“用途”。"),
        ({"purpose": "短"}, "用途说明应有 10 至 2000 个字符。"),
        ({"epsilon": "一"}, "截止日期或预算无法识别。"),
        ({"epsilon": "nan"}, "预算应大于 0"),
        ({"epsilon": "1000"}, "这是此数据集一项授权的上限。"),
        ({"until": "2020-01-01"}, "截止日期应在将来"),
    ):
        refused = browser.send(at, at, **(wish | wrong), step="check")
        assert refused.status_code == 422 and told in refused.text, wrong
        assert not re.search(r'role="alert">[^<]*<span', refused.text), "no English beside it"
    assert "核对申报" in browser.send(at, at, **wish, step="check").text


def test_a_page_calls_a_department_by_its_name(city) -> None:
    browser = person(city, "wang")
    for language, name in (("zh", "卫生健康委员会"), ("en", "health")):
        browser.client.cookies.set("cihu_language", language)
        assert f'<dd translate="no">{name}</dd>' in browser.get("/datasets/clinic.visits").text
    browser.client.cookies.set("cihu_language", "zh")
    assert "分析人员</dd>" in browser.get("/me").text, "nothing follows the last role"
