"""No value of a row makes a question fail: every construct on the ends of every type's range, on the engine
itself.

The same expressions are computed with the engine's optimizers and without them: constants are folded or not,
filters are moved or not, and the results must be the same.
"""

import os
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from itertools import islice
from typing import Any

import duckdb
import pytest

from extreme_values import (
    COMPUTED,
    POLICY,
    SCOPE,
    VERSION,
    extreme_rows,
    extreme_table,
    generated,
    type_of,
    units_values,
)
from sandbox.catalog.locked_duckdb import SHUT
from sandbox.catalog.model import Bounds, Role, Type
from sandbox.engines.bounded_texts import bounded_texts
from sandbox.engines.duckdb import totals_of, units_by_value
from sandbox.engines.rows_in_memory import PublicRows, RowsInMemory
from sandbox.errors import QueryRefused
from sandbox.queries import Plan, bind, make_plan, parse
from sandbox.queries.compile.totals import TABLE, bucket_of
from sandbox.queries.describe import wording
from sandbox.queries.expression_sql import UNIT, ExpressionWriter
from sandbox.queries.functions.registry import construct_of
from sandbox.queries.tree import Case, Compare, Comparison, Expression, IsNull, Literal, Name, Not
from sandbox.queries.types.scope import BoundsEstimation, PrivateTable, PublicTable, Scope
from sandbox.queries.types.text_cost import width_of
from sandbox.queries.types.value_ranges import bounded, bounds_of, range_of

OPEN = replace(
    VERSION,
    dataset="city.open",
    policy=replace(
        POLICY,
        dataset="city.open",
        unit=None,
        budget=None,
        columns=tuple(
            replace(column, role=Role.ATTRIBUTE, values=(), bounds=None)
            for column in POLICY.columns
            if column.role is not Role.UNIT
        ),
    ),
)

MORE = int(os.environ.get("CIHU_TOTALITY_CASES", "1"))
"""So many times the usual number of expressions, each time other ones."""

AT_ONCE = 24
WITHOUT = (
    "expression_rewriter,filter_pushdown,filter_pullup,common_subexpressions,statistics_"
    "propagation,reorder_filter"
)
GUARDS = (
    Not(IsNull(Name("day"))),
    Compare(Comparison.MORE, Name("free"), Literal(0)),
    Compare(Comparison.EQUAL, Name("note"), Literal("C")),
    IsNull(Name("wide")),
    Name("smoker"),
)

CONSTANTS = {
    Type.INTEGER: ("9223372036854775807::BIGINT", "(-9223372036854775808)::BIGINT", "NULL::BIGINT"),
    Type.NUMBER: (
        "'nan'::DOUBLE",
        "'inf'::DOUBLE",
        "'-inf'::DOUBLE",
        "5e-324::DOUBLE",
        "1.7976931348623157e308::DOUBLE",
        "NULL::DOUBLE",
    ),
    Type.TEXT: ("chr(0)", "''", "repeat('C', 4000)", "'ŉİɐ' || chr(1114111)", "NULL::VARCHAR"),
    Type.BOOLEAN: ("TRUE", "NULL::BOOLEAN"),
    Type.DATE: (
        "'infinity'::DATE",
        "'-infinity'::DATE",
        "'5881580-07-10'::DATE",
        "'5877642-06-25 (BC)'::DATE",
        "NULL::DATE",
    ),
    Type.TIMESTAMP: (
        "'infinity'::TIMESTAMP",
        "'-infinity'::TIMESTAMP",
        "'294247-01-10 04:00:54.775806'::TIMESTAMP",
        "'290309-12-22 (BC) 00:00:00'::TIMESTAMP",
        "NULL::TIMESTAMP",
    ),
}
"""The same ends as the engine's own constants, which it can fold."""


@contextmanager
def optimized(connection: duckdb.DuckDBPyConnection, *, yes: bool) -> Iterator[None]:
    connection.execute(f"SET disabled_optimizers = '{'' if yes else WITHOUT}'")
    yield
    connection.execute("SET disabled_optimizers = ''")


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """The rows as questions find them, in a database whose optimizers can be switched off."""
    rows = extreme_table()
    with rows.cursor() as loaded:
        laid = loaded.execute(f"SELECT * FROM {TABLE}").to_arrow_table()
    with duckdb.connect(":memory:", config=SHUT) as made:
        made.register("laid", laid)
        # a table of its own: statistics say its ends
        made.execute(f"CREATE TABLE {TABLE} AS SELECT * FROM laid")
        made.unregister("laid")
        yield made


