"""Each construct of the query language is read as linear, with known weights, or as a function that may tell
as much as the column: no construct hides a row, or singles one out, unseen."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from extreme_values import POLICY, SCOPE, VERSION
from sandbox.jobs.recipes.expressions import RecipeExpressions
from sandbox.queries import bind, parse
from sandbox.queries.functions.registry import CONSTRUCTS, construct_of
from sandbox.queries.tree import Aggregate, walk
from sandbox.reviews.probe_values import PROBES, probe_table, probe_values
from sandbox.reviews.read_columns import View, column_weights

KNOWN = {
    "a column": "cost",
    "x + y": "cost + 2 * visits",
    "x - y": "visits - cost / 2",
    "x * y": "visits * cost",
    "x / y": "cost / visits",
    "ABS": "ABS(cost - 1)",
    "LEAST": "LEAST(cost, visits, 3)",
    "GREATEST": "GREATEST(0 - cost, 1)",
    "COALESCE": "COALESCE(cost, visits, 3)",
    "CASE": "CASE WHEN visits > 5 THEN 3 * cost WHEN visits > 2 THEN 0 - cost ELSE 7 END",
}
"""By the construct: an expression of it in which `cost` has a slope that is known."""
NUMBERS = {
    "x % y": "cost % 3",
    "FLOOR": "FLOOR(cost)",
    "CEIL": "CEIL(cost)",
    "TRUNC": "TRUNC(cost)",
    "SQRT": "SQRT(ABS(cost))",
    "LN": "LN(ABS(cost) + 1)",
    "EXP": "EXP(LEAST(cost, 9))",
    "SIN": "SIN(cost)",
    "COS": "COS(cost)",
    "ROUND": "ROUND(cost, 1)",
    "ROUND to even": "CAST(cost AS INTEGER)",
    **{name: f"{name}(at)" for name in ("YEAR", "QUARTER", "MONTH", "DAY", "WEEK", "HOUR", "MINUTE")},
    **{name: f"{name}(day)" for name in ("DAYOFWEEK", "ISODOW", "DAYOFYEAR")},
    **{
        f"DATE_DIFF('{grain}', x, y)": f"LEAST(GREATEST(DATE_DIFF('{grain}', day, until), -99999), 99999)"
        for grain in ("year", "quarter", "month", "week", "day", "hour")
    },
    "LENGTH": "LEAST(LENGTH(note), 9)",
    "STRPOS": "LEAST(STRPOS(note, 'b'), 9)",
}
"""By the construct: an expression of it that is a number and no slope."""
CONDITIONS = {
    **{
        f"DATE_TRUNC('{grain}', x)": f"DATE_TRUNC('{grain}', at) < DATE '2023-05-05'"
        for grain in ("year", "quarter", "month", "week", "day")
    },
    "DATE_TRUNC('hour', x)": "DATE_TRUNC('hour', at) < TIMESTAMP '2023-05-05 00:00:00'",
    "LOWER": "LOWER(note) = 'b'",
    "UPPER": "UPPER(note) = 'B'",
    "TRIM": "TRIM(note) = 'b'",
    "LTRIM": "LTRIM(note) = 'b'",
    "RTRIM": "RTRIM(note) = 'b'",
    "SUBSTRING, LEFT, RIGHT": "SUBSTRING(note, 1, 1) = 'b'",
    "||": "note || 'x' = 'bx'",
    "REPLACE": "REPLACE(note, 'a', 'b') = 'b'",
    "LIKE": "note LIKE 'b%'",
    **{f"x {sign} y": f"visits {sign} 2" for sign in ("=", "<>", "<", "<=", ">", ">=")},
    "IN": "visits IN (1, 2, 7)",
    "IS NULL": "cost IS NULL",
    "NOT": "NOT smoker",
    "AND": "smoker AND visits > 2",
    "OR": "smoker OR visits > 2",
}
AS_THE_COLUMN = NUMBERS | CONDITIONS
NO_COLUMN = {"a value"}
OF_OTHER_ROWS = {construct.name for construct in CONSTRUCTS if "of a unit's rows" in construct.name} | {
    "a value of all rows of a unit"
}
"""Recipes refuse them (sandbox/jobs/recipes/expressions.py)."""
NODES = tuple({construct.node for construct in CONSTRUCTS})
ROWS = 60
Values = np.ndarray[Any, Any]


def rows() -> pa.Table:
    """`ward` is `W` in one row only."""
    chance = np.random.default_rng(4)
    days = [date(2020, 1, 1) + timedelta(days=int(at)) for at in chance.integers(0, 1500, 2 * ROWS)]
    cost = [
        None if place % 9 == 4 else round(value, 3) for place, value in enumerate(chance.normal(2, 3, ROWS))
    ]
    return pa.table(
        {
            "ward": ["W", *["C"] * (ROWS - 1)],
            "cost": pa.array(cost, pa.float64()),
            "year": chance.integers(1, 4, ROWS),
            "visits": chance.integers(0, 10, ROWS),
            "note": chance.choice(["a", "b", "bb", "C", ""], ROWS),
            "smoker": chance.integers(0, 2, ROWS).astype(bool),
            "day": days[:ROWS],
            "until": days[ROWS:],
            "at": pa.array(
                [
                    datetime(2020, 1, 1) + timedelta(minutes=int(at))
                    for at in chance.integers(0, 2_000_000, ROWS)
                ],
                pa.timestamp("us"),
            ),
        }
    )


TABLE = rows()


class Engine:
    """Computes expressions over the table, and over it with another column."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection, self._expressions = connection, RecipeExpressions(VERSION)

    def written(self, text: str) -> str:
        return self._expressions.value(text).sql

    def values(
        self, sql: str, table: pa.Table = TABLE, probes: pa.Table | None = None
    ) -> np.ndarray[Any, Any]:
        self._connection.register("given", table.append_column("place", pa.array(range(ROWS))))
        self._connection.register(
            "probes", probe_table("x", TABLE.column("cost")) if probes is None else probes
        )
        made = f"SELECT CAST({sql} AS DOUBLE) FROM given AS r, probes AS q ORDER BY r.place"
        found = self._connection.execute(made).fetchall()
        return np.array([float("nan") if value is None else value for (value,) in found])

    def weights(self, sql: str, name: str, view: View) -> list[Values]:
        probes = probe_table(name, TABLE.column(name))
        return [
            np.nan_to_num(self.values(weight, probes=probes)) for weight in column_weights(sql, view)[name]
        ]


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with duckdb.connect() as connection:
        yield Engine(connection)


