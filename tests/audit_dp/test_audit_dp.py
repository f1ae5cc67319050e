"""The audit finds nothing in the engine, is not blind, and finds each bug that is planted
in the real functions.

Nothing in the product knows of this. Each planted bug is one that such engines have had.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from audit_dp.audit import audit
from audit_dp.bound import chances
from audit_dp.subjects import (
    AT_THE_BOUND,
    HEAVY,
    bounds_bought,
    keys_found,
    mechanism,
    question,
    told_of_one_alone,
)
from sandbox.engines import duckdb, work
from sandbox.engines.model import Cells
from sandbox.queries import Plan, compile_partition_selection, compile_plan
from sandbox.queries.compile.totals import Statement
from sandbox.queries.plan.partition_selection import MOST_VALUES
from sandbox.queries.plan.price import MeasurementPrice
from sandbox.queries.weights import WEIGHT
from sandbox.releases import noise
from sandbox.releases.answer import answer_table as answer

COUNTS = "SELECT district, COUNT(*) AS n FROM t.t GROUP BY district"
RUNS = 3000


@pytest.mark.parametrize(("sql", "least"), [(COUNTS, 0.3), ("SELECT SUM(cost) AS s FROM t.t", 0.3)])
def test_a_question_stays_below_its_claim_and_the_bound_is_not_empty(sql: str, least: float) -> None:
    found = audit(question(sql, HEAVY, "8"), RUNS)
    assert found.holds, found
    assert found.best > least * found.claim


def test_the_noise_stays_below_its_claim_and_the_bound_is_not_empty() -> None:
    found = audit(mechanism("noise", [0], [4096], "8"), 20_000)
    assert found.holds, found
    assert found.best > 0.6 * found.claim


def test_keys_that_are_found_stay_below_their_claim_and_the_bound_is_not_empty() -> None:
    found = audit(keys_found("8"), RUNS)
    assert found.holds, found
    assert found.best > 0.1 * found.claim, found


DELTA, TOLD_RUNS = Fraction(1, 20), 3000


def told_of_one(values: int) -> tuple[float, float]:
    """Bounds of the chance that anything is told of a unit whose values nobody else has,
    wrong with a chance of 1e-6 each."""
    told = np.array([float(told_of_one_alone(values, "1", DELTA, TOLD_RUNS))])
    low, high = chances(told, TOLD_RUNS, 1e-6)
    return float(low[0]), float(high[0])


def test_values_that_one_unit_alone_has_are_told_as_seldom_as_delta_says() -> None:
    found = [told_of_one(values) for values in (1, 9, MOST_VALUES + 50)]
    assert all(low <= DELTA for low, _ in found), found
    assert max(high for _, high in found) > DELTA / 2, found


def test_values_that_all_count_in_full_are_found_by_how_often_one_unit_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def altered(*args: Any, **more: Any) -> str:
        sql, times = re.subn(
            r"sum\(CAST\(floor\(sqrt.*?INTEGER\)\)",
            f"sum({WEIGHT})",
            compile_partition_selection(*args, **more),
        )
        assert times == 1
        return sql

    monkeypatch.setattr(duckdb, "compile_partition_selection", altered)
    assert told_of_one(MOST_VALUES)[0] > DELTA


def test_bounds_that_are_bought_stay_below_their_claim_and_the_bound_is_not_empty() -> None:
    found = audit(bounds_bought("8"), RUNS)
    assert found.holds, found
    assert found.best > 0.1 * found.claim, found


def test_a_chances_bounds_hold_it_and_narrow() -> None:
    low, high = chances(np.array([0.0, 50.0, 100.0]), 100, 1e-6)
    assert low[0] == 0 and high[2] == 1 and low[1] < 0.5 < high[1]
    assert high[0] == pytest.approx(1 - 1e-6 ** (1 / 100))  # with no hit the bound is exact
    assert high[1] - low[1] > np.diff(np.array(chances(np.array([5000.0]), 10_000, 1e-6)).ravel())[0]


# --- planted bugs


def test_noise_of_a_smaller_scale_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    true = noise.add_noise
    monkeypatch.setattr(noise, "gaussian", _half(noise.gaussian))
    monkeypatch.setattr(
        noise, "add_noise", lambda share, cells: true(replace(share, loss=share.loss.times(5)), cells)
    )
    assert not audit(mechanism("noise", [0], [4096], "8"), 20_000).holds


def _half(gaussian: Any) -> Any:
    return lambda scale: gaussian(scale / 2)


def test_a_float_laplace_is_found_by_its_low_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its scale is right for its epsilon; only that it is added in floating point betrays the cell
    (Mironov 2012)."""
    chance = np.random.default_rng(7)

    def laplace(share: MeasurementPrice, cells: list[int]) -> Any:
        return np.array(cells) + chance.laplace(scale=share.total.sensitivity, size=len(cells))  # epsilon 1

    monkeypatch.setattr(noise, "add_noise", laplace)
    found = audit(mechanism("float Laplace", [0], [65536], "1"), 400_000)
    assert found.lower["direct"] > found.claim, found

    def in_whole_numbers(share: MeasurementPrice, cells: list[int]) -> Any:
        p = 1 - np.exp(-1 / share.total.sensitivity)
        return np.array(cells) + chance.geometric(p, len(cells)) - chance.geometric(p, len(cells))

    # the same noise without the low bits: it was they that told
    monkeypatch.setattr(noise, "add_noise", in_whole_numbers)
    found = audit(mechanism("discrete Laplace", [0], [65536], "1"), 400_000)
    assert found.lower["direct"] <= found.claim, found