def expressions() -> list[Expression]:
    found: dict[Expression, None] = {}
    for seed in range(MORE):
        found |= dict.fromkeys(generated(seed, 12))
    return list(found)


EVERY = expressions()
SQL = ExpressionWriter(SCOPE).value


def groups(every: Sequence[Any]) -> Iterator[Sequence[Any]]:
    parts = iter(every)
    while some := list(islice(parts, AT_ONCE)):
        yield some


def fails(connection: duckdb.DuckDBPyConnection, sql: str) -> bool:
    try:
        connection.execute(sql).fetchall()
    except duckdb.Error:
        return True
    return False


def same_both_ways(connection: duckdb.DuckDBPyConnection, items: Sequence[Any], sql: Any) -> None:
    """`sql` of some items gives one answer, whatever the engine rearranges. Names the items that do not."""
    answers = []
    for yes in (True, False):
        with optimized(connection, yes=yes):
            try:
                answers.append(connection.execute(sql(items)).fetchall())
            except duckdb.Error as error:
                raise AssertionError(
                    [item for item in items if fails(connection, sql([item]))] or items
                ) from error
    assert answers[0] == answers[1], [item for item in items if len(items) > 1] or items


def test_every_construct_is_tried() -> None:
    assert {construct_of(expression) for expression in EVERY} == set(COMPUTED)
    assert len(EVERY) >= 1000


def test_no_construct_raises_where_it_is_computed(connection: duckdb.DuckDBPyConnection) -> None:
    for some in groups(EVERY):
        same_both_ways(
            connection,
            some,
            lambda items: f"SELECT {', '.join(f'hash({SQL(one)})' for one in items)} FROM {TABLE} AS r",
        )


def test_no_construct_raises_in_a_filter(connection: duckdb.DuckDBPyConnection) -> None:
    """Many conditions with AND, which the engine puts into an order of its own."""

    def sql(items: Sequence[Expression]) -> str:
        conditions = " AND ".join(
            f"({SQL(one)} OR r.smoker)"
            if type_of(one) is Type.BOOLEAN
            else f"({SQL(one)} IS NOT NULL OR r.year = 1)"
            for one in items
        )
        return (
            f"SELECT r.{UNIT} FROM (SELECT * FROM {TABLE} AS r "
            f"WHERE r.day > DATE '1970-01-01') AS r WHERE {conditions}"
        )

    for some in groups(EVERY):
        same_both_ways(connection, some, sql)


def test_no_construct_raises_as_a_key(connection: duckdb.DuckDBPyConnection) -> None:
    def sql(items: Sequence[Expression]) -> str:
        return " UNION ALL ".join(
            f"(SELECT count(*), sum(n) FROM (SELECT hash({SQL(one)}) AS k, count(*) AS n FROM {TABLE} AS r "
            "GROUP BY k))"
            for one in items
        )

    for some in groups(EVERY[::2]):
        same_both_ways(connection, some, sql)


def test_no_construct_needs_the_guard_that_a_case_would_be(connection: duckdb.DuckDBPyConnection) -> None:
    guarded = [Case(((GUARDS[place % len(GUARDS)], one),), None) for place, one in enumerate(EVERY)]
    for some in groups(guarded):
        same_both_ways(
            connection,
            some,
            lambda items: f"SELECT {', '.join(f'hash({SQL(one)})' for one in items)} FROM {TABLE} AS r",
        )


def test_no_construct_raises_where_the_engine_folds_constants(connection: duckdb.DuckDBPyConnection) -> None:
    """A row made of constants: what is computed of them is folded, whatever CASE stands around it."""
    chance = random.Random(3)
    columns = [column for column in VERSION.policy.columns if column.name != "person"]
    for some in groups(EVERY):
        row = ", ".join(f'{chance.choice(CONSTANTS[column.type])} AS "{column.name}"' for column in columns)
        same_both_ways(
            connection,
            some,
            lambda items, row=row: (
                f"SELECT {', '.join(f'hash({SQL(one)})' for one in items)} FROM (SELECT {row}) AS r"
            ),
        )


def test_no_text_is_wider_than_is_claimed(connection: duckdb.DuckDBPyConnection) -> None:
    for some in groups([one for one in EVERY if type_of(one) is Type.TEXT]):
        widest = ", ".join(f"max(strlen({SQL(one)}))" for one in some)
        found = connection.execute(f"SELECT {widest} FROM {TABLE} AS r").fetchone()
        assert found is not None
        for one, width in zip(some, found, strict=True):
            assert (width or 0) <= width_of(one, SCOPE), one


