"""SUM of what no policy bounds, through the whole gate:
bounds priced before, bought once, kept, and never one person's own."""

import random
from fractions import Fraction

import pytest
from sqlalchemy import select

from false_alarms import noise_bound, noise_of
from sandbox.budgets import Account, Level, statement
from sandbox.errors import BudgetExhausted, InvalidInput, QueryRefused
from sandbox.privacy import PrivacyLoss
from sandbox.releases import ask, explain
from sandbox.releases.tables import bought_bounds, questions
from story import POLICY, Story


@pytest.fixture(autouse=True)
def no_false_alarm(monkeypatch: pytest.MonkeyPatch) -> None:
    """One purchase in a hundred takes a size that nobody has for one that many have; here, one in 1e9."""
    monkeypatch.setattr("sandbox.queries.plan.bounds_estimation.FALSE_ALARM", 1e-9)


FREE = POLICY.replace(
    "note: {role: attribute, type: text}", "note: {role: attribute, type: integer}"
).replace("day: {role: attribute, type: date}", "day: {role: attribute, type: number}")
MEAN_OFF = 1
"""So far at most is the mean of the notes below from 110: 4000 draws of a fixed seed, two of them cut off."""
SQL = "SELECT district, AVG(note) AS m, COUNT(*) AS n FROM clinic.visits GROUP BY district"


def rows(people: int = 4000) -> bytes:
    """Notes from 20 to 200; one person's is enormous, and one's far below zero."""
    chance = random.Random(5)
    lines = ["person,district,year,cost,visits,note,day,smoker,secret"]
    for person in range(people):
        note = {7: 2**50, 8: -(2**50)}.get(person, chance.randint(20, 200))
        lines.append(f"p{person},north,1,10,1,{note},{note / 1000},true,s{person}")
    return "\n".join(lines).encode() + b"\n"


@pytest.fixture
def city(story: Story) -> Story:
    story.publish(rows(), FREE)
    story.grant()
    return story


def spent(city: Story) -> PrivacyLoss:
    with city.database.transaction() as tx:
        found = {
            statement(tx, Account(level, key)).spent
            for level, key in (
                (Level.GRANT, "lake/clinic.visits"),
                (Level.DATASET, "clinic.visits"),
                (Level.POPULATION, "residents"),
            )
        }
    (loss,) = found
    return loss


def test_bounds_are_priced_before_bought_once_and_free_for_every_question_after(city: Story) -> None:
    wang, before = city.principal("wang"), spent(city)
    told = explain(city.context, principal=wang, sql=SQL)
    (bounds,) = told["bounds"]
    assert not bounds["bought_before"] and 0 < bounds["epsilon"] < told["epsilon"] and spent(city) == before
    assert any("bought first" in note for note in told["notes"]) and any(
        "将先以" in note for note in told["notes_zh"]
    )
    assert {output["name"]: output["standard_error"] is None for output in told["outputs"]} == {
        "m": True,
        "n": False,
    }

    answer = ask(city.context, principal=wang, sql=SQL)
    paid = spent(city).picorho - before.picorho
    assert paid == told["picorho"] == answer["price"]["picorho"]
    assert any("were found in the data" in note for note in answer["notes"])
    (north,) = [row for row in answer["rows"] if row[0] == "north"]
    # the mean is 110; the enormous ones are cut off at the bounds
    [error] = [errors for row, errors in zip(answer["rows"], answer["errors"], strict=True) if row is north]
    assert abs(north[1] - 110) < noise_bound(noise_of(error["m"])) + MEAN_OFF < 30

    again = ask(city.context, principal=wang, sql=SQL)
    assert (
        again["stored"] and again["rows"] == answer["rows"] and spent(city).picorho - before.picorho == paid
    )
    other = "SELECT SUM(note) FROM clinic.visits WHERE smoker"
    told = explain(city.context, principal=wang, sql=other)
    assert told["bounds"] == [
        {"column": "note", "bought_before": True, "picorho": 0, "epsilon": 0.0, "low": 16.0, "high": 256.0}
    ]
    ask(city.context, principal=wang, sql=other)
    assert spent(city).picorho - before.picorho == paid + told["picorho"]
    assert len(stored(city)) == 1


