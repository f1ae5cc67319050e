"""The machine twin of queries/weights.md: no unit moves the pre-noise integers by more than the plan claims.

Hypothesis makes tables, policies and questions; each unit is removed in turn, and the very SQL that runs is run.
"""

from datetime import UTC, datetime
from functools import lru_cache

import hypothesis.strategies as st
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings

from sandbox.catalog.model import Version
from sandbox.catalog.policy_file import read_policy
from sandbox.catalog.read_table import read_table
from sandbox.engines.duckdb import compute
from sandbox.queries import Plan, bind, make_plan, parse
from story import POLICIES

COLUMNS = ("person", "district", "year", "cost", "visits", "note", "smoker")

POLICY = """
dataset: t.t
title: {{zh: t, en: t}}
summary: {{zh: t, en: t}}
department: health
grade: "3"
source: {{name: n, licence: l}}
about_rows: 100
population: residents
unit: {{column: person, kind: person, max_rows: {max_rows}}}
budget: {{delta: "1e-6", dataset_epsilon: "8", grant_epsilon: "4", question_epsilon: "1"}}
columns:
  person: {{role: unit, type: text}}
  district: {{role: key, type: text, values: [north, south]}}
  year: {{role: key, type: integer, values: {{from: 1, to: 3}}}}
  cost: {{role: measure, type: number, bounds: [{low}, {high}], step: "0.5"}}
  visits: {{role: measure, type: integer, bounds: [-3, 10], step: "1"}}
  note: {{role: attribute, type: text}}
  smoker: {{role: attribute, type: boolean}}
"""

numbers = st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True), st.floats(-100, 100),
                    st.sampled_from([0.1, 0.25, -0.25, 1e308, -1e308, 5e-324]))
rows = st.lists(st.tuples(
    st.sampled_from(["a", "b", "c", "d"]), st.sampled_from([None, "north", "south", "west", "nörth"]),
    st.sampled_from([None, 0, 1, 2, 3, 2**62]), numbers,
    st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1), st.integers(-20, 20)),
    st.sampled_from([None, "", "%", "it's", "x" * 50]), st.sampled_from([None, True, False])), min_size=1, max_size=24)
predicates = st.sampled_from([
    "", "WHERE cost > 1.5", "WHERE NOT (cost BETWEEN -1 AND 1 OR note LIKE '%''%')", "WHERE smoker", "WHERE NOT smoker",
    "WHERE visits IN (1, 2, 3) OR year = 2", "WHERE cost IS NULL", "WHERE note IS NOT NULL AND visits < cost",
    "WHERE district <> 'north' AND year >= 2", "WHERE visits <= -9223372036854"])
keys = st.sampled_from([(), ("district",), ("year",), ("district", "year"), ("year", "district")])
AGGREGATES = ("COUNT(*) AS a, COUNT(cost) AS b, COUNT(DISTINCT person) AS c, "
              "SUM(cost) AS d, AVG(cost) AS e, SUM(visits) AS f, AVG(visits) AS g")


@lru_cache
def plan_for(max_rows: int, bounds: tuple[int, int], predicate: str, groups: tuple[str, ...]) -> Plan:
    policy = read_policy(POLICY.format(max_rows=max_rows, low=bounds[0], high=bounds[1]),
                         schema=POLICIES / "dataset.schema.json")
    version = Version("t.t", 1, policy, "o", "v", "s", "x", datetime(2026, 1, 1, tzinfo=UTC))
    by = f" GROUP BY {', '.join(groups)}" if groups else ""
    sql = f"SELECT {', '.join([*groups, AGGREGATES])} FROM t.t {predicate}{by}"
    return make_plan(bind(parse(sql), policy), version)


def table_of(content: list[tuple[object, ...]], plan: Plan) -> pa.Table:
    types = [pa.string(), pa.string(), pa.int64(), pa.float64(), pa.int64(), pa.string(), pa.bool_()]
    columns = [pa.array([row[place] for row in content], type=kind, from_pandas=False)
               for place, kind in enumerate(types)]
    buffer = pa.BufferOutputStream()
    pa.parquet.write_table(pa.table(columns, names=list(COLUMNS)), buffer)
    return read_table(buffer.getvalue().to_pybytes(), plan.version.policy)


def check(content: list[tuple[object, ...]], plan: Plan) -> None:
    table = table_of(content, plan)
    whole = compute(plan, table)
    for unit in {row[0] for row in content}:
        rest = compute(plan, table.filter(pc.not_equal(table["person"], unit)))
        for total in plan.totals:
            moved = [abs(a - b) for a, b in zip(whole[total], rest[total], strict=True)]
            assert sum(moved) <= total.sensitivity, (total, unit)
            assert sum(step * step for step in moved) <= total.sensitivity**2


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(rows, st.integers(1, 6), st.sampled_from([(-2, 5), (0, 100), (-100, -50)]), predicates, keys)
def test_no_unit_moves_a_total_by_more_than_the_plan_claims(
        content: list[tuple[object, ...]], max_rows: int, bounds: tuple[int, int], predicate: str,
        groups: tuple[str, ...]) -> None:
    check(content, plan_for(max_rows, bounds, predicate, groups))


@pytest.mark.slow
@pytest.mark.timeout(1200)
@settings(max_examples=600, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(rows, st.integers(1, 6), st.sampled_from([(-2, 5), (0, 100), (-100, -50)]), predicates, keys)
def test_no_unit_moves_a_total_by_more_than_the_plan_claims_in_hundreds_of_cases_more(
        content: list[tuple[object, ...]], max_rows: int, bounds: tuple[int, int], predicate: str,
        groups: tuple[str, ...]) -> None:
    check(content, plan_for(max_rows, bounds, predicate, groups))


def test_the_claim_is_tight_so_that_the_test_can_see() -> None:
    """A unit with exactly max_rows rows at the bound moves the sum by its whole sensitivity."""
    plan = plan_for(2, (0, 100), "", ())
    content: list[tuple[object, ...]] = [("a", "north", 1, 1e9, 10, "", True)] * 2
    totals = compute(plan, table_of(content, plan))
    assert all(abs(totals[total][0]) == total.sensitivity for total in plan.totals if total.kind in ("rows", "sum")
               and total.column != "visits")


def test_a_missing_clamp_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plant the bug: without weights a heavy unit exceeds the claim, and the check fails."""
    plan = plan_for(1, (0, 100), "", ())
    monkeypatch.setattr("sandbox.queries.compile.WEIGHT", 1024 * 10)
    content: list[tuple[object, ...]] = [("a", "north", 1, 1e9, 10, "", True)] * 3
    with pytest.raises(AssertionError):
        check(content, plan)
