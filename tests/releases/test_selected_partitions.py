"""GROUP BY what no policy lists, through the whole gate:
priced before, bought once, kept, and never one person's own."""

import hashlib
import json
import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from sqlalchemy import insert, select, text

from sandbox.budgets import Account, Level, statement
from sandbox.errors import BudgetExhausted, InvalidInput, QueryRefused
from sandbox.grants import approve, request_access
from sandbox.identity import create_team, join_team
from sandbox.privacy import PrivacyLoss, epsilon_of
from sandbox.releases import ask, explain
from sandbox.releases.tables import found_keys
from story import Story

SQL = "SELECT note, COUNT(*) AS n FROM clinic.visits GROUP BY note ORDER BY n DESC"


def rows(people: int = 4000) -> bytes:
    """Two notes that thousands have, and one for each person that nobody else has."""
    chance = random.Random(5)
    lines = ["person,district,year,cost,visits,note,day,smoker,secret"]
    for person in range(people):
        common = chance.choice(["cough", "fever"]), f"2026-01-0{chance.randint(1, 3)}"
        for note, day in (common, (f"only {person}", "2026-02-01")):
            lines.append(f"p{person},north,1,10,1,{note},{day},true,s{person}")
    return "\n".join(lines).encode() + b"\n"


@pytest.fixture
def city(story: Story) -> Story:
    story.publish(rows())
    story.grant()
    return story


def spent(city: Story) -> set[PrivacyLoss]:
    with city.database.transaction() as tx:
        return {
            statement(tx, Account(level, key)).spent
            for level, key in (
                (Level.GRANT, "lake/clinic.visits"),
                (Level.DATASET, "clinic.visits"),
                (Level.POPULATION, "residents"),
            )
        }


def test_only_values_of_many_are_told_and_the_answer_says_from_how_many_on(city: Story) -> None:
    answer = ask(city.context, principal=city.principal("wang"), sql=SQL)
    assert sorted(row[0] for row in answer["rows"]) == ["cough", "fever"]
    assert any("fewer than about" in note for note in answer["notes"])
    assert any("取值是从数据中发现的" in note for note in answer["notes_zh"]) and len(answer["notes"]) == len(
        answer["notes_zh"]
    )
    assert "only" not in str(answer)


def test_values_that_all_have_are_all_told_however_many_each_has(city: Story) -> None:
    """No value of a unit is preferred: two, twelve or three hundred that everybody has are told,
    each and all."""
    for number in (2, 12):
        city.publish(
            b"person,district,year,cost,visits,note,day,smoker,secret\n"
            + b"".join(
                b"p%d,north,1,10,1,note %02d,2026-01-01,true,s\n" % (person, note)
                for person in range(1000)
                for note in range(number)
            )
        )
        answer = ask(city.context, principal=city.principal("wang"), sql=f"{SQL} LIMIT 99")
        assert sorted(row[0] for row in answer["rows"]) == [f"note {note:02}" for note in range(number)]


def test_the_price_told_before_is_the_price_charged_with_its_delta(city: Story) -> None:
    told = explain(city.context, principal=city.principal("wang"), sql=SQL)
    assert spent(city) == {PrivacyLoss(0)}
    assert [key["found_before"] for key in told["keys"]] == [False] and told["cells"] is None
    answer = ask(city.context, principal=city.principal("wang"), sql=SQL)
    (paid,) = spent(city)
    assert paid.picorho == told["picorho"] == answer["price"]["picorho"] and paid.delta == Fraction(1, 10**10)
    assert epsilon_of(paid, Fraction(1, 10**6)) <= 0.5


