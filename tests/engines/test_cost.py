"""No step of the engine has more rows than `explain` knew from public numbers, whoever is in the table.

Twins: tables that differ in one unit whose rows are as many and as alike as can be. Their questions are the
expensive ones: joins that multiply, joins of joins, a unit's own rows beside each other. What is looked at is
the engine's own profile, so the test is deterministic. Source: a join of a person's own rows took 18 s where
the person was, and half a second where not.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from sandbox.catalog import Version
from sandbox.engines.rows_in_memory import PublicRows, RowsInMemory
from sandbox.engines.work import totals_work
from sandbox.errors import QueryRefused
from sandbox.queries import Plan, bind, make_plan, parse
from sandbox.queries.compile.totals import joined_table
from sandbox.queries.plan.cost import cost_of, require_affordable, rows_kept
from sandbox.queries.types.scope import PrivateTable, PublicTable, Scope
from story import DATASET, VERSION

PEOPLE, MAX_ROWS = 60, 6
STOPS = pa.table(
    {"stop": pa.array([1, 1, 1, 1, 2, 2, 3], pa.int64()), "zone": ["x", "y", None, "x", "y", "y", "x"]}
)
PUBLIC = replace(
    VERSION,
    dataset="city.stops",
    policy=replace(
        DATASET,
        dataset="city.stops",
        unit=None,
        budget=None,
        columns=(
            replace(DATASET.columns[5], name="stop", type=DATASET.columns[2].type),
            replace(DATASET.columns[5], name="zone"),
        ),
    ),
)
QUESTIONS = (
    "SELECT COUNT(*) AS n FROM clinic.visits JOIN city.stops AS s ON visits = s.stop",
    (
        "SELECT COUNT(*) AS n FROM clinic.visits JOIN city.stops AS s ON visits = s.stop LEFT "
        "JOIN city.stops AS t ON t.stop = year"
    ),
    (
        "SELECT s.zone, AVG(cost) AS n FROM clinic.visits LEFT "
        "JOIN city.stops AS s ON visits = s.stop GROUP BY s.zone"
    ),
    "SELECT COUNT(DISTINCT note) AS n FROM clinic.visits JOIN city.stops AS s ON visits = s.stop",
    "SELECT MEDIAN(visits) AS n FROM clinic.visits JOIN city.stops AS s ON visits = s.stop",
    (
        "SELECT SUM(v.cost) AS n FROM clinic.visits AS v "
        "JOIN clinic.visits AS w ON v.person = w.person AND v.year = w.year + 1"
    ),
    "SELECT COUNT(*) AS n FROM clinic.visits AS v JOIN clinic.visits AS w ON v.person = w.person "
    "JOIN clinic.visits AS x ON v.person = x.person",
    (
        "SELECT COUNT(*) AS n FROM clinic.visits AS v LEFT "
        "JOIN clinic.visits AS w ON v.person = w.person WHERE w.cost > v.cost"
    ),
    "SELECT year, COUNT(DISTINCT person) AS n FROM clinic.visits GROUP BY year",
    "SELECT AVG(s) AS a FROM (SELECT person, SUM(cost) AS s FROM clinic.visits GROUP BY person)",
    (
        "SELECT COUNT(*) AS n FROM clinic.visits WHERE person IN (SELECT person "
        "FROM clinic.visits WHERE cost > 50)"
    ),
)
TOO_MUCH = "SELECT COUNT(*) AS n FROM clinic.visits AS v " + " ".join(
    f"JOIN clinic.visits AS w{place} ON v.person = w{place}.person" for place in range(7)
)


def rows(people: int, *, crowd: int) -> pa.Table:
    """Two rows for each person, and so many more, all alike, for the last one."""
    chance = Random(people)
    table = [
        (
            f"p{person:03}",
            chance.choice(["north", "south", None]),
            chance.randint(1, 3),
            chance.uniform(0, 100),
            chance.randint(0, 4),
            "n",
            chance.choice([True, None]),
        )
        for person in range(people)
        for _ in range(2)
    ]
    table += [(f"p{people - 1:03}", "north", 1, 50.0, 1, f"{place}", True) for place in range(crowd)]
    columns = [list(column) for column in zip(*table, strict=True)]
    return pa.table(
        {
            "person": columns[0],
            "district": columns[1],
            "year": pa.array(columns[2], pa.int64()),
            "cost": pa.array(columns[3], pa.float64()),
            "visits": pa.array(columns[4], pa.int64()),
            "note": columns[5],
            "day": pa.nulls(len(table), pa.date32()),
            "smoker": columns[6],
        }
    )


def plan_of(sql: str, version: Version) -> Plan:
    stops, question = PublicRows(STOPS), parse(sql)
    scope = Scope(
        version.policy,
        {
            join.name: PrivateTable(version, join.outer)
            if join.dataset == version.dataset
            else PublicTable(
                PUBLIC,
                lambda column, _: stops.values(column),
                stops.once,
                join.outer,
                stops.extent,
                stops.fan_out,
            )
            for join in question.joins
        },
    )
    return make_plan(bind(question, scope), version, scope)


class Profiled:
    """A connection that keeps how many rows each step of each statement had."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection, self.steps = connection, list[tuple[str, int]]()
        connection.execute("PRAGMA enable_profiling='no_output'")

    def execute(self, sql: str) -> duckdb.DuckDBPyConnection:
        self.connection.execute(sql).fetchall()
        profile = json.loads(self.connection.get_profiling_information(format="json"))
        self.steps += [(step["operator_name"], step["operator_cardinality"]) for step in steps_of(profile)]
        return self.connection.execute(sql)