@pytest.mark.parametrize(
    "sizes", [(3, 900), (900, 3), (3, 60, 900, 9000), (-900, 900), (0, 5), (1, 2, 4, 8, 16, 32, 64, 128)]
)
def test_bounds_hold_all_sizes_that_everybody_has(city: Story, sizes: tuple[int, ...]) -> None:
    """A size is not preferred to another: the mean of all is right, and not that of the smallest alone."""
    city.publish(
        b"person,district,year,cost,visits,note,day,smoker,secret\n"
        + b"".join(
            b"p%d,north,1,10,1,%d,1,true,s\n" % (person, size) for person in range(1000) for size in sizes
        ),
        FREE,
    )
    answer = ask(
        city.context, principal=city.principal("wang"), sql="SELECT AVG(note) AS m FROM clinic.visits"
    )
    [[mean]], [error] = answer["rows"], answer["errors"]
    assert abs(mean - sum(sizes) / len(sizes)) < noise_bound(error["m"]["standard_error"])
    with city.database.transaction() as tx:
        told = tx.execute(select(bought_bounds.c.low, bought_bounds.c.high)).one()
    assert Fraction(told.low) <= min(sizes) and max(sizes) <= Fraction(told.high) <= 2 * max(map(abs, sizes))


def stored(city: Story) -> list[object]:
    with city.database.transaction() as tx:
        return list(tx.execute(select(bought_bounds)).all())


def test_the_purchase_is_a_question_of_its_own_with_an_answer_and_a_place_in_the_log(city: Story) -> None:
    ask(city.context, principal=city.principal("wang"), sql=SQL)
    with city.database.transaction() as tx:
        row = tx.execute(select(questions).where(questions.c.sql.startswith("SELECT MIN(note)"))).one()
    assert row.status == "released" and row.answer["bounds"] == ["16", "256"]
    assert row.log_index is not None and row.answer["price"]["picorho"] == row.picorho


def test_a_number_with_a_point_has_bounds_below_one(city: Story) -> None:
    answer = ask(
        city.context,
        principal=city.principal("wang"),
        sql="SELECT AVG(day) AS m, MEDIAN(day) AS q FROM clinic.visits",
    )
    # of 20 to 200 thousandths
    for value, error in zip(answer["rows"][0], answer["errors"][0].values(), strict=True):
        assert abs(value - 0.11) < noise_bound(error["standard_error"], comparisons=2) < 0.2


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT AVG(LEAST(GREATEST(note, 0), 300)) FROM clinic.visits",
        "SELECT COUNT(note), COUNT(DISTINCT note) FROM clinic.visits",
        "SELECT SUM(note) FROM clinic.visits WHERE note BETWEEN 0 AND 300",
    ],
)
def test_nothing_is_bought_where_the_question_itself_says_the_bounds(city: Story, sql: str) -> None:
    assert explain(city.context, principal=city.principal("wang"), sql=sql)["bounds"] == []


def test_a_sum_for_each_person_can_be_asked_of_it_too(city: Story) -> None:
    sql = "SELECT AVG(s) AS m FROM (SELECT person, SUM(note) AS s FROM clinic.visits GROUP BY person)"
    answer = ask(city.context, principal=city.principal("wang"), sql=sql)
    error = noise_bound(noise_of(answer["errors"][0]["m"]))
    assert abs(answer["rows"][0][0] - 110) < error + MEAN_OFF < 30


def test_where_no_size_has_enough_people_it_says_so_and_does_not_sell_it_twice(city: Story) -> None:
    city.publish(rows(people=20), FREE)
    for _ in range(2):
        with pytest.raises(QueryRefused, match="none were found"):
            ask(city.context, principal=city.principal("wang"), sql=SQL)
    assert len(stored(city)) == 1


def test_an_error_can_be_asked_for_only_once_bounds_are_bought(city: Story) -> None:
    with pytest.raises(InvalidInput, match="not known yet"):
        explain(
            city.context,
            principal=city.principal("wang"),
            sql="SELECT AVG(note) FROM clinic.visits",
            error=0.1,
        )


def test_nothing_is_bought_if_the_whole_question_does_not_fit(city: Story) -> None:
    before = spent(city)
    with pytest.raises(BudgetExhausted):
        ask(city.context, principal=city.principal("wang"), sql=SQL, epsilon=Fraction(4))
    assert spent(city) == before and stored(city) == []
