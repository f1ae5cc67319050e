"""A unit's value that no output tells by itself follows from none of several together, of one run or of
several: each is a set of weights on a column, and a unit's leverage over all of them stays below one half."""

import json
from collections.abc import Sequence
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from computed_recipes import HEALTH, health_table, policy_of, taxonomy, version_of
from sandbox.disclosure import joint_leverage as leverage
from sandbox.disclosure.joint_leverage import TooMuch, joint_leverages, tells_more
from sandbox.jobs.recipes import Recipe, read_recipes
from sandbox.reviews import joint_influence as influence
from sandbox.reviews.joint_influence import NOT_COMPARED, influence_findings
from sandbox.reviews.read_columns import column_weights

PEOPLE, FAR = 400, 10.6
IN_THE_HALF = int(np.argmax(np.random.default_rng(20_190_709).permutation(PEOPLE) < PEOPLE / 2))
MEASURES = ("age", "income", "spending", "chronic")


def table(far: float = FAR) -> pa.Table:
    """One person is far out in each of four columns, and alone in none: each fit has a leverage of about 0.23
    of them, three of less than one half, all four together of more."""
    chance = np.random.default_rng(3)
    columns: dict[str, Any] = {"person": list(range(PEOPLE))}
    for name in MEASURES:
        values = chance.normal(0, 1, PEOPLE)
        values[IN_THE_HALF] = far
        columns[name] = np.round(50 + values, 3).tolist()
    columns["doctor_visits"] = chance.poisson(3, PEOPLE).tolist()
    columns["site"] = chance.integers(1, 5, PEOPLE).tolist()
    columns["health"] = chance.choice(["good", "fair", "poor"], PEOPLE).tolist()
    return health_table(columns)


TABLE = table()


def recipes(*parts: dict[str, Any] | str) -> tuple[Recipe, ...]:
    written = [
        {"kind": "regression", "name": f"r{place}", "dataset": HEALTH}
        | ({"formula": part} if isinstance(part, str) else part)
        for place, part in enumerate(parts)
    ]
    return read_recipes(json.dumps(written))


def codes(
    mine: Sequence[Recipe], earlier: Sequence[Recipe] = (), grade: str = "3", rows: pa.Table = TABLE
) -> dict[str, set[str]]:
    found = influence_findings(mine, earlier, version_of(policy_of()), rows, taxonomy().at(grade).thresholds)
    return {name: {finding.code for finding in findings} for name, findings in found.items()}


SPLIT = [f"doctor_visits ~ {name}" for name in MEASURES]
SWAPPED = [f"{name} ~ doctor_visits" for name in MEASURES]
MODELS = [
    {"kind": "model", "model": "linear", "target": "doctor_visits", "features": {name: name}}
    for name in MEASURES
]


@pytest.mark.parametrize("way", [SPLIT, SWAPPED], ids=["terms", "outcome and term swapped"])
def test_an_influence_that_is_split_over_releases_is_found_at_the_last_of_them(way: list[Any]) -> None:
    *before, last = recipes(*way)
    assert codes(before[:1]) == {}, "each by itself is the seal's to judge"
    assert codes(before[1:2], before[:1]) == {}, "two of them tell little yet"
    assert codes([last], before) == {last.name: {"joint_leverage"}}
    assert set(codes([*before, last])) == {one.name for one in (*before, last)}, "in one run as over several"
    assert codes([last], [*before, last]) == {}, "what says nothing new may leave again"
    assert codes([last], before, grade="1") == {}


def test_models_count_as_the_half_of_the_units_that_they_are_trained_on() -> None:
    # the person is in that half, so that two models tell what four regressions of all do
    first, second, *_ = recipes(*MODELS)
    assert codes([second], [first]) == {second.name: {"joint_leverage"}}


def test_a_group_that_a_condition_cuts_by_one_person_is_found_beside_the_whole() -> None:
    whole = {"kind": "means", "columns": {"visits": "doctor_visits"}}
    cut = whole | {"where": f"age < {50 + FAR - 1}"}
    assert codes(recipes({**cut, "name": "cut"}), recipes(whole)) == {"cut": {"joint_leverage"}}