def steps_of(profile: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for step in profile["children"]:
        yield step
        yield from steps_of(step)


def steps(plan: Plan, table: pa.Table) -> list[tuple[str, int]]:
    asked = RowsInMemory(table.to_batches(), plan.version.policy)
    beside = RowsInMemory(table.to_batches(), plan.version.policy).beside(asked, plan.version.policy)
    joined = [beside if isinstance(other, PrivateTable) else STOPS for other in plan.scope.joined.values()]
    if any(other is beside for other in joined):
        asked.bounded(rows_kept(plan.unit.max_rows))
    with asked.cursor() as connection:
        for place, other in enumerate(joined):
            connection.register(joined_table(place), other)
        profiled = Profiled(connection)
        totals_work(plan, count=asked.count, units=asked.units).perform(profiled)
        return profiled.steps


@pytest.mark.parametrize("sql", QUESTIONS)
@pytest.mark.parametrize("crowd", [0, 120])
def test_no_step_has_more_rows_than_was_known_before(sql: str, crowd: int) -> None:
    table = rows(PEOPLE, crowd=crowd)
    assert DATASET.unit is not None
    policy = replace(DATASET, about_rows=2 * PEOPLE + 120, unit=replace(DATASET.unit, max_rows=MAX_ROWS))
    plan = plan_of(sql, replace(VERSION, policy=policy))
    cost = cost_of(plan)
    require_affordable(plan)
    found = steps(plan, table)
    assert found
    assert max(count for _, count in found) <= cost.rows, (cost, found)


@pytest.mark.parametrize("sql", [sql for sql in QUESTIONS if "v.person" in sql])
def test_one_unit_adds_no_more_rows_to_a_join_than_was_known_before(sql: str) -> None:
    assert DATASET.unit is not None
    policy = replace(DATASET, about_rows=10**4, unit=replace(DATASET.unit, max_rows=MAX_ROWS))
    plan = plan_of(sql, replace(VERSION, policy=policy))
    without, with_it = (
        sum(count for name, count in steps(plan, rows(PEOPLE, crowd=crowd)) if "JOIN" in name)
        for crowd in (0, 3000)
    )
    joins = 3 * len(plan.joins) + 3  # the weights' join is one, and few
    assert with_it - without <= joins * cost_of(plan).unit_rows


def test_a_join_that_could_multiply_a_unit_without_end_is_refused_before_it_is_asked() -> None:
    assert DATASET.unit is not None
    version = replace(VERSION, policy=replace(DATASET, unit=replace(DATASET.unit, max_rows=MAX_ROWS)))
    with pytest.raises(QueryRefused, match="could become"):
        require_affordable(plan_of(TOO_MUCH, version))
