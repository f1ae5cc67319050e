"""Two private datasets about the same people, joined on the person:
both grants decide, both budgets pay, the population once."""

import random

import pytest

from sandbox.budgets import Account, Level, statement
from sandbox.database import Database
from sandbox.errors import Forbidden, QueryRefused
from sandbox.grants import revoke
from sandbox.releases import ask, explain
from story import Story

WAGES = """
dataset: clinic.wages
title: {zh: 工资, en: Wages}
summary: {zh: 测试, en: Made-up rows for tests}
department: health
grade: "3"
source: {name: made up, licence: CC0-1.0}
about_rows: 400
population: residents
unit: {column: worker, kind: person, max_rows: 2}
budget: {delta: "1e-6", dataset_epsilon: "8", grant_epsilon: "2", question_epsilon: "0.5"}
columns:
  worker: {role: unit, type: text, grade: "4"}
  trade: {role: key, type: text, values: [shop, farm]}
  wage: {role: measure, type: integer, bounds: [0, 100], step: "1"}
  secret: {role: hidden, type: text, grade: "4"}
"""
SQL = (
    "SELECT w.trade, COUNT(*) AS n, AVG(v.cost) AS cost FROM clinic.visits AS v "
    "JOIN clinic.wages AS w ON v.person = w.worker "
    "GROUP BY w.trade"
)


@pytest.fixture
def city(story: Story) -> Story:
    chance = random.Random(2)
    wages = "".join(
        f"p{person},{chance.choice(['shop', 'farm'])},{chance.randint(0, 100)},s\n"
        for person in range(150, 450)
    )
    story.publish()
    story.publish(f"worker,trade,wage,secret\n{wages}".encode(), WAGES)
    story.grant()
    return story


def spent(database: Database) -> dict[str, int]:
    with database.transaction() as tx:
        return {
            key: statement(tx, Account(level, key)).spent.picorho
            for level, key in (
                (Level.GRANT, "lake/clinic.visits"),
                (Level.GRANT, "lake/clinic.wages"),
                (Level.DATASET, "clinic.visits"),
                (Level.DATASET, "clinic.wages"),
                (Level.POPULATION, "residents"),
            )
        }


def test_a_grant_on_one_of_them_is_not_enough(city: Story) -> None:
    for deed in (ask, explain):
        with pytest.raises(Forbidden, match=r"clinic\.wages"):
            deed(city.context, principal=city.principal("wang"), sql=SQL)


def test_both_are_charged_and_the_population_once_and_the_answer_names_both(city: Story) -> None:
    other = city.grant(dataset="clinic.wages", epsilon="2")
    told = explain(city.context, principal=city.principal("wang"), sql=SQL)
    answer = ask(city.context, principal=city.principal("wang"), sql=SQL)
    assert set(spent(city.database).values()) == {told["picorho"]} == {answer["price"]["picorho"]}
    assert [row[0] for row in answer["rows"]] == ["shop", "farm"]
    assert answer["joined"] == {"clinic.wages@1": other.id}
    again = ask(city.context, principal=city.principal("wang"), sql=SQL)
    assert again["stored"] and again["rows"] == answer["rows"]


def test_when_either_grant_ends_even_the_stored_answer_is_refused(city: Story) -> None:
    other = city.grant(dataset="clinic.wages", epsilon="2")
    ask(city.context, principal=city.principal("wang"), sql=SQL)
    revoke(
        city.database,
        gate=city.gate,
        officer=city.principal("lin"),
        grant_id=other.id,
        reason="no longer needed",
    )
    with pytest.raises(Forbidden):
        ask(city.context, principal=city.principal("wang"), sql=SQL)