def test_ordinary_outputs_of_one_study_are_not_blocked() -> None:
    by = [{}, {"site": "site"}, {"health": "health"}, {"site": "site", "health": "health"}]
    study = [
        {"kind": "means", "columns": {"v": "doctor_visits", "spent": "spending"}, "by": keys} for keys in by
    ]
    fits = [
        "doctor_visits ~ C(site)",
        "doctor_visits ~ C(site) + C(health)",
        "doctor_visits ~ age + C(health)",
    ]
    assert codes(recipes(*study, *fits)) == {}
    assert codes(recipes(*fits), recipes(*study, *fits)) == {}
    written = [
        "doctor_visits ~ (age >= 50) + income / 1000 + C(health)",
        "ROUND(spending) ~ age + age * age + C(site)",
        "doctor_visits ~ CASE WHEN income >= 51 THEN 2 WHEN income >= 50 THEN 1 ELSE 0 END",
        {
            "kind": "means",
            "columns": {"many": "doctor_visits > 3", "old": "CASE WHEN age >= 50 THEN spending END"},
        },
    ]
    assert codes(recipes(*written), recipes(*study, *fits), rows=table(1)) == {}, "with expressions"


def test_what_cannot_be_compared_is_asked_about() -> None:
    gone = recipes("doctor_visits ~ a_column_of_an_older_policy")
    assert codes(recipes("doctor_visits ~ age"), gone) == {"r0": {NOT_COMPARED.code}}


VISITS = {"kind": "means", "columns": {"v": "doctor_visits"}}
YOUNG = f"age < {50 + FAR - 1}"


@pytest.mark.parametrize(
    "columns",
    [
        {"v": "doctor_visits * 2"},
        {"v": "3 - doctor_visits / 2 + income"},
        {"v": "LEAST(doctor_visits, 1000)"},
        {"v": "doctor_visits * CASE WHEN income > -1 THEN 1 ELSE 2 END"},
    ],
    ids=["twice", "a linear form", "another function", "a product"],
)
def test_a_column_is_compared_however_it_is_written(columns: dict[str, str]) -> None:
    cut = {"kind": "means", "columns": columns, "where": YOUNG, "name": "cut"}
    assert codes(recipes(cut), recipes(VISITS)) == {"cut": {"joint_leverage"}}


@pytest.mark.parametrize(
    "cut",
    [
        f"CASE WHEN {YOUNG} THEN doctor_visits END",
        f"CASE WHEN {YOUNG} THEN doctor_visits ELSE 0 END",
        f"LEAST(CASE WHEN {YOUNG} THEN doctor_visits * 2 ELSE 0 END, 999)",
        f"COALESCE(CASE WHEN {YOUNG} THEN doctor_visits END, 0) + 1",
        f"GREATEST(doctor_visits, CASE WHEN {YOUNG} THEN 0 ELSE 30 END)",
        f"doctor_visits > 3 AND {YOUNG}",
    ],
)
def test_a_condition_in_the_expression_cuts_as_where_does(cut: str) -> None:
    mine = recipes({"kind": "means", "columns": {"v": cut}, "name": "cut"})
    assert codes(mine, recipes(VISITS)) == {"cut": {"joint_leverage"}}
    both = recipes({"kind": "means", "columns": {"v": cut, "w": "doctor_visits"}})
    assert codes(both) == {"r0": {"joint_leverage"}}, "one output may hold both"


def test_no_constant_and_no_size_hides_a_term() -> None:
    """From a constant of 1,000,000 on, products of columns alone lose it."""
    for hidden in ("(age + 1000000)", "(age * 0.000001 + 1000000)"):
        fits = [f"doctor_visits ~ {name}" for name in (hidden, *MEASURES[1:])]
        *before, last = recipes(*fits)
        assert codes([last], before) == {last.name: {"joint_leverage"}}


def test_outputs_of_one_run_that_are_too_many_to_compare_are_blocked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(influence, "MOST_COLUMNS", 3)
    monkeypatch.setattr(leverage, "MOST_COLUMNS", 3)
    by_site = {**VISITS, "by": {"site": "site"}}
    assert codes(recipes(VISITS, by_site)) == {name: {"joint_leverage_unknown"} for name in ("r0", "r1")}
    assert codes(recipes(VISITS, VISITS), recipes(VISITS)) == {}, "equal weights count once"


