"""A team asks private questions on pages: the price first, then the answer with errors and a receipt."""

import csv
import io
import re

import pytest

from marketplace.portal.answer_view import csv_of, rounded, view_of
from marketplace.portal.completion_words import completion_words, written_name
from marketplace.vault import Vault
from story import POLICY, rows_csv

SQL = "SELECT district, COUNT(*) AS n FROM clinic.asked GROUP BY district"


@pytest.fixture(scope="module")
def asked(shared_city, person) -> None:
    shared_city.publish("lin", POLICY.replace("clinic.visits", "clinic.asked"), rows_csv())
    analyst = shared_city.vault("wang")
    wish = {"dataset": "clinic.asked", "team": "cihu-lake", "epsilon": "2", "until": "2027-06-30"}
    wish["purpose"] = "研究各区就诊次数的变化"
    request = analyst.post("/requests", json=wish).json()
    approved = shared_city.vault("lin").post(
        f"/requests/{request['id']}/approve", json={"epsilon": "2", "until": "2027-06-30", "note": ""}
    )
    assert approved.status_code == 200, approved.text


def test_the_price_is_shown_first_and_a_double_click_pays_once(asked, person) -> None:
    browser = person("wang")
    priced = browser.send("/ask", "/ask", sql=SQL, epsilon="0.2", step="price")
    assert priced.status_code == 200 and "ε 0.2" in priced.text and "预计误差" in priced.text
    assert re.search(r"典型分组的值预计为 [0-9.]+，误差约为其 [0-9.e+]+ %", priced.text)
    fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', priced.text))
    both = [
        browser.client.post("/ask", data={**fields, "sql": SQL, "epsilon": "0.2", "step": "ask"})
        for _ in range(2)
    ]
    assert [each.status_code for each in both] == [303, 303]
    place = both[0].headers["location"]
    assert place == both[1].headers["location"]
    page = browser.get(place).text
    assert "95 % 区间" in page and '<rect class="part"' in page and 'class="whisker"' in page
    assert person("wang").get("/ask").text.count(f'href="{place}"') == 1
    table = list(csv.reader(io.StringIO(browser.get(f"{place}/table.csv").text.removeprefix("\ufeff"))))
    assert table[0] == ["district", "n", "n low", "n high"]
    assert float(table[1][2]) < float(table[1][1]) < float(table[1][3])
    assert browser.get(f"{place}/receipt.json").json()["format"] == "cihu-receipt/1"
    again = browser.send("/ask", "/ask", sql=SQL, epsilon="0.2", step="price")
    assert "不花费预算" in again.text
    assert person("chen").get(place).status_code == 404
    start = browser.get("/").text
    assert "您团队的授权" in start and re.search(r"clinic\.asked</a>：隐私预算已用 [0-9]+\.[0-9] %，", start)


def priced_form(page: str) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page))


def test_only_what_was_priced_is_asked(asked, shared_city, person) -> None:
    browser = person("wang")

    def spent() -> list[int]:
        budgets = shared_city.vault("wang").get("/budgets").json()
        return [level["picorho_spent"] for each in budgets for level in each["levels"]]

    def ask(form: dict[str, str], **typed: str):
        return browser.client.post("/ask", data={**form, **typed, "step": "ask"})

    before, unseen = spent(), "尚未提问"
    question = {"sql": SQL.replace("clinic.asked", "clinic.asked WHERE cost > 30"), "epsilon": "0.11"}
    page = browser.send("/ask", "/ask", step="price", **question).text
    form = priced_form(page)
    assert re.fullmatch("[0-9a-f]{64}", form["priced"]) and "由授权 #" in page and unseen not in page
    without = {name: value for name, value in form.items() if name != "priced"}
    other_sql = question | {"sql": question["sql"].replace("30", "31")}
    for fields, typed in (
        (without, question),
        (form, question | {"epsilon": "0.4"}),
        (form, other_sql),
        (form, {"sql": question["sql"], "error": "0.5"}),
        (form, question | {"grant": "1"}),
    ):
        again = ask(fields, **typed)
        assert again.status_code in (200, 422) and ("location" not in again.headers), typed
        if again.status_code == 200:
            assert unseen in again.text
            assert (priced_form(again.text)["priced"] == form["priced"]) == (fields is without)
    assert spent() == before
    # a second page showed the same price, which is gone once the question is answered
    second = priced_form(browser.send("/ask", "/ask", step="price", **question).text)
    assert second["priced"] == form["priced"] and second["once"] != form["once"]
    assert ask(form, **question).status_code == 303 and spent() != before
    late = ask(second, **question)
    assert late.status_code == 200 and unseen in late.text and "不花费预算" in late.text
    now_free = ask(second | priced_form(late.text), **question)
    assert now_free.status_code == 303, now_free.text


