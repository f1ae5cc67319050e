"""The DP gate, step by step, on real parts: what is charged, what is logged, what is free,
what is refused."""

import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from fractions import Fraction
from math import sqrt

import pytest
from sqlalchemy import select, text

from false_alarms import noise_bound
from sandbox.audit import Log, Signer
from sandbox.audit.tables import entries
from sandbox.budgets import Account, Level, statement
from sandbox.database import Database
from sandbox.errors import BudgetExhausted, Conflict, Forbidden, InvalidInput, QueryRefused, Unavailable
from sandbox.grants import revoke
from sandbox.identity import create_team, join_team
from sandbox.queries import bind, digest, make_plan, parse
from sandbox.queries.types.scope import Scope
from sandbox.releases import ask, explain
from sandbox.releases.tables import questions
from story import POLICY, Story, rows_csv

SQL = "SELECT district, COUNT(*) AS n, AVG(cost) AS mean FROM clinic.visits GROUP BY district"


@pytest.fixture
def open_story_with_grant(story: Story) -> Story:
    story.publish()
    story.grant()
    return story


@pytest.fixture
def city(open_story_with_grant: Story) -> Story:
    return open_story_with_grant


def spent(city: Story) -> dict[str, int]:
    with city.database.transaction() as tx:
        return {
            level.value: statement(tx, Account(level, key)).spent.picorho
            for level, key in (
                (Level.GRANT, "lake/clinic.visits"),
                (Level.DATASET, "clinic.visits"),
                (Level.POPULATION, "residents"),
            )
        }


def kinds(city: Story) -> list[str]:
    with city.database.transaction() as tx:
        return [
            entry.split('"kind":"')[1].split('"')[0]
            for entry in tx.execute(select(entries.c.entry).order_by(entries.c.index)).scalars()
        ]


def test_an_answer_has_every_public_group_with_its_error(story: Story) -> None:
    # so many that a mean's denominator is no closer than 30 of its errors to nothing
    story.publish(rows_csv(people=6000))
    story.grant()
    answer = ask(story.context, principal=story.principal("wang"), sql=SQL)
    assert [row[0] for row in answer["rows"]] == ["north", "south", "east"]
    for row, errors in zip(answer["rows"], answer["errors"], strict=True):
        for name, value in (("n", row[1]), ("mean", row[2])):
            assert errors[name]["low"] <= value <= errors[name]["high"]
            assert errors[name]["standard_error"] > 0


def test_the_price_told_before_is_the_price_charged_at_all_three_levels(city: Story) -> None:
    told = explain(city.context, principal=city.principal("wang"), sql=SQL)
    assert spent(city) == {"grant": 0, "dataset": 0, "population": 0}
    answer = ask(city.context, principal=city.principal("wang"), sql=SQL)
    assert answer["price"]["picorho"] == told["picorho"] > 0
    assert set(spent(city).values()) == {told["picorho"]}


def test_a_team_asks_under_its_newest_grant_and_who_is_in_several_teams_says_for_which(city: Story) -> None:
    newest = city.grant()
    answer = ask(city.context, principal=city.principal("wang"), sql=SQL)
    assert answer["grant"] == newest.id and spent(city)["grant"] == answer["price"]["picorho"]
    revoke(
        city.database,
        gate=city.gate,
        officer=city.principal("lin"),
        grant_id=newest.id,
        reason="to test what is left",
    )
    assert ask(city.context, principal=city.principal("wang"), sql=SQL)["stored"], (
        "the older grant still holds"
    )
    with city.database.transaction() as tx:
        create_team(tx, team_id="hill", display_name="hill", by="system")
        join_team(tx, team_id="hill", account_id="wang", by="system")
    other = city.grant(team="hill")
    with pytest.raises(InvalidInput, match=rf"{other.id} \(hill\), 1 \(lake\)") as refused:
        ask(city.context, principal=city.principal("wang"), sql=SQL)
    assert "--grant" in refused.value.remedy


def test_the_same_question_written_otherwise_is_free_and_gives_the_same_numbers(city: Story) -> None:
    first = ask(
        city.context,
        principal=city.principal("wang"),
        sql="SELECT COUNT(*) FROM clinic.visits WHERE year = 1 AND district IN ('north', 'south')",
    )
    before = spent(city)
    again = ask(
        city.context,
        principal=city.principal("wang"),
        sql="select count(*) as how_many from clinic.visits where district in ('south','north') and 1 = year",
    )
    assert again["rows"] == first["rows"] and again["stored"] and not first["stored"]
    assert spent(city) == before