def test_a_difference_of_two_is_found_beside_more_earlier_outputs_than_can_be_compared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(influence, "MOST_COLUMNS", 3)
    monkeypatch.setattr(leverage, "MOST_COLUMNS", 3)
    earlier = recipes({**VISITS, "by": {"site": "site"}}, VISITS, {**VISITS, "by": {"health": "health"}})
    cut = recipes({**VISITS, "where": YOUNG, "name": "cut"})
    assert codes(cut, earlier) == {"cut": {"joint_leverage"}}
    assert codes(recipes({**VISITS, "where": "income > 50", "name": "half"}), earlier) == {
        "half": {NOT_COMPARED.code}
    }


def test_the_time_and_the_event_of_a_cox_model_are_asked_about() -> None:
    cox = {"formula": "doctor_visits > 2 ~ age", "family": "cox", "time": "spending"}
    spent = {"kind": "means", "columns": {"s": "spending"}}
    assert codes(recipes(cox)) == {}, "by itself the seal judges it"
    for other in (spent, VISITS):
        assert codes(recipes({**cox, "name": "cox"}), recipes(other)) == {"cox": {NOT_COMPARED.code}}
    assert (
        codes(recipes({**cox, "name": "cox"}), recipes({"kind": "means", "columns": {"i": "income"}})) == {}
    )


def test_a_recipe_that_cannot_be_planned_is_asked_about() -> None:
    mine = recipes({"kind": "means", "columns": {"v": "a_column_of_an_older_policy"}})
    assert codes(mine) == {"r0": {NOT_COMPARED.code}}


def test_outputs_on_a_dataset_that_was_made_of_it_are_asked_about() -> None:
    of_derived = recipes({**VISITS, "dataset": "health.derived"})
    version, rules = version_of(policy_of()), taxonomy().at("3").thresholds
    for related, expected in (({"health.derived"}, {"r0": [NOT_COMPARED]}), (set(), {})):
        assert influence_findings(recipes(VISITS), of_derived, version, TABLE, rules, related) == expected


def test_what_the_engine_cannot_compute_of_a_run_is_blocked(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*given: Any) -> Any:
        raise duckdb.OutOfMemoryException("a value of a row")

    monkeypatch.setattr(influence._Source, "_column_of", fails)
    assert codes(recipes(*SPLIT[:2])) == {name: {"joint_leverage_unknown"} for name in ("r0", "r1")}
    assert "OutOfMemoryException" in caplog.text and "a value" not in caplog.text


def test_weights_of_a_column_are_read_from_an_expression() -> None:
    assert column_weights('CAST(r."a" AS DOUBLE)') == {"a": ["1"]}
    assert column_weights('(r."a" * 2.0)')["a"] == ["(1) * (2.0)"]
    assert set(column_weights('CASE WHEN r."b" > 1 THEN r."a" END')) == {"a"}, "as WHERE does"
    assert set(column_weights('CASE WHEN r."b" > 1 THEN 1 ELSE 0 END')) == {"b"}
    assert "1" in column_weights('round(r."a", 0) / nullif(r."b", 0)')["b"]
    nested = 'r."a"'
    for _ in range(40):
        nested = f'CASE WHEN r."b" > 1 THEN {nested} ELSE 0 END'
    assert set(column_weights(nested)) == {"a", "b"}


@pytest.mark.parametrize("tiny", [1e-3, 1e-6, 1e-9])
def test_a_direction_that_is_small_beside_another_is_found(tiny: float) -> None:
    chance = np.random.default_rng(5)
    large, small = chance.normal(size=(2, 100))
    small[7] = 100
    hidden = sparse.csr_matrix(np.stack([large, large + tiny * small], axis=1))
    assert joint_leverages([hidden], np.arange(100))[7][0] > 0.9
    whole = sparse.csr_matrix(np.hstack([np.ones((100, 1)), np.repeat(np.eye(5), 20, axis=0)]))
    made = joint_leverages([whole], np.arange(100))
    assert np.allclose([made[row] for row in range(100)], 1 / 20), "a sum of the others adds nothing"


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10**6),
    st.integers(2, 30),
    st.lists(st.integers(1, 4), max_size=4),
    st.integers(1, 4),
    st.sampled_from([0.0, 0.5, 30.0]),
)
def test_the_first_leverage_of_a_unit_is_the_most_that_is_told_of_any_combination_of_its_rows(
    seed: int, rows: int, widths: list[int], each: int, alike: float
) -> None:
    """The share of the variance that the outputs take away, if values of a unit are its level and what each
    row adds to it: computed here by conditioning, of many combinations."""
    chance = np.random.default_rng(seed)
    matrices = [chance.integers(-2, 3, (rows, width)).astype(float) for width in widths]
    units = np.arange(rows) // each
    together = np.hstack([*matrices, np.zeros((rows, 1))])
    prior = np.eye(rows) + alike * (units[:, None] == units[None, :])
    told = prior @ together @ np.linalg.pinv(together.T @ prior @ together) @ together.T @ prior
    made = joint_leverages([sparse.csr_matrix(matrix * 7) for matrix in matrices], units, alike)
    for unit in range(units.max() + 1):
        own = np.flatnonzero(units == unit)
        root = np.linalg.inv(np.linalg.cholesky(prior[np.ix_(own, own)]))
        expected = np.linalg.eigvalsh(root @ told[np.ix_(own, own)] @ root.T)[::-1]
        got = np.zeros(len(own))
        leverages = made.get(unit, np.zeros(0))
        assert np.all(leverages[len(own) :] < 1e-6)
        got[: min(len(own), len(leverages))] = leverages[: len(own)]
        assert np.allclose(got, expected, atol=1e-6)
    twice = [sparse.csr_matrix(matrix) for matrix in (*matrices, *matrices)]
    again = joint_leverages(twice, units, alike)
    assert all(np.allclose(again[unit][0], told[0], atol=1e-6) for unit, told in made.items())


