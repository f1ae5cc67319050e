"""Real documents of the vault are described: the clients hold each answer against docs/openapi."""

from base64 import b64decode, b64encode
from datetime import UTC, datetime, timedelta

from cihu.answer import Answer

from asked_vault import AskedVault
from story import rows_csv

OPEN = """
dataset: market.stalls
title: {zh: 摊位, en: Stalls}
summary: {zh: 测试, en: Made-up rows for tests}
department: health
grade: "1"
source: {name: made up, licence: CC0-1.0}
columns:
  stall: {role: attribute, type: text}
  district: {role: key, type: text, values: [north, south, east]}
"""


def test_the_documents_of_access_and_of_the_log(asked: AskedVault) -> None:
    dataset, grant = asked.dataset()
    lin, wang = asked.person("lin"), asked.person("wang")
    soon = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()
    wish = {
        "dataset": dataset,
        "team": "lake",
        "epsilon": "0.5",
        "purpose": "a second one",
        "until": soon,
    }
    second = wang.send("POST", "/v1/requests", json=wish)
    assert second.status_code in {201, 409}, second.text
    if second.status_code == 201:
        number = second.json()["id"]
        assert (
            lin.send(
                "POST", f"/v1/requests/{number}/refuse", json={"reason": "another one is good still"}
            ).json()["status"]
            == "refused"
        )
    for asker in (lin, wang):
        assert asker.send("GET", "/v1/requests").json()
        assert asker.send("GET", f"/v1/requests/{grant.request}").json()["decided_by"] == "lin"
        assert grant.id in {one["id"] for one in asker.send("GET", "/v1/grants").json()}
    end = lin.send("POST", f"/v1/grants/{grant.id}/revoke", json={"reason": "the study is over"}).json()
    assert end["status"] == "revoked"
    for path in ("/v1/log/checkpoint", "/v1/log/key", "/v1/log/entries?start=0&end=5", "/v1/log/receipts/0"):
        assert lin.send("GET", path).status_code == 200, path
    assert lin.send("GET", "/v1/log/consistency?first=1&second=2").json()["first"] == 1


def test_the_documents_of_the_catalogue_and_of_reviews(asked: AskedVault) -> None:
    dataset, _ = asked.dataset(rows=rows_csv())
    lin = asked.person("lin")
    paths = (
        "/v1/datasets",
        f"/v1/datasets/{dataset}",
        f"/v1/datasets/{dataset}/stand-in/about",
        f"/v1/datasets/{dataset}/stand-in",
        "/v1/datasets/set-aside",
        "/v1/disclosure",
        "/v1/reviews",
        "/v1/reviews?state=decided",
        "/v1/reviews/statistics",
        "/v1/me",
    )
    for path in paths:
        assert lin.send("GET", path).status_code == 200, path
    kernel = asked.kernel("wang")
    for path in ("/v1/disclosure", f"/v1/datasets/{dataset}", "/v1/datasets/set-aside"):
        assert kernel.send("GET", path).status_code == 200, path
    trial = {
        "inputs": [dataset],
        "files": [
            {
                "path": path,
                "statbarn": "frequencies",
                "context": "made-up people",
                "controls": "counts alone",
            }
            for path in ("a.csv", "b.csv")
        ],
        "contents": {
            "a.csv": b64encode(b"district,n\nnorth,3\n").decode(),
            "b.csv": b64encode(b"band , n\r\n2,500\r\n1,400\r\n").decode(),
        },
    }
    checked = kernel.send("POST", "/v1/release-checks", json=trial)
    assert checked.status_code == 200, checked.text
    blocked, fine = checked.json()["files"]
    assert blocked["findings"] and blocked["leaves"] is None
    assert fine["leaves"], fine["findings"]
    assert b64decode(fine["leaves"]["content"]) == b"band,n\n1,400\n2,500\n"


def test_the_documents_of_questions(asked: AskedVault) -> None:
    dataset, grant = asked.dataset()
    wang = asked.kernel("wang")
    questions = (
        f"SELECT district, COUNT(*) AS n, AVG(cost) AS c FROM {dataset} GROUP BY district",
        f"SELECT year, SUM(cost) AS s, MAX(visits) AS m FROM {dataset} GROUP BY year ORDER BY year",
        f"SELECT COUNT(DISTINCT person) AS people, 2 * COUNT(*) AS twice FROM {dataset}",
        f"SELECT note, COUNT(*) AS n FROM {dataset} GROUP BY note",
        f"SELECT district FROM {dataset} GROUP BY district",
    )
    answered = 0
    for sql in questions:
        explained = wang.send("POST", "/v1/explain", json={"sql": sql, "epsilon": "0.2"})
        answer = wang.ask(sql, epsilon="0.2")
        assert explained.status_code == 200, explained.text
        answered += answer.status_code == 200
        if answer.status_code == 200:
            again = asked.person("wang").send("GET", f"/v1/answers/{answer.json()['answer_id']}")
            assert again.json()["rows"] == answer.json()["rows"]
    assert answered >= 3
    by_error = {"sql": f"SELECT COUNT(*) AS n FROM {dataset}", "error": 0.5}
    assert wang.send("POST", "/v1/explain", json=by_error).status_code == 200
    dear = {"sql": f"SELECT AVG(cost) AS c FROM {dataset}", "epsilon": "100"}
    assert wang.send("POST", "/v1/explain", json=dear).json()["budget"]["enough"] is False
    assert wang.send("GET", f"/v1/budgets?grant={grant.id}").json()[0]["spent"]["questions"]


def test_the_documents_of_open_data(asked: AskedVault) -> None:
    published = asked.publish(OPEN, b"stall,district\na,north\nb,south\n")
    assert published.status_code in {201, 409}, published.text
    wang = asked.person("wang")
    sql = "SELECT district, COUNT(*) AS n FROM market.stalls GROUP BY district"
    assert wang.send("POST", "/v1/explain", json={"sql": sql}).json()["open"] is True
    assert wang.answer(sql)["open"] is True
    assert wang.send("GET", "/v1/datasets/market.stalls").json()["unit"] is None
    large = "SELECT COUNT(*) * 9007199254740991 * 3 AS n FROM market.stalls"
    answer = wang.answer(large)
    assert answer["rows"] == [["54043195528445946"]], "a reader of JSON could lose it as a number"
    assert list(Answer(large, answer).df["n"]) == [54043195528445946]
    copy = asked.person("lin").send("POST", "/v1/datasets/market.stalls/open-copy", json={})
    assert copy.status_code == 201, copy.text