def _altered(monkeypatch: pytest.MonkeyPatch, pattern: str, by: str) -> None:
    """The SQL of every total, with one thing changed; it must be there to be changed."""

    def changed(plan: Plan) -> tuple[Statement, ...]:
        texts = [(statement, *re.subn(pattern, by, statement.sql)) for statement in compile_plan(plan)]
        assert all(times for _, _, times in texts)
        return tuple(replace(statement, sql=sql) for statement, sql, _ in texts)

    monkeypatch.setattr(work, "compile_plan", changed)


def test_a_missing_bound_of_a_units_rows_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    _altered(monkeypatch, r'r\."unit:weight[^"]*"', "1024")
    assert not audit(question(COUNTS, HEAVY, "1"), RUNS).holds


def test_a_missing_clamp_of_a_value_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    _altered(monkeypatch, r'r\."steps:cost"', 'CAST(round(r."cost" * 2) AS BIGINT)')
    assert not audit(question("SELECT SUM(cost) AS s FROM t.t", HEAVY, "1"), RUNS).holds


def test_a_sampling_by_the_order_of_rows_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which rows count hangs on their places in the whole table, so one unit moves everybody's."""
    _altered(
        monkeypatch,
        r'r\."unit:weight[^"]*"',
        "(CASE WHEN hash(row_number() OVER (ORDER BY r.visits DESC, r.cost)) % 4 = 0 THEN 4096 ELSE 0 END)",
    )
    found = audit(question(COUNTS, AT_THE_BOUND, "1"), RUNS)
    assert found.best > found.claim, found


def test_a_value_that_is_told_because_somebody_has_it_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(noise, "values_told", lambda _, units: sorted(units))
    found = audit(keys_found("1"), RUNS)
    assert found.lower["direct"] > found.claim, found


def test_bounds_of_whoever_is_there_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(noise, "bounds_found", lambda _, units: (Fraction(min(units)), Fraction(max(units))))
    found = audit(bounds_bought("1"), RUNS)
    assert found.lower["direct"] > found.claim, found


def test_a_random_sampling_is_found_because_the_totals_do_not_repeat(monkeypatch: pytest.MonkeyPatch) -> None:
    _altered(monkeypatch, r'r\."unit:weight[^"]*"', "(CASE WHEN random() < 0.25 THEN 4096 ELSE 0 END)")
    assert not audit(question(COUNTS, AT_THE_BOUND, "1"), RUNS).repeats


def test_a_key_shown_because_a_row_had_it_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    exact_of, shown_of, seen = duckdb.compute, answer.table, {}

    def compute(plan: Plan, rows: pa.Table, public: Sequence[pa.Table] = ()) -> Cells:
        seen["exact"] = exact_of(plan, rows, public)
        return seen["exact"]

    def table(plan: Plan, released: dict[str, tuple[float, list[int]]]) -> dict[str, Any]:
        told, cells = shown_of(plan, released), next(iter(seen["exact"].values()))
        kept = [place for place, cell in enumerate(cells) if cell]
        return told | {name: [told[name][place] for place in kept] for name in ("rows", "errors")}

    monkeypatch.setattr(duckdb, "compute", compute)
    monkeypatch.setattr(answer, "table", table)
    found = audit(question(COUNTS, AT_THE_BOUND, "1"), RUNS)
    assert found.lower["direct"] > found.claim, found