@pytest.mark.parametrize(
    ("before", "after", "more"),
    [
        ([], [0.4], False),
        ([], [0.5], False),
        ([], [0.51], True),
        ([0.6], [0.7], False),
        ([0.6], [0.99], True),
        ([0.99], [0.9999], True),
        ([1.0], [1.0, 0.4], False),
        ([1.0], [1.0, 0.6], True),
        ([1 - 1e-12], [1.0], False),
    ],
)
def test_a_unit_of_which_something_was_told_is_looked_at_again(
    before: list[float], after: list[float], more: bool
) -> None:
    assert tells_more(np.array(after), np.array(before)) is more


def test_too_many_weights_are_not_looked_at() -> None:
    with pytest.raises(TooMuch):
        joint_leverages(
            [sparse.identity(leverage.MOST_COLUMNS + 1).tocsr()], np.arange(leverage.MOST_COLUMNS + 1)
        )


def test_weights_that_doubles_hardly_hold_end_and_hide_nobody() -> None:
    """Source: attack on joint leverage with the source open, 2026-12: computing them never ended."""
    for tiny in (5e-324, 1e-310, 1e300):
        cut = np.full((50, 1), tiny)
        cut[7] = 0
        told = joint_leverages([sparse.csr_matrix(cut), sparse.csr_matrix(np.ones((50, 1)))], np.arange(50))
        assert told[7][0] > 0.9, tiny
    for wrong in (np.nan, np.inf, -np.inf):
        with pytest.raises(TooMuch):
            joint_leverages([sparse.csr_matrix(np.full((50, 1), wrong))], np.arange(50))
    small = {"kind": "means", "columns": {"v": "income * EXP(-720)"}}
    assert codes(recipes(small, "doctor_visits ~ income * EXP(-715)")) == {}
    cut = {**VISITS, "columns": {"v": "doctor_visits * EXP(-720)"}, "where": YOUNG, "name": "cut"}
    assert codes(recipes(cut), recipes(VISITS)) == {"cut": {"joint_leverage"}}


def test_the_time_for_all_columns_together_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Source: attack on joint leverage with the source open, 2026-12: only one computation was."""
    mine, earlier = recipes(VISITS, SPLIT[0]), recipes(*SPLIT[1:])
    monkeypatch.setattr(influence, "SECONDS", 0.0)
    assert codes(mine) == {name: {"joint_leverage_unknown"} for name in ("r0", "r1")}
    monkeypatch.undo()
    spent = influence._Source.time_for

    def only_for_mine(source: Any, whose: str, among: int = 1) -> Any:
        source._left["known"] = 0.0
        return spent(source, whose, among)

    monkeypatch.setattr(influence._Source, "time_for", only_for_mine)
    assert codes(mine, earlier) == {name: {NOT_COMPARED.code} for name in ("r0", "r1")}
    cut = recipes({**VISITS, "columns": {"v": f"doctor_visits * (CASE WHEN {YOUNG} THEN 1 ELSE 100000 END)"}})
    assert "joint_leverage" in codes(cut, earlier)["r0"], "what a run tells by itself is found"
