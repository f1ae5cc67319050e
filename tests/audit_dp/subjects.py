"""What is audited? The noise itself, and whole questions, each on a pair of tables
that differ in one unit."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa

from audit_dp.bound import Array
from audit_dp.events import Samples
from sandbox.catalog.model import Version
from sandbox.catalog.policy_file import read_policy
from sandbox.engines import duckdb
from sandbox.engines.model import UnitsByValue
from sandbox.engines.rows_in_memory import RowsInMemory
from sandbox.privacy import RHO_UNITS, PrivacyLoss, epsilon_of
from sandbox.queries import Plan, bind, make_plan, parse, price_within
from sandbox.queries.plan.bounds_estimation import least_weight
from sandbox.queries.plan.partition_selection import MOST_VALUES, threshold_for, weight_of_each
from sandbox.queries.plan.plan import Total, TotalKind
from sandbox.queries.plan.price import BoundsPrice, MeasurementPrice, PartitionPrice, gaussian_scale
from sandbox.queries.tree import Name
from sandbox.queries.types.scope import BoundsEstimation, Scope
from sandbox.queries.weights import WEIGHT
from sandbox.releases import noise
from sandbox.releases.answer import answer_table as answer
from story import POLICIES

MAX_ROWS = 4
CHOICE = "5eed"
"""In a purchase it is drawn anew; the claim holds for every one, so one is audited."""
POLICY = f"""
dataset: t.t
title: {{zh: t, en: t}}
summary: {{zh: t, en: t}}
department: health
grade: "3"
source: {{name: n, licence: l}}
about_rows: 100
population: residents
unit: {{column: person, kind: person, max_rows: {MAX_ROWS}}}
budget: {{delta: "1e-6", dataset_epsilon: "8", grant_epsilon: "4", question_epsilon: "1"}}
columns:
  person: {{role: unit, type: text}}
  district: {{role: key, type: text, values: [north, south, west]}}
  cost: {{role: measure, type: number, bounds: [0, 100], step: "0.5"}}
  visits: {{role: measure, type: integer, bounds: [0, 10], step: "1"}}
  note: {{role: attribute, type: text}}
