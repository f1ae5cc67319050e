"""A question on open data alone is answered exactly, at no cost, with no grant;
and it can do nothing but compute with that."""

import json

import pytest

from sandbox.errors import CihuError, Forbidden, InvalidInput, QueryRefused
from sandbox.releases import ask, explain
from story import Story

STOPS = """
dataset: city.stops
title: {zh: 站点, en: Stops}
summary: {zh: 测试, en: Made-up rows for tests}
department: health
grade: "1"
source: {name: made up, licence: CC0-1.0}
about_rows: 5
columns:
  stop: {role: attribute, type: integer}
  zone: {role: attribute, type: text}
  opened: {role: attribute, type: date}
  secret: {role: hidden, type: text}
"""
ROWS = (
    b"stop,zone,opened,secret\n1,a,2026-01-01,s\n2,a,2026-02-01,s\n3,b,,s\n"
    b"4,,2026-03-01,s\n5,b,2026-04-01,s\n"
)
SHAPE = {
    "answer_id",
    "dataset",
    "version",
    "grant",
    "sql",
    "answered_at",
    "stored",
    "columns",
    "rows",
    "errors",
    "price",
    "notes",
    "notes_zh",
    "log_index",
}


@pytest.fixture
def city(story: Story) -> Story:
    story.publish()
    story.publish(ROWS, STOPS)
    return story


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("SELECT * FROM city.stops WHERE stop = 3", [[3, "b", None]]),
        (
            "SELECT zone, COUNT(*) AS n, AVG(stop) AS m FROM city.stops GROUP BY zone ORDER BY n DESC, zone",
            [["a", 2, 1.5], ["b", 2, 4.0], [None, 1, 4.0]],
        ),
        (
            (
                "SELECT COUNT(*) AS n FROM city.stops AS a LEFT "
                "JOIN city.stops AS b ON a.zone = b.zone WHERE b.zone IS NULL"
            ),
            [[1]],
        ),
        (
            (
                "WITH late AS (SELECT * FROM city.stops@1 WHERE opened > DATE '2026-01-15') "
                "SELECT MIN(opened), SUM(stop) FROM late"
            ),
            [["2026-02-01", 11]],
        ),
        (
            "SELECT stop, RANK() OVER (ORDER BY stop DESC) AS r FROM city.stops ORDER BY r LIMIT 2",
            [[5, 1], [4, 2]],
        ),
        ("SELECT city.stops.zone FROM city.stops UNION SELECT 'z' ORDER BY 1 LIMIT 1", [["a"]]),
    ],
)
def test_it_is_answered_exactly_for_anybody_and_costs_nothing(
    city: Story, sql: str, rows: list[list[object]]
) -> None:
    for who in ("wang", "li"):  # neither has a grant
        answer = ask(city.context, principal=city.principal(who), sql=sql)
        assert answer["rows"] == rows and json.dumps(answer)
        assert answer["price"]["picorho"] == 0 and answer["errors"] == [{} for _ in rows]
        assert set(answer) >= SHAPE and answer["open"] and answer["notes"] and answer["notes_zh"]
        told = explain(city.context, principal=city.principal(who), sql=sql)
        assert told["picorho"] == 0 and told["budget"]["enough"] and told["notes"] == answer["notes"]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM city.stops, read_text('/etc/passwd')",
        "SELECT getenv('HOME') FROM city.stops",
        "SELECT current_setting('memory_limit') FROM city.stops",
        "SELECT * FROM query('SELECT 1'), city.stops",
        "SELECT * FROM duckdb_settings(), city.stops",
        "SELECT * FROM information_schema.tables",
        "SELECT secret FROM city.stops",
        "SELECT * FROM city.stops, open_rows_0",
        "SELECT REPEAT(zone, 1000000000) FROM city.stops",
        "SELECT RANGE(1000000000) FROM city.stops",
        "SELECT zone || zone FROM city.stops",
        (
            "WITH RECURSIVE a AS (SELECT 1 AS x UNION ALL SELECT x + 1 FROM a) "
            "SELECT COUNT(*) FROM a, city.stops"
        ),
        "COPY city.stops TO '/tmp/x'",
        "ATTACH '/tmp/x'; SELECT * FROM city.stops",
        "INSTALL httpfs",
        "SET threads = 9",
        "INSERT INTO city.stops VALUES (1)",
        "SELECT * FROM city.stops TABLESAMPLE 10%",
        "SELECT stop FROM city.stops@2",
        "SELECT COUNT(*) FROM city.stops" + ", city.stops AS a{}".format("x") * 30,
        "SELECT CAST(zone AS INTEGER) FROM city.stops",
        "SELECT nothing FROM city.stops",
        "SELECT * FROM city.stops ORDER BY RANDOM()",
    ],
)
def test_what_else_it_could_do_is_refused_with_a_remedy(city: Story, sql: str) -> None:
    for deed in (ask, explain):
        with pytest.raises(CihuError) as refusal:
            deed(city.context, principal=city.principal("wang"), sql=sql)
        assert refusal.value.remedy and refusal.value.remedy_zh, sql
        assert isinstance(refusal.value, InvalidInput) or refusal.value.code == "dataset_not_found"


def test_an_answer_that_is_too_large_or_takes_too_long_is_refused(
    city: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = " CROSS JOIN ".join(f"city.stops AS s{place}" for place in range(8))
    with pytest.raises(InvalidInput, match="more than 10000 rows"):
        ask(city.context, principal=city.principal("wang"), sql=f"SELECT s0.stop FROM {many}")
    more = " CROSS JOIN ".join(f"city.stops AS s{place}" for place in range(19))
    monkeypatch.setattr("sandbox.engines.open_query.MOST_SECONDS", 0.3)
    with pytest.raises(InvalidInput, match="seconds"):
        ask(
            city.context,
            principal=city.principal("wang"),
            sql=f"SELECT SUM(s0.stop * s1.stop + s18.stop) FROM {more}",
        )


def test_with_a_private_dataset_it_is_a_private_question(city: Story) -> None:
    sql = (
        "SELECT s.zone, COUNT(*) FROM city.stops AS s "
        "JOIN clinic.visits AS v ON v.visits = s.stop GROUP BY s.zone"
    )
    with pytest.raises(Forbidden, match="no grant"):
        ask(city.context, principal=city.principal("wang"), sql=sql)
    for hidden in (
        "WITH v AS (SELECT * FROM clinic.visits) SELECT s.stop FROM city.stops AS s, v",
        "SELECT stop FROM city.stops WHERE stop IN (SELECT visits FROM clinic.visits)",
    ):
        with pytest.raises(QueryRefused):
            ask(city.context, principal=city.principal("wang"), sql=hidden)


def test_it_is_in_the_log(city: Story) -> None:
    answer = ask(city.context, principal=city.principal("wang"), sql="SELECT COUNT(*) FROM city.stops")
    again = ask(city.context, principal=city.principal("wang"), sql="SELECT COUNT(*) FROM city.stops")
    assert again["log_index"] == answer["log_index"] + 1