def test_a_dataset_that_cannot_be_read_takes_nothing_from_the_page(asked, person, monkeypatch) -> None:
    browser = person("wang")
    described = Vault.described

    def refused(self: Vault, who: str, names: list[str]):
        # the vault itself leaves it out: it has no dataset of this name
        return described(self, who, ["clinic.gone" if name == "clinic.asked" else name for name in names])

    monkeypatch.setattr(Vault, "described", refused)
    for language, words in (("zh", "该数据集目前无法读取"), ("en", "This dataset cannot be read now.")):
        browser.client.cookies.set("cihu_language", language)
        assert words in browser.get("/ask").text
        told = browser.send("/ask", "/ask", step="price", sql="SELECT nothing FROM clinic.asked")
        assert told.status_code == 422 and words in told.text and 'role="alert"' in told.text
    browser.client.cookies.set("cihu_language", "zh")


def test_a_team_saves_answers_on_a_page_and_refreshes_it(asked, person) -> None:
    wang, question = person("wang"), {"sql": SQL, "epsilon": "0.2"}
    form = priced_form(wang.send("/ask", "/ask", step="price", **question).text)
    answer = wang.client.post("/ask", data={**form, **question, "step": "ask"}).headers["location"]
    untitled = wang.send(answer, f"{answer}/page", title="", caption="By <district>")
    assert untitled.status_code == 422 and 'role="alert"' in untitled.text
    assert "By &lt;district&gt;" in untitled.text
    place = wang.send(answer, f"{answer}/page", title="就诊 <b>", caption="各区").headers["location"]
    page = wang.get(place).text
    assert "就诊 &lt;b&gt;" in page and "各区" in page and 'class="whisker"' in page and "凭证" in page
    assert place in wang.get("/answer-pages").text and place not in person("chen").get("/answer-pages").text
    for stranger in ("chen", "lin"):
        assert person(stranger).get(place).status_code == 404
    number = answer.rpartition("/")[2]
    for typed in ({"place": "x"}, {"place": ""}, {"title": " "}):
        fields = {"number": "1", "title": "New", "answer": number, "place": "1", "caption": "kept"} | typed
        wrong = wang.send(place, place, **fields)
        assert wrong.status_code == 422 and 'role="alert"' in wrong.text and 'value="kept"' in wrong.text
    fields = {
        "number": "1",
        "title": "New",
        "text": "Two\nlines",
        "answer": number,
        "place": "1",
        "caption": "",
    }
    assert wang.send(place, place, **fields).status_code == 303
    assert wang.send(place, place, **fields | {"title": "Late"}).status_code == 422
    price = wang.get(f"{place}/refresh").text
    assert "已有回答，不花费预算" in price and "刷新（不花费预算）" in price
    shown = priced_form(price)["priced"]
    refused = wang.send(f"{place}/refresh", f"{place}/refresh", priced="0" * 64)
    assert refused.status_code == 422 and 'role="alert"' in refused.text
    assert wang.send(f"{place}/refresh", f"{place}/refresh", priced=shown).headers["location"] == place
    assert "第 3 版" in wang.get(place).text and "较早的一版" in wang.get(f"{place}?number=1").text
    assert wang.send(place, f"{place}/remove").headers["location"] == "/answer-pages"
    assert wang.get(place).status_code == 404


def test_the_editor_offers_what_the_person_may_see_and_nothing_else(asked, person) -> None:
    page = person("wang").get("/ask").text
    assert 'data-words="/ask/words.json"' in page and "/static/completion." in page
    told = person("wang").get("/ask/words.json").json()["words"]
    words = {each["write"]: each["kind"] for each in told}
    assert len(words) == len(told)
    for write, kind in (("clinic.asked", "数据集"), ("district", "栏目"), ("'north'", "取值"), ("2", "取值")):
        assert words[write] == kind, write
    assert words["MEDIAN"] == "函数" and words["GROUP BY"] == "关键词"
    assert "secret" not in words  # a hidden column
    strangers = {each["write"] for each in person("chen").get("/ask/words.json").json()["words"]}
    assert "MEDIAN" in strangers and not strangers & {"district", "'north'"}