def test_asked_again_it_is_free_and_another_question_does_not_pay_for_the_keys_again(city: Story) -> None:
    first = ask(city.context, principal=city.principal("wang"), sql=SQL)
    (paid,) = spent(city)
    again = ask(city.context, principal=city.principal("wang"), sql=SQL)
    assert again["rows"] == first["rows"] and again["stored"] and spent(city) == {paid}
    other = "SELECT note, COUNT(*) AS n FROM clinic.visits WHERE year = 1 GROUP BY note"
    told = explain(city.context, principal=city.principal("wang"), sql=other)
    assert told["keys"][0]["found_before"] and told["cells"] == 2
    ask(city.context, principal=city.principal("wang"), sql=other)
    (after,) = spent(city)
    assert after.delta == paid.delta and after.picorho == paid.picorho + told["picorho"]


def test_a_better_offer_finds_more_and_leaves_the_first_answer_as_it_was(city: Story) -> None:
    first = ask(city.context, principal=city.principal("wang"), sql=SQL, epsilon=Fraction(1, 5))
    ask(city.context, principal=city.principal("wang"), sql=SQL, epsilon=Fraction(1))
    (paid,) = spent(city)
    again = ask(city.context, principal=city.principal("wang"), sql=SQL, epsilon=Fraction(1, 5))
    assert sorted(row[0] for row in again["rows"]) == sorted(row[0] for row in first["rows"]) and spent(
        city
    ) == {paid}
    with city.database.transaction() as tx:
        assert len(tx.execute(select(found_keys)).all()) == 2


def test_dates_are_found_and_told_as_dates(city: Story) -> None:
    answer = ask(
        city.context,
        principal=city.principal("wang"),
        sql=(
            "SELECT day, COUNT(*) FROM clinic.visits GROUP BY day HAVING day < DATE '2026-01-31' ORDER BY day"
        ),
    )
    assert [row[0] for row in answer["rows"]] == ["2026-01-01", "2026-01-02", "2026-01-03"]


def test_found_groups_can_be_aggregated_again(city: Story) -> None:
    again = (
        "SELECT COUNT(*) AS kinds, SUM(n) AS visits FROM (SELECT note, COUNT(*) AS n "
        "FROM clinic.visits GROUP BY note)"
    )
    assert explain(city.context, principal=city.principal("wang"), sql=again)["cells"] is None
    answer = ask(city.context, principal=city.principal("wang"), sql=again)
    ((kinds, visits),), (error,) = answer["rows"], answer["errors"]
    assert kinds == 2 and error["visits"]["low"] < visits < error["visits"]["high"]
    assert any("fewer than about" in note for note in answer["notes"])


def test_where_no_value_has_enough_people_it_says_so_and_keeps_what_it_paid_for(city: Story) -> None:
    city.publish(
        b"person,district,year,cost,visits,note,day,smoker,secret\n"
        + b"".join(b"p%d,north,1,10,1,%d,2026-01-01,true,s\n" % (person, person) for person in range(100))
    )
    for _ in range(2):
        with pytest.raises(QueryRefused, match="no value was found"):
            ask(
                city.context,
                principal=city.principal("wang"),
                sql="SELECT note, COUNT(*) FROM clinic.visits GROUP BY note",
            )
    with city.database.transaction() as tx:
        assert len(tx.execute(select(found_keys)).all()) == 1


def test_an_error_can_be_asked_for_only_once_the_groups_are_known(city: Story) -> None:
    with pytest.raises(InvalidInput, match="not known yet"):
        ask(city.context, principal=city.principal("wang"), sql=SQL, error=0.1)
    ask(city.context, principal=city.principal("wang"), sql=SQL)
    (paid,) = spent(city)
    answer = ask(city.context, principal=city.principal("wang"), sql=SQL, error=0.05)
    assert len(answer["rows"]) == 2
    (after,) = spent(city)
    assert after.delta == paid.delta


def test_nothing_is_bought_if_the_whole_question_does_not_fit(city: Story) -> None:
    with pytest.raises(BudgetExhausted):
        ask(city.context, principal=city.principal("wang"), sql=SQL, epsilon=Fraction(9))
    assert spent(city) == {PrivacyLoss(0)}