"""
Row = tuple[str, str, float, int, str]
TYPES = {
    "person": pa.string(),
    "district": pa.string(),
    "cost": pa.float64(),
    "visits": pa.int64(),
    "note": pa.string(),
}

# nobody else lives in the west, so that a key shown because a row had it would show
OTHERS: list[Row] = [
    (f"p{i:02}", ("north", "south")[i % 2], 7.0 * (i % 13) + j, (i + 3 * j) % 11, f"n{i % 3}")
    for i in range(40)
    for j in range(1 + i % 9)
]
AT_THE_BOUND: list[Row] = [("victim", "west", 100.0, 10, f"v{j}") for j in range(MAX_ROWS)]
HEAVY: list[Row] = [("victim", "west", 1e9, 2**40, f"v{j}") for j in range(10 * MAX_ROWS)]
SPREAD: list[Row] = [("victim", district, 100.0, 10, "v") for district in ("north", "south", "west")]


@dataclass(frozen=True)
class Subject:
    """`draw(with_unit, runs)` runs it so many times on the table with or without the unit;
    `repeats` says whether its exact totals are the same however often and in whatever order of rows they are
    computed, as `draw` takes them to be."""

    name: str
    loss: PrivacyLoss
    delta: Fraction
    draw: Callable[[bool, int], Samples]
    repeats: Callable[[], bool]

    @property
    def claim(self) -> float:
        return epsilon_of(self.loss, self.delta)


# --- the noise itself


def mechanism(name: str, cells: list[int], moved: list[int], epsilon: str) -> Subject:
    """Noise on `cells`, and on `cells` moved by what one unit may move them."""
    version = _version()
    budget = version.policy.budget
    assert budget is not None
    loss, sensitivity = budget.loss(Fraction(epsilon)), sum(map(abs, moved))
    share = MeasurementPrice(
        Total(TotalKind.ROWS, sensitivity), loss, gaussian_scale(sensitivity, loss.picorho)
    )

    def draw(with_unit: bool, runs: int) -> Samples:
        exact = [cell + move * with_unit for cell, move in zip(cells, moved, strict=True)]
        noisy = np.array(noise.add_noise(share, exact * runs), dtype=np.float64).reshape(runs, len(cells))
        return Samples(noisy - np.array(cells, dtype=np.float64), np.full(runs, ""))

    return Subject(name, loss, budget.delta, draw, lambda: True)


# --- a whole question, as the gate answers it: parse, bind, plan, price, compute, noise, table


def question(sql: str, unit: list[Row], epsilon: str) -> Subject:
    version = _version()
    budget, scope = version.policy.budget, Scope(version.policy)
    assert budget is not None
    plan = make_plan(bind(parse(sql), scope), version, scope)
    price = price_within(plan, budget.loss(Fraction(epsilon)))

    def draw(with_unit: bool, runs: int) -> Samples:
        exact = duckdb.compute(plan, _table(with_unit, unit))
        noisy = {
            share.total.name: (
                share.scale,
                len(exact[share.total]),
                noise.add_noise(share, exact[share.total] * runs),
            )
            for share in price.shares
        }
        return _told(list(_answers(plan, noisy, runs)))

    def repeats() -> bool:
        return all(
            duckdb.compute(plan, _table(with_unit, unit))
            == duckdb.compute(plan, _table(with_unit, unit, seed))
            for with_unit in (True, False)
            for seed in range(3)
        )

    who = {id(AT_THE_BOUND): "at the bound", id(HEAVY): "far over", id(SPREAD): "in every cell"}[id(unit)]
    return Subject(f"{sql} [{who}]", price.loss, budget.delta, draw, repeats)


def _answers(
    plan: Plan, noisy: dict[str, tuple[float, int, list[int]]], runs: int
) -> Iterator[dict[str, Any]]:
    for run in range(runs):
        yield answer.table(
            plan,
            {
                name: (scale, cells[run * width : (run + 1) * width])
                for name, (scale, width, cells) in noisy.items()
            },
        )


def _told(answers: list[dict[str, Any]]) -> Samples:
    """Each answer's numbers, named by group and column (with their errors), and its shape."""
    runs, shapes = [], []
    for told in answers:
        numbers, order = {}, []
        for row, errors in zip(told["rows"], told["errors"], strict=True):
            key = "|".join(value for value in row if isinstance(value, str))
            said = {
                column["name"]: value
                for column, value in zip(told["columns"], row, strict=True)
                if not isinstance(value, str)
            }
            said |= {f"{name} error": error["standard_error"] for name, error in errors.items()}
            numbers.update(
                {f"{key}.{name}": float(value) for name, value in said.items() if value is not None}
            )
            order.append(key + "".join(f" no {name}" for name, value in said.items() if value is None))
        runs.append(numbers)
        shapes.append("; ".join(order))
    return Samples(_matrix(runs), np.array(shapes))


# --- the values of a key that no policy lists


def keys_found(epsilon: str) -> Subject:
    """As many units as the threshold have three notes;
    the unit that is added has these too, and one that nobody else has."""
    version = _version()
    budget, scope = version.policy.budget, Scope(version.policy)
    assert budget is not None
    plan = make_plan(bind(parse("SELECT note, COUNT(*) AS n FROM t.t GROUP BY note"), scope), version, scope)
    price = price_within(plan, budget.loss(Fraction(epsilon), keys=1))
    [share] = price.keys
    enough = share.threshold // weight_of_each(3)
    others: list[Row] = [(f"p{place}", "north", 1.0, 1, note) for place in range(enough) for note in "abc"]
    victim: list[Row] = [("victim", "west", 1.0, 1, note) for note in "abcv"]

    def units(with_unit: bool, seed: int = 0) -> UnitsByValue:
        rows = [*(victim if with_unit else []), *others]
        random.Random(seed).shuffle(rows)
        rows.sort(key=lambda row: row[0])  # as a version's rows come: each unit's are together, in any order
        table = RowsInMemory(_rows(rows).to_batches(), version.policy)
        return duckdb.units_by_value(share.discovery, version.policy, table, choice=CHOICE)

    def draw(with_unit: bool, runs: int) -> Samples:
        exact = units(with_unit)
        told = [noise.values_told(share, exact) for _ in range(runs)]
        numbers = np.array(
            [[float(sum(value in values for value in "abc")), float("v" in values)] for values in told]
        )
        return Samples(numbers, np.array([", ".join(map(str, values)) for values in told]))

    return Subject(
        "keys that are found: three at the threshold, one of the unit's own",
        share.loss,
        budget.delta,
        draw,
        lambda: all(units(there) == units(there, seed) for there in (True, False) for seed in range(1, 4)),
    )


