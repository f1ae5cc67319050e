"""In which language is a refusal told?
In that which the program asks for; its code and place are the same in both."""

import re

import pytest

from asked_vault import AskedVault
from sandbox.errors import CihuError, Position, QueryRefused
from story import POLICY, rows_csv

CHINESE = re.compile("[\u4e00-\u9fff]")


@pytest.mark.parametrize(
    ("person", "sql", "more", "code"),
    [
        ("qin", "SELECT COUNT(*) AS n FROM {dataset}", {}, "no_grant"),
        ("wang", "SELECT COUNT(*) AS n FROM {dataset}", {"epsilon": 4.5}, "budget_exhausted"),
        ("wang", "SELECT COUNT(*) AS n FROM {dataset}", {"epsilon": 2000}, "invalid_input"),
        ("wang", "SELECT COUNT(*) AS n FROM {dataset}", {"error": 99}, "error_out_of_range"),
        ("wang", "SELECT COUNT(*) AS n FROM no.such", {}, "dataset_not_found"),
        ("wang", "SELECT COUNT(*) AS n FROM {dataset} WHERE", {}, "not_sql"),
        ("wang", "SELECT nothing, COUNT(*) AS n FROM {dataset} GROUP BY nothing", {}, "query_refused"),
    ],
)
def test_a_refusal_is_told_in_the_language_asked_for(
    asked: AskedVault, person: str, sql: str, more: dict[str, object], code: str
) -> None:
    dataset, _ = asked.dataset()
    told = {}
    for language in ("zh-CN,zh;q=0.9,en;q=0.5", "en-GB", ""):
        asker = asked.person(person)
        asker.client.headers["Accept-Language"] = language
        answer = asker.ask(sql.format(dataset=dataset), **more)
        told[language] = {name: value for name, value in answer.json().items() if name != "request_id"}
        assert answer.headers["Content-Language"] == ("zh" if language.startswith("zh") else "en")
        assert (answer.status_code >= 400, told[language]["code"]) == (True, code)
    chinese, english, unsaid = told.values()
    assert CHINESE.search(chinese["detail"]) and CHINESE.search(chinese["remedy"])
    assert not CHINESE.search(english["detail"] + english["remedy"])
    assert english == unsaid


def test_a_decision_of_the_rules_is_told_in_chinese_by_the_rules_own_words(asked: AskedVault) -> None:
    wang = asked.person("wang")
    wang.client.headers["Accept-Language"] = "zh"
    told = wang.send(
        "POST", "/v1/datasets", data={"policy": POLICY}, files={"file": ("rows.csv", rows_csv(5))}
    ).json()
    assert told["code"] == "no_permit" and CHINESE.search(told["detail"])


def test_the_place_of_a_refused_construct_is_told_as_numbers(asked: AskedVault) -> None:
    dataset, _ = asked.dataset()
    told = asked.person("wang").ask(f"SELECT\n  * FROM {dataset}").json()
    assert told["code"] == "query_refused" and told["position"] == {"line": 2, "column": 3}


def test_a_refusal_without_chinese_is_told_in_english_and_one_with_names_its_place() -> None:
    plain = CihuError("Not so.", remedy="Do it so.", remedy_zh="请这样做。")
    assert plain.words("zh") == ("Not so.", "请这样做。") and plain.words("en") == ("Not so.", "Do it so.")
    refused = QueryRefused(
        "SELECT *",
        "rows may not leave",
        instead="Ask for COUNT(*).",
        position=Position(2, 3),
        why_zh="行不能离开",
        instead_zh="请问 COUNT(*)。",
    )
    assert refused.words("zh")[0] == "SELECT *（第 2 行第 3 列）：行不能离开"
    assert refused.words("en")[0] == "SELECT * (line 2, column 3): rows may not leave"