def test_what_is_said_across_groups_is_made_of_what_is_released_anyway_and_costs_nothing_more(
    city: Story,
) -> None:
    grouped = "FROM clinic.visits GROUP BY district"
    ask(city.context, principal=city.principal("wang"), sql=f"SELECT district, COUNT(*) AS n {grouped}")
    before = spent(city)
    shares = (
        "SELECT district, COUNT(*) / SUM(COUNT(*)) OVER () AS share, RANK() OVER (ORDER BY "
        f"COUNT(*)) AS place {grouped}"
    )
    most = f"SELECT MAX(n) AS most, SUM(n) AS rows FROM (SELECT district, COUNT(*) AS n {grouped})"
    for sql in (shares, most):
        told = explain(city.context, principal=city.principal("wang"), sql=sql)
        assert told["picorho"] == 0 and told["outputs"][0]["plus_minus_95"] > 0
        answer = ask(city.context, principal=city.principal("wang"), sql=sql)
        assert answer["stored"] and spent(city) == before
    answer = ask(city.context, principal=city.principal("wang"), sql=shares)
    assert sum(row[1] for row in answer["rows"]) == pytest.approx(1)
    told = explain(city.context, principal=city.principal("wang"), sql=shares, error=0.2)
    assert told["outputs"][0]["percent_of_a_typical_cell"] == pytest.approx(20, rel=0.02)


def test_asking_for_more_precision_buys_a_new_answer_and_less_precision_is_free(city: Story) -> None:
    sql = "SELECT COUNT(*) FROM clinic.visits"
    ask(city.context, principal=city.principal("wang"), sql=sql, epsilon=Fraction(1, 5))
    finer = ask(city.context, principal=city.principal("wang"), sql=sql, epsilon=Fraction(1, 2))
    coarser = ask(city.context, principal=city.principal("wang"), sql=sql, epsilon=Fraction(1, 10))
    assert not finer["stored"] and coarser["stored"] and coarser["rows"] == finer["rows"]


def test_the_steps_are_logged_in_their_order_and_the_receipt_holds_the_answer(city: Story, tmp_path) -> None:  # type: ignore[no-untyped-def]
    answer = ask(city.context, principal=city.principal("wang"), sql=SQL)
    assert kinds(city)[-2:] == ["query.asked", "query.released"]
    log = Log(city.database, Signer(tmp_path))
    opening = log.receipt(answer["log_index"], opening=True)["opening"]
    assert "answer_sha256" in str(opening)
    assert log.verify_whole().verified


def test_a_budget_that_is_used_up_stops_the_question_before_anything_is_charged(city: Story) -> None:
    ask(
        city.context,
        principal=city.principal("wang"),
        sql="SELECT COUNT(*) FROM clinic.visits",
        epsilon=Fraction(7, 2),
    )
    before = spent(city)
    with pytest.raises(BudgetExhausted, match="grant"):
        ask(
            city.context,
            principal=city.principal("wang"),
            sql="SELECT SUM(cost) FROM clinic.visits",
            epsilon=Fraction(3),
        )
    assert spent(city) == before


def test_a_failure_after_data_was_touched_stays_charged_and_tells_nothing(city: Story) -> None:
    rows = city.repository.current("clinic.visits")
    city.store.client.remove_object(city.store.bucket, rows.object_name, version_id=rows.object_version)
    with pytest.raises(Unavailable) as failure:
        ask(city.context, principal=city.principal("wang"), sql=SQL)
    assert failure.value.code == "query_failed" and "clinic" not in failure.value.message
    assert spent(city)["grant"] > 0
    assert kinds(city)[-2:] == ["query.asked", "query.failed"]


def test_a_revoked_grant_stops_the_next_question_even_a_free_one(city: Story) -> None:
    ask(city.context, principal=city.principal("wang"), sql=SQL)
    revoke(
        city.database, gate=city.gate, officer=city.principal("lin"), grant_id=1, reason="the purpose ended"
    )
    with pytest.raises(Forbidden, match="no longer live"):
        ask(city.context, principal=city.principal("wang"), sql=SQL)
    assert kinds(city)[-1] == "decision.refused"


def test_somebody_without_a_grant_is_refused(city: Story) -> None:
    with pytest.raises(Forbidden, match="no grant"):
        ask(city.context, principal=city.principal("li"), sql=SQL)


