"""A relative error that is asked for: promised for what it was computed from, and told where it holds."""

import pytest

from sandbox.queries import bind, make_plan, parse
from sandbox.queries.plan.plan import Plan
from sandbox.queries.plan.price import price_within
from sandbox.queries.types.scope import Scope
from sandbox.releases.notes import notes
from sandbox.releases.predict import loss_for, predict, typical_rows, typical_units
from sandbox.releases.prepare import Prepared
from story import DATASET, VERSION


def plan(sql: str) -> Plan:
    return make_plan(bind(parse(sql), Scope(DATASET)), VERSION)


def asked(sql: str, error: float) -> Prepared:
    made = plan(sql)
    return Prepared(sql, (), "3", made, price_within(made, loss_for(made, error)), "", (None,), error)


def test_people_are_counted_as_people_and_not_as_their_rows() -> None:
    people, rows = (
        plan("SELECT COUNT(DISTINCT person) AS n FROM clinic.visits"),
        plan("SELECT COUNT(*) AS n FROM clinic.visits"),
    )
    assert typical_units(people, 300.0) == 300 and typical_rows(rows) == 1000
    assert typical_units(people, None) == 250  # no fewer than a thousand rows at four a person
    [output] = people.outputs
    scales = dict.fromkeys(people.totals, 1024.0 * 10)
    assert predict(output, people, scales, 300.0).typical == pytest.approx(300)
    assert loss_for(people, 0.05, 200.0).picorho > loss_for(people, 0.05, 400.0).picorho


def test_where_each_person_is_one_row_a_group_has_as_many_rows_as_people() -> None:
    made = plan("SELECT AVG(n) AS m FROM (SELECT person, COUNT(*) AS n FROM clinic.visits GROUP BY person)")
    assert typical_rows(made, 300.0) == 300


@pytest.mark.parametrize("of", ["COUNT(*)", "SUM(cost)", "AVG(cost)", "COUNT(DISTINCT person)"])
def test_the_promise_holds_for_groups_as_large_as_it_says(of: str) -> None:
    """Whatever lies in a group of that size and value: the interval is as narrow as was asked for."""
    ready = asked(f"SELECT district, {of} AS x FROM clinic.visits GROUP BY district", 0.05)
    [fact] = next(note for note in notes(ready)["note_facts"] if note["code"] == "error_promised")["outputs"]
    scales = {share.total: share.scale for share in ready.price.shares}
    found = predict(ready.plan.outputs[1], ready.plan, scales)
    assert found.half_width is not None and found.half_width <= 0.05 * fact["value"] * (1 + 1e-9)
    assert not fact["evenly"]


def test_a_promise_that_rests_on_how_values_lie_says_so() -> None:
    ready = asked("SELECT MEDIAN(cost) AS x FROM clinic.visits", 0.5)
    [fact] = next(note for note in notes(ready)["note_facts"] if note["code"] == "error_promised")["outputs"]
    assert fact["evenly"]


def test_the_answer_says_in_how_many_groups_the_error_holds_and_means_the_noise() -> None:
    ready = asked("SELECT district, COUNT(*) AS x FROM clinic.visits GROUP BY district", 0.05)
    told = {
        "columns": [{"name": "district"}, {"name": "x"}],
        "rows": [["north", 500.0], ["south", 100.0], ["east", None]],
        "errors": [
            {"x": {"low": 480.0, "high": 900.0, "noise": {"low": 480.0, "high": 520.0}}},
            {"x": {"low": 80.0, "high": 120.0}},
            {"x": {"low": None, "high": None}},
        ],
    }
    kept = next(note for note in notes(ready, told)["note_facts"] if note["code"] == "error_kept")
    assert kept["outputs"] == [{"name": "x", "values": 3, "held": 1}]
    assert not any(note["code"] == "error_promised" for note in notes(ready, told)["note_facts"])
