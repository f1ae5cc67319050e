"""What was answered stays free: in other words, and also if it was answered before
conditions had one form."""

import pytest

from sandbox.queries.tree import Question
from sandbox.releases import ask, explain
from story import Story


@pytest.fixture
def city(story: Story) -> Story:
    story.publish()
    story.grant()
    return story


def test_other_words_are_free(city: Story) -> None:
    wang = city.principal("wang")
    first = ask(
        city.context,
        principal=wang,
        sql="SELECT COUNT(*) FROM clinic.visits WHERE cost BETWEEN 10 AND 20 AND TRUE",
    )
    for where in (
        "NOT (cost < 10 OR 20 < cost)",
        "1 = 1 AND cost <= 20 AND (cost >= 10)",
        "NOT NOT (cost >= 10 AND cost <= 20)",
    ):
        again = ask(
            city.context, principal=wang, sql=f"SELECT count(1) AS n FROM clinic.visits AS v WHERE {where}"
        )
        assert again["stored"] and again["price"]["picorho"] == 0 and again["rows"] == first["rows"]


@pytest.mark.parametrize(
    "where",
    [
        "TRUE",
        "NOT (cost > 50)",
        "year = 1 OR year = 2 OR year = 1",
        "EXISTS (SELECT 1 FROM clinic.visits AS b WHERE b.person = v.person AND b.smoker)",
    ],
)
def test_an_answer_from_before_conditions_had_one_form_is_still_free(
    city: Story, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    sql, wang = (
        f"SELECT year, COUNT(*), SUM(cost) FROM clinic.visits AS v WHERE {where} GROUP BY year",
        city.principal("wang"),
    )
    with monkeypatch.context() as before:
        before.setattr("sandbox.queries.plan.plan.normalized", as_it_is)
        first = ask(city.context, principal=wang, sql=sql)
    assert first["price"]["picorho"] > 0 and explain(city.context, principal=wang, sql=sql)["stored"]
    again = ask(city.context, principal=wang, sql=sql)
    assert again["stored"] and again["price"]["picorho"] == 0 and again["rows"] == first["rows"]


def as_it_is(question: Question) -> Question:
    return question


def test_keys_that_the_policy_lists_are_free(city: Story) -> None:
    for sql in (
        "SELECT DISTINCT district FROM clinic.visits",
        "SELECT district FROM clinic.visits GROUP BY district",
    ):
        told = explain(city.context, principal=city.principal("wang"), sql=sql)
        answer = ask(city.context, principal=city.principal("wang"), sql=sql)
        assert told["picorho"] == 0 == answer["price"]["picorho"] and answer["notes"] == told["notes"]
        assert sorted(row[0] for row in answer["rows"]) == ["east", "north", "south"]