def told_of_one_alone(values: int, epsilon: str, delta: Fraction, runs: int) -> int:
    """In how many runs anything is told of one unit that has so many values, none of which anybody else has.

    All of that is the threshold's delta, which is as large here as an audit can see.
    """
    version = _version()
    budget, scope = version.policy.budget, Scope(version.policy)
    assert budget is not None
    plan = make_plan(bind(parse("SELECT note, COUNT(*) AS n FROM t.t GROUP BY note"), scope), version, scope)
    picorho = budget.loss(Fraction(epsilon)).picorho
    scale = gaussian_scale(WEIGHT, picorho)
    share = PartitionPrice(
        plan.unknown[0],
        PrivacyLoss.at_least(Fraction(picorho, RHO_UNITS), delta),
        scale,
        threshold_for(scale, float(delta)),
    )
    alone = _rows([("victim", "west", 1.0, 1, f"v{place}") for place in range(values)])
    exact = duckdb.units_by_value(
        share.discovery, version.policy, RowsInMemory(alone.to_batches(), version.policy), choice=CHOICE
    )
    assert len(exact) == min(values, MOST_VALUES)
    return sum(bool(noise.values_told(share, exact)) for _ in range(runs))


# --- the bounds of a column that has none


def bounds_bought(epsilon: str) -> Subject:
    """Almost as many units as are believed have values of three sizes;
    the unit that is added has one of each, too."""
    version = _version()
    budget = version.policy.budget
    assert budget is not None
    one, loss = BoundsEstimation(Name("cost"), whole=False), budget.loss(Fraction(epsilon))
    share = BoundsPrice(one, loss, gaussian_scale(one.sensitivity, loss.picorho))
    sizes = (3.0, 30.0, 300.0)
    almost = least_weight(one, share.scale) // weight_of_each(len(sizes)) - 1
    others: list[Row] = [(f"p{place}", "north", size, 1, "n") for place in range(almost) for size in sizes]
    victim: list[Row] = [("victim", "west", size, 1, "n") for size in (*sizes, -1e6)]

    def units(with_unit: bool, seed: int = 0) -> UnitsByValue:
        rows = [*(victim if with_unit else []), *others]
        random.Random(seed).shuffle(rows)
        rows.sort(key=lambda row: row[0])
        table = RowsInMemory(_rows(rows).to_batches(), version.policy)
        return duckdb.units_by_value(one, version.policy, table, choice=CHOICE)

    def draw(with_unit: bool, runs: int) -> Samples:
        exact = units(with_unit)
        told = [noise.bounds_found(share, exact) for _ in range(runs)]
        return Samples(
            np.array([[np.nan] * 2 if ends is None else [float(end) for end in ends] for ends in told]),
            np.array([str(ends and tuple(map(str, ends))) for ends in told]),
        )

    return Subject(
        "bounds that are bought: three sizes that almost enough have, one of the unit's own",
        loss,
        budget.delta,
        draw,
        lambda: all(units(there) == units(there, seed) for there in (True, False) for seed in range(1, 4)),
    )


GROUPS = ("west", "north", "south", "")


def _matrix(runs: list[dict[str, float]]) -> Array:
    """Columns by group and place, so that both tables' samples have the same ones
    whatever groups are shown."""
    found = sorted({name.partition(".")[2] for numbers in runs for name in numbers})
    return np.array(
        [[numbers.get(f"{group}.{name}", np.nan) for group in GROUPS for name in found] for numbers in runs]
    )


def _table(with_unit: bool, unit: list[Row], seed: int | None = None) -> pa.Table:
    """The unit's rows come first: where the order of rows mattered, it would move everybody else."""
    rows = [*(unit if with_unit else []), *OTHERS]
    if seed is not None:
        random.Random(seed).shuffle(rows)
    return _rows(rows)


def _rows(rows: list[Row]) -> pa.Table:
    return pa.table(
        {
            name: pa.array([row[place] for row in rows], type=kind)
            for place, (name, kind) in enumerate(TYPES.items())
        }
    )


def _version() -> Version:
    policy = read_policy(POLICY, schema=POLICIES / "dataset.schema.json")
    return Version("t.t", 1, policy, "o", "v", "s", "x", datetime(2026, 1, 1, tzinfo=UTC))