def test_one_team_cannot_spend_the_delta_of_another(city: Story) -> None:
    """The attack: the same key in ever new expressions, at a small epsilon,
    until no groups can be found any more."""
    with city.database.transaction() as tx:
        create_team(tx, team_id="river", display_name="river", by="system")
        join_team(tx, team_id="river", account_id="li", by="system")
        tx.execute(
            text(
                "UPDATE vault.budget_accounts SET delta_limit = 5 * 10::numeric^14, "
                "delta_held = delta_held WHERE level = 'grant'"
            )
        )
        tx.execute(
            text("UPDATE vault.budget_accounts SET delta_held = 5 * 10::numeric^14 WHERE level <> 'grant'")
        )
    request = request_access(
        city.database,
        gate=city.gate,
        principal=city.principal("li"),
        team="river",
        version=city.repository.current("clinic.visits"),
        purpose="to look at what they had",
        epsilon=Decimal(1),
        until=datetime.now(UTC) + timedelta(days=9),
    )
    approve(
        city.database,
        gate=city.gate,
        officer=city.principal("lin"),
        request_id=request.id,
        version=city.repository.current("clinic.visits"),
    )
    wang, new = (
        city.principal("wang"),
        "SELECT note || '{}' AS k, COUNT(*) AS n FROM clinic.visits GROUP BY k",
    )
    told = [
        explain(city.context, principal=wang, sql=new.format(number), epsilon=Fraction(1, 10))
        for number in range(2)
    ]
    assert [one["budget"]["such_questions_left"] for one in told] == [5, 5] and told[0][
        "delta_spent"
    ] == 1e-10
    for number in range(5):
        ask(city.context, principal=wang, sql=new.format(number), epsilon=Fraction(1, 10))
    refused = explain(city.context, principal=wang, sql=new.format(5), epsilon=Fraction(1, 10))["budget"]
    assert (
        not refused["enough"]
        and refused["delta_percent_used_now"] == 100 < refused["delta_percent_used_after"]
    )
    assert refused["refusal"]["code"] == "delta_exhausted" and "delta" in refused["refusal"]["message_zh"]
    with pytest.raises(BudgetExhausted, match="delta 1e-10, 0 is left") as stop:
        ask(city.context, principal=wang, sql=new.format(5), epsilon=Fraction(1, 10))
    assert stop.value.message == refused["refusal"]["message"]
    assert ask(city.context, principal=wang, sql=new.format(4), epsilon=Fraction(1, 10))["stored"]
    assert ask(
        city.context,
        principal=wang,
        sql="SELECT district, COUNT(*) AS n FROM clinic.visits GROUP BY district",
        epsilon=Fraction(1, 10),
    )["rows"], "what needs no delta goes on"

    mine = explain(city.context, principal=city.principal("li"), sql=new.format(6), epsilon=Fraction(1, 10))
    assert mine["budget"]["enough"] and mine["budget"]["delta_percent_used_now"] == 0
    assert (
        len(
            ask(city.context, principal=city.principal("li"), sql=new.format(6), epsilon=Fraction(1, 10))[
                "rows"
            ]
        )
        == 2
    )


def test_keys_that_were_found_by_the_rule_of_the_first_release_are_free(city: Story) -> None:
    """It stored them under a name of its own making, with a number of units as the threshold."""
    wang, version = city.principal("wang"), city.repository.current("clinic.visits")
    price = explain(city.context, principal=wang, sql=SQL)["keys"][0]["picorho"]
    digest = hashlib.sha256(
        json.dumps(
            [4, version.name, version.sha256, "person", "person", "keys/4:note"], separators=(",", ":")
        ).encode()
    ).hexdigest()
    with city.database.transaction() as tx:
        tx.execute(
            insert(found_keys).values(
                digest=digest, picorho=price, scale=20.0, threshold=120, values=["cough"]
            )
        )
    told = explain(city.context, principal=wang, sql=SQL)
    assert told["keys"][0]["found_before"] and told["keys"][0]["picorho"] == 0 and told["delta_spent"] == 0
    assert [row[0] for row in ask(city.context, principal=wang, sql=SQL)["rows"]] == ["cough"]