def constructs_in(text: str) -> set[str]:
    question = bind(parse(f"SELECT COUNT(DISTINCT {text}) AS c FROM {POLICY.dataset}"), SCOPE)
    of = question.outputs[0].of
    assert isinstance(of, Aggregate) and of.of is not None
    return {construct_of(node).name for node in walk(of.of) if isinstance(node, NODES)}


def test_every_construct_of_the_registry_is_read_in_a_known_way() -> None:
    """A new function has to be put here before it can be computed."""
    known = set(KNOWN) | set(AS_THE_COLUMN) | NO_COLUMN | OF_OTHER_ROWS
    assert {construct.name for construct in CONSTRUCTS} == known
    for name, text in (KNOWN | AS_THE_COLUMN).items():
        assert name in constructs_in(text), text


def with_cost(by: float) -> pa.Table:
    moved = pa.array([None if value is None else value + by for value in TABLE.column("cost").to_pylist()])
    return TABLE.set_column(TABLE.schema.get_field_index("cost"), "cost", moved)


@pytest.mark.parametrize("text", KNOWN.values(), ids=KNOWN.keys())
def test_a_known_weight_is_the_slope(engine: Engine, text: str) -> None:
    sql, step = engine.written(text), 1e-6
    slope = (engine.values(sql, with_cost(step)) - engine.values(sql, with_cost(-step))) / (2 * step)
    first, *others = engine.weights(sql, "cost", View.SLOPE)
    there = np.isfinite(slope)
    assert there.sum() > ROWS / 2 and np.allclose(first[there], slope[there], atol=1e-6)
    assert not others


def column_of(sql: str) -> str:
    read = column_weights(sql)
    return next(name for name in ("cost", "at", "day", "note", "smoker", "visits") if name in read)


@pytest.mark.parametrize("text", AS_THE_COLUMN.values(), ids=AS_THE_COLUMN.keys())
def test_a_function_tells_as_much_as_the_column_in_the_rows_where_it_follows_it(
    engine: Engine, text: str
) -> None:
    sql = engine.written(text)
    name = column_of(sql)
    there = np.isfinite(engine.values(sql))
    assert any(np.all(weight[there] == 1) for weight in engine.weights(sql, name, View.SLOPE))
    weights = engine.weights(sql, name, View.DEPENDS)
    assert all(set(rows) <= {0.0, 1.0} for rows in weights) and any(rows.any() for rows in weights)


@pytest.mark.parametrize("name", AS_THE_COLUMN)
def test_a_function_that_is_of_one_row_is_seen_to_be(engine: Engine, name: str) -> None:
    """As a factor, as a value that is chosen, in a condition, and behind a value in place of none."""
    text = AS_THE_COLUMN[name]
    column = column_of(engine.written(text))
    condition = text if name in CONDITIONS else f"{text} > 2.5"
    value = text if name in NUMBERS else f"(CASE WHEN {text} THEN 1 ELSE 0 END)"
    for hidden in (
        f"year + {value} * (CASE WHEN ward = 'W' THEN 1000 ELSE 0 END)",
        f"CASE WHEN ward = 'W' THEN {value} ELSE year END",
        f"CASE WHEN ward = 'W' AND ({condition}) THEN 1000 ELSE year END",
        f"COALESCE(CASE WHEN ward = 'W' AND ({condition}) THEN 1000 END, year)",
        f"GREATEST(CASE WHEN ward = 'W' AND ({condition}) THEN 1000 END, year)",
    ):
        written = engine.written(hidden)
        for weight in engine.weights(written, column, View.DEPENDS):
            assert not weight[1:].any(), hidden


def test_probes_lie_outside_of_all_values() -> None:
    for name in TABLE.column_names:
        column = TABLE.column(name)
        below, *inner, above = probe_values(column)
        held = column.drop_null().to_pylist()
        assert len(inner) == PROBES - 2 and all(value in held for value in inner)
        if not pa.types.is_boolean(column.type):
            assert above > max(held) and (below < min(held) or below == "")
    ends = pa.chunked_array([[-(2**63), 2**63 - 1]])
    assert probe_values(ends)[0] == -(2**63) and probe_values(ends)[-1] == 2**63 - 1
    assert probe_values(pa.chunked_array([[date.min, date.max]]))[0] == date.min
    assert probe_values(pa.chunked_array([pa.array([float("nan"), None])])) == [None] * PROBES