@pytest.mark.parametrize(
    ("change", "names"),
    [
        (("population: residents", "population: guests"), "not protected"),
        (("kind: person", "kind: firm"), "not protected"),
        (("worker: {role: unit, type: text", "worker: {role: unit, type: integer"), "integer"),
    ],
)
def test_other_people_or_other_names_for_them_cannot_be_joined(
    story: Story, change: tuple[str, str], names: str
) -> None:
    story.populations["guests"] = story.populations["residents"]
    story.publish()
    story.publish(b"worker,trade,wage,secret\n1,shop,3,s\n", WAGES.replace(*change))
    with pytest.raises(QueryRefused, match=names):
        ask(story.context, principal=story.principal("wang"), sql=SQL)


@pytest.mark.parametrize(
    "on", ["v.visits = w.wage", "v.district = w.trade", "v.note = w.worker", "v.person = w.trade"]
)
def test_a_join_on_anything_but_the_unit_is_refused(city: Story, on: str) -> None:
    with pytest.raises(QueryRefused, match="JOIN"):
        ask(city.context, principal=city.principal("wang"), sql=SQL.replace("v.person = w.worker", on))


def test_what_is_hidden_in_the_other_stays_hidden(city: Story) -> None:
    for name in ("w.secret", "v.secret"):
        with pytest.raises(QueryRefused, match="secret"):
            ask(city.context, principal=city.principal("wang"), sql=SQL.replace("w.trade", name))


def test_a_dataset_that_is_joined_with_itself_needs_one_grant_and_is_charged_once(city: Story) -> None:
    sql = (
        "SELECT a.district, COUNT(*) AS n, AVG(b.visits - a.visits) AS more FROM clinic.visits AS a "
        "JOIN clinic.visits AS b ON a.person = b.person AND b.year = a.year + 1 GROUP BY a.district"
    )
    city.grant(dataset="clinic.wages", epsilon="2")
    answer = ask(city.context, principal=city.principal("wang"), sql=sql)
    paid = answer["price"]["picorho"]
    assert spent(city.database) == {
        "lake/clinic.visits": paid,
        "lake/clinic.wages": 0,
        "clinic.visits": paid,
        "clinic.wages": 0,
        "residents": paid,
    }
    assert "joined" not in answer
    limit = next(fact for fact in answer["note_facts"] if fact["code"] == "limit")
    assert limit["max_rows"] == 16  # four rows of a person, each beside four
    renamed = sql.replace("a.", "x.").replace("b.", "y.").replace("AS a ", "AS x ").replace("AS b ", "AS y ")
    again = ask(city.context, principal=city.principal("wang"), sql=renamed)
    assert again["stored"] and again["rows"] == answer["rows"]


def test_totals_of_groups_cost_nothing_beyond_the_groups(city: Story) -> None:
    groups = "SELECT district, year, COUNT(*) AS n FROM clinic.visits GROUP BY "
    plain = ask(city.context, principal=city.principal("wang"), sql=groups + "district, year")
    rolled = ask(city.context, principal=city.principal("wang"), sql=groups + "ROLLUP (district, year)")
    assert rolled["stored"] and rolled["price"]["picorho"] == 0
    by_place = {(row[0], row[1]): row[2] for row in rolled["rows"]}
    assert all(by_place[district, year] == n for district, year, n in plain["rows"])
    assert by_place[None, None] == pytest.approx(sum(row[2] for row in plain["rows"]))
    assert any("sums of the groups" in note for note in rolled["notes"])


def test_a_name_that_both_have_must_say_whose_it_is(city: Story) -> None:
    city.grant(dataset="clinic.wages", epsilon="2")
    sql = (
        "SELECT AVG({}) AS x FROM clinic.visits AS v "
        "JOIN (SELECT worker, wage / 2 AS cost, wage AS pay FROM clinic.wages) "
        "AS w ON v.person = w.worker"
    )
    for said in ("cost", "v.pay", "wages.pay"):
        with pytest.raises(QueryRefused, match=said.partition(".")[2] or said):
            ask(city.context, principal=city.principal("wang"), sql=sql.format(said))
    for said in ("w.cost", "v.cost", "pay"):
        ask(city.context, principal=city.principal("wang"), sql=sql.format(said))