def test_no_whole_number_lies_outside_of_its_interval(connection: duckdb.DuckDBPyConnection) -> None:
    """NaN and infinities may: they are clamped when they are added up, as every number is."""
    whole = [one for one in EVERY if range_of(one, SCOPE).whole and range_of(one, SCOPE).high is not None]
    assert len(whole) > 100
    for some in groups(whole):
        numbers = [f"CASE WHEN isfinite({SQL(one)}) THEN {SQL(one)} END" for one in some]
        ends = ", ".join(f"min({number}), max({number})" for number in numbers)
        found = connection.execute(f"SELECT {ends} FROM {TABLE} AS r").fetchone()
        assert found is not None
        for one, low, high in zip(some, found[::2], found[1::2], strict=True):
            within = bounded(one, SCOPE)
            assert within.low is not None
            assert within.high is not None
            assert low is None or within.low <= low <= high <= within.high, one


def test_no_value_raises_where_it_is_added_up(connection: duckdb.DuckDBPyConnection) -> None:
    """In steps of its grid, at its place in a histogram, as the size by which bounds are found, and for each
    unit.
    """
    writer, numbers = ExpressionWriter(SCOPE), []
    for one in EVERY[::3]:
        try:
            numbers.append((one, bounds_of(one, SCOPE)))
        except QueryRefused:
            continue
    assert len(numbers) > 100

    def steps(one: Expression, bounds: Bounds) -> list[str]:
        return [writer.computed_steps(one, bounds, zero) for zero in (bounds.centre, Fraction(0))]

    for some in groups(numbers):
        same_both_ways(
            connection,
            some,
            lambda items: (
                "SELECT "
                + ", ".join(f"sum({sql})" for item in items for sql in steps(*item))
                + f" FROM {TABLE} AS r"
            ),
        )
        farthest = ", ".join(f"max(abs({sql}))" for item in some for sql in steps(*item))
        ends = connection.execute(f"SELECT {farthest} FROM {TABLE} AS r").fetchone()
        assert ends is not None
        for (one, bounds), from_centre, from_zero in zip(some, ends[::2], ends[1::2], strict=True):
            assert (from_centre or 0) <= bounds.span, one
            assert (from_zero or 0) <= bounds.reach, one
    sizes = [
        bucket_of(writer.raw(Name(name)), BoundsEstimation(Name(name), whole))
        for name in ("free", "wide")
        for whole in (True, False)
    ]
    same_both_ways(connection, sizes, lambda items: f"SELECT {', '.join(items)} FROM {TABLE} AS r")
    aggregates = [
        (node, bounds_of(node.of, SCOPE) if node.aggregation in ("sum", "avg") else None)
        for node in units_values()
    ]
    assert len(aggregates) > 30
    for some in groups(aggregates):
        same_both_ways(
            connection,
            some,
            lambda items: (
                f"SELECT {', '.join(f'hash({writer.unit_aggregate(*one)})' for one in items)} "
                f"FROM {TABLE} AS r "
                f"GROUP BY r.{UNIT} ORDER BY r.{UNIT}"
            ),
        )


# --- the way of a question


def asked(expression: Expression, place: int) -> str:
    """A question that has an expression in one of the places where it can stand."""
    sql, kind = wording(expression), type_of(expression)
    condition = sql if kind is Type.BOOLEAN else f"{sql} IS NOT NULL"
    number = kind in (Type.INTEGER, Type.NUMBER)
    return (
        f"SELECT COUNT({sql}) AS n, COUNT(DISTINCT {sql}) AS d FROM t.t",
        f"SELECT ward, COUNT(*) AS n FROM t.t WHERE {condition} GROUP BY ward",
        f"SELECT {sql} AS k, COUNT(*) AS n FROM t.t GROUP BY {sql}",
        f"SELECT AVG({sql}) AS a, MEDIAN({sql}) AS m FROM t.t"
        if number
        else f"SELECT COUNT_IF({condition}) AS n FROM t.t",
        f"SELECT COUNT(CASE WHEN day BETWEEN DATE '2000-01-01' AND DATE '2001-01-01' THEN {sql} END) AS n "
        "FROM t.t WHERE free > 0",
        (
            f"SELECT AVG(a) AS a, COUNT(*) AS n FROM (SELECT person, COUNT({sql}) AS a FROM t.t "
            f"WHERE {condition} GROUP BY person)"
        ),
        f"SELECT COUNT(*) AS n FROM t.t WHERE person IN (SELECT person FROM t.t WHERE {condition})",
    )[place % 7]