def test_a_refused_construct_is_logged_and_costs_nothing(city: Story) -> None:
    with pytest.raises(QueryRefused, match="SELECT \\*"):
        ask(city.context, principal=city.principal("wang"), sql="SELECT * FROM clinic.visits")
    assert kinds(city)[-1] == "query.refused"
    assert spent(city)["grant"] == 0


def test_a_new_version_of_a_dataset_is_a_new_question_on_the_same_budget(city: Story) -> None:
    sql = "SELECT COUNT(*) FROM clinic.visits"
    first = ask(city.context, principal=city.principal("wang"), sql=sql)
    city.publish(policy=POLICY)
    second = ask(city.context, principal=city.principal("wang"), sql=sql)
    assert (first["version"], second["version"]) == (1, 2) and not second["stored"]
    assert spent(city)["dataset"] == 2 * first["price"]["picorho"]


def test_counts_of_units_and_rows_are_near_the_truth(city: Story) -> None:
    """300 people, and noise of the size that the price says."""
    answer = ask(
        city.context,
        principal=city.principal("wang"),
        sql="SELECT COUNT(DISTINCT person) FROM clinic.visits",
        epsilon=Fraction(2),
    )
    error = answer["errors"][0]["count_distinct_person"]["standard_error"]
    # people all of whose rows are in a listed district and year: without keys every row counts
    assert abs(answer["rows"][0][0] - 300) < noise_bound(error) < 100
    assert error == pytest.approx(1 / sqrt(2 * answer["price"]["rho"]), rel=1e-6)
    with city.database.transaction() as tx:
        assert tx.execute(select(questions.c.status)).scalars().all() == ["released"]


def test_a_grant_that_ends_while_its_question_waits_stops_it(city: Story) -> None:
    """The decision is taken again in the transaction that charges: a revocation does not lose the race."""
    with ThreadPoolExecutor(1) as pool:
        plan = digest_of(city, SQL)
        # another process holds it
        other = Database(city.database.engine.url.render_as_string(hide_password=False))
        with other.lock(f"question:{plan}"):
            waiting = pool.submit(ask, city.context, principal=city.principal("wang"), sql=SQL)
            wait_for_a_waiter(city)
            revoke(
                city.database,
                gate=city.gate,
                officer=city.principal("lin"),
                grant_id=1,
                reason="the purpose ended",
            )
        with pytest.raises(Forbidden, match="no longer live"):
            waiting.result(120)
    other.close()
    assert spent(city)["dataset"] == 0


def digest_of(city: Story, sql: str) -> str:
    version = city.repository.current("clinic.visits")
    return digest(make_plan(bind(parse(sql), Scope(version.policy)), version))


def wait_for_a_waiter(city: Story) -> None:
    """Until somebody waits for an advisory lock: Postgres says so."""
    while True:
        with city.database.transaction() as tx:
            if tx.execute(
                text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
            ).scalar_one():
                return


def test_a_second_grant_gives_a_team_no_fresh_budget(city: Story) -> None:
    ask(
        city.context,
        principal=city.principal("wang"),
        sql="SELECT COUNT(*) FROM clinic.visits",
        epsilon=Fraction(3),
    )
    city.grant()
    with pytest.raises(BudgetExhausted, match="grant"):
        ask(
            city.context,
            principal=city.principal("wang"),
            sql="SELECT SUM(cost) FROM clinic.visits",
            epsilon=Fraction(3),
            grant_id=2,
        )


def test_a_question_that_takes_too_long_is_ended_and_stays_charged(
    city: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["sandbox.releases.ask"], "computing_seconds", lambda _: 0.001)
    monkeypatch.setattr("sandbox.releases.response_time.STEPS", 0)  # or it is told eight seconds later
    with pytest.raises(Unavailable, match="failed"):
        ask(city.context, principal=city.principal("wang"), sql=SQL)
    assert spent(city)["grant"] > 0


@pytest.mark.parametrize(
    "changed",
    [
        ("population: residents", "population: tourists"),
        ("max_rows: 4", "max_rows: 4"),
        ("kind: person", "kind: household"),
    ],
)
def test_a_new_version_cannot_leave_the_people_whose_budget_was_spent(
    city: Story, changed: tuple[str, str]
) -> None:
    city.populations["tourists"] = replace(city.populations["residents"], name="tourists")
    policy = POLICY.replace(*changed)
    if policy == POLICY:
        city.publish(policy=policy)
        return
    with pytest.raises(Conflict, match="another population, unit or delta"):
        city.publish(policy=policy)