def test_names_and_values_are_written_as_sql_takes_them() -> None:
    names = {"区县": "区县", "bed count": '"bed count"', "group": '"group"', 'a"b': '"a""b"', "1st": '"1st"'}
    assert {name: written_name(name) for name in names} == names
    columns = {
        "d.x": [
            {"name": "区 县", "role": "key", "title": {"zh": "区", "en": "d"}, "values": ["O'Neil", 3, True]},
            {"name": "id", "role": "hidden"},
        ],
        "d.y": None,
    }
    kinds = dict.fromkeys(("dataset", "column", "value", "function", "keyword"), "")
    words = completion_words([{"name": "d.x"}], columns, language="en", kinds=kinds)
    assert [each["write"] for each in words][:5] == ['"区 县"', "'O''Neil'", "3", "TRUE", "d.x"]
    assert words[0]["about"] == "d" and not any(each["write"] == "id" for each in words)


@pytest.mark.parametrize("grant", ["²", "９", "9" * 5000, "-1", "x"])
def test_what_is_no_grant_is_refused_in_words(asked, person, grant: str) -> None:
    refused = person("wang").send("/ask", "/ask", step="price", sql=SQL, grant=grant)
    assert refused.status_code == 422 and 'role="alert"' in refused.text


def test_a_question_that_is_refused_is_shown_again_with_the_reason(asked, person) -> None:
    browser = person("wang")
    for fields in ({"sql": "SELECT nothing FROM clinic.asked"}, {"sql": SQL, "epsilon": "much"}, {"sql": ""}):
        refused = browser.send("/ask", "/ask", step="price", **fields)
        assert refused.status_code == 422 and 'role="alert"' in refused.text, refused.text
        assert fields["sql"] in refused.text
    browser.client.cookies.set("cihu_language", "en")
    told = browser.send("/ask", "/ask", step="price", sql=SQL, epsilon="999").text
    browser.client.cookies.set("cihu_language", "zh")
    assert "The budget does not suffice." in told and 'value="ask"' not in told


def test_numbers_stand_at_the_digits_of_their_errors_and_texts_are_no_formulas() -> None:
    assert rounded(307.6640625, 157.9) == "310" and rounded(0.123456, 0.00456) == "0.1235"
    assert rounded(1234567.0, None) == "1,234,567"
    answer = {
        "columns": [{"name": "k", "kind": "key"}, {"name": "n", "kind": "count"}],
        "rows": [["=1+1", -5.0], [None, 7.25], ["z", None]],
        "errors": [
            {"n": {"standard_error": 1.5, "low": -8.0, "high": -2.0}},
            {"n": {}},
            {"n": {"note": "few"}},
        ],
    }
    assert csv_of(answer).splitlines()[1] == "'=1+1,-5.0,-8.0,-2.0"
    answer["columns"][1]["name"] = "|n"
    for values in ([" =1+1", 1.0], ["\u200b=1+1", 1.0], ["＝1+1", 1.0], ["|cmd", 1.0], ["−1+1", 1.0]):
        hostile = answer | {"rows": [values], "errors": [{"|n": {"low": -1.5}}]}
        header, row = csv.reader(io.StringIO(csv_of(hostile)))
        assert header == ["k", "'|n", "'|n low", "'|n high"]
        assert row == [f"'{values[0]}", "1.0", "-1.5", ""]
    answer["columns"][1]["name"] = "n"
    view = view_of(answer, "en")
    assert [cell.text for row in view.rows for cell in row] == ["=1+1", "-5.0", "–", "7.25", "z", "–"]
    yes = view_of(answer | {"rows": [[True, 1.0], [False, 2.0], [None, 3.0]], "errors": None}, "zh")
    assert [row[0].text for row in yes.rows] == ["是", "否", "–"]
    (chart,) = view.charts
    assert chart.bars[0].x < chart.zero and chart.bars[0].x + chart.bars[0].length == pytest.approx(
        chart.zero
    )
    assert chart.bars[2].length == 0


def test_what_is_no_number_is_refused_in_the_readers_words(asked, person) -> None:
    browser = person("wang")
    for field in ("epsilon", "error"):
        refused = browser.send("/ask", "/ask", sql=SQL, step="price", **{field: "一半"})
        assert (
            refused.status_code == 422 and "“一半”不是数字。" in refused.text and "body." not in refused.text
        )