def planned(sql: str) -> Plan | None:
    try:
        return make_plan(bind(parse(sql), SCOPE), VERSION, SCOPE)
    except QueryRefused:
        return None


@pytest.fixture(scope="module")
def without_optimizers() -> Iterator[RowsInMemory]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sandbox.engines.rows_in_memory.SHUT", {**SHUT, "disabled_optimizers": WITHOUT})
        yield RowsInMemory(extreme_rows().to_batches(), VERSION.policy)


def test_no_question_raises_from_its_text_to_its_totals(without_optimizers: RowsInMemory) -> None:
    chance, answered = random.Random(7), 0
    for place, expression in enumerate(chance.sample(EVERY, min(len(EVERY), 350 * MORE))):
        sql = asked(expression, place)
        plan = planned(sql)
        if plan is None:
            continue
        answered += 1
        if plan.unknown:
            for discovery in plan.unknown:
                assert units_by_value(
                    discovery, VERSION.policy, extreme_table(), choice="0"
                ) == units_by_value(discovery, VERSION.policy, without_optimizers, choice="0"), sql
            continue
        assert totals_of(plan, extreme_table(), []) == totals_of(plan, without_optimizers, []), sql
    assert answered > 150


JOINED = (
    "SELECT COUNT(*) AS n, COUNT(o.cost) AS c FROM t.t AS a {} JOIN {} AS o ON a.wide = o.visits "
    "AND o.day > DATE '2000-01-01'",
    "SELECT COUNT(DISTINCT o.free) AS n FROM t.t AS a {} JOIN {} AS o ON a.day = o.until "
    "WHERE DATE_TRUNC('month', o.day) = a.day",
    "SELECT COUNT(UPPER(o.note)) AS n FROM t.t AS a {} JOIN {} AS o ON a.note = o.other WHERE WEEK(o.at) > 3",
    "SELECT SUM(GREATEST(LEAST(o.visits, 9), 0)) AS n FROM t.t AS a {} JOIN {} AS o ON a.free = o.wide "
    "WHERE CONCAT(o.wide, a.note) LIKE '9%'",
)


@pytest.mark.parametrize("how", ["", "LEFT"])
@pytest.mark.parametrize("form", JOINED)
def test_no_join_raises(form: str, how: str, without_optimizers: RowsInMemory) -> None:
    """With an open table, and of a unit's own rows, that hold the same ends."""
    public = PublicRows(bounded_texts(extreme_rows().drop_columns(["person"]), OPEN.policy))
    beside, own = (
        PublicTable(OPEN, public.values, public.once, bool(how), public.extent),
        PrivateTable(VERSION, bool(how)),
    )
    for other, table in (("city.open", beside), ("t.t", own)):
        sql = form.format(how, other)
        question = parse(sql if other != "t.t" else sql.replace(" ON ", " ON a.person = o.person AND "))
        scope = Scope(POLICY, {join.name: table for join in question.joins})
        plan = make_plan(bind(question, scope), VERSION, scope)
        found = [
            totals_of(plan, rows, [public.rows if table is beside else rows.beside(rows, POLICY)])
            for rows in (extreme_table(), without_optimizers)
        ]
        assert found[0] == found[1]


# --- the tests can see


@pytest.mark.parametrize(
    "guarded",
    [
        "CASE WHEN r.day BETWEEN DATE '0001-01-01' AND DATE '9999-12-31' THEN date_trunc('month', r.day) END",
        "week(r.day)",
        "CAST(r.free AS BIGINT)",
        "abs(r.wide)",
        "sin(r.free)",
    ],
)
def test_a_guard_before_the_call_would_be_seen(connection: duckdb.DuckDBPyConnection, guarded: str) -> None:
    """Planted: what these expressions were, or could be, without a clamp inside the call."""

    def seen() -> Iterator[bool]:
        for yes in (True, False):
            with optimized(connection, yes=yes):
                yield fails(connection, f"SELECT {guarded} FROM {TABLE} AS r")
                row = (
                    "'5881580-07-10'::DATE AS day, 'inf'::DOUBLE AS free, "
                    "(-9223372036854775808)::BIGINT AS wide"
                )
                yield fails(connection, f"SELECT {guarded} FROM (SELECT {row}) AS r")

    assert any(list(seen()))
