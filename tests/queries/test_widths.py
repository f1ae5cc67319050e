"""Every construct's output width is proven: the worst input there is comes up to it, and none goes beyond."""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

import duckdb
import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from extreme_values import POLICY, SCOPE, VERSION
from sandbox.catalog.locked_duckdb import SHUT
from sandbox.catalog.model import LONGEST_TEXT, Type
from sandbox.errors import QueryRefused
from sandbox.queries import bind, make_plan, parse
from sandbox.queries.compile.totals import TABLE
from sandbox.queries.expression_sql import ExpressionWriter
from sandbox.queries.functions.columns import SHORT_KEY, column_bytes
from sandbox.queries.functions.construct import FIXED_WIDTH
from sandbox.queries.functions.registry import CONSTRUCTS
from sandbox.queries.functions.texts import MOST_GROWTH
from sandbox.queries.tree import (
    Case,
    Coalesce,
    Compare,
    Comparison,
    Concat,
    Expression,
    IsNull,
    Length,
    Like,
    Literal,
    Name,
    Not,
    Replace,
    Slice,
    Spelling,
    StringPosition,
    TextCase,
)
from sandbox.queries.types.scope import PublicTable
from sandbox.queries.types.text_cost import MADE, made_bytes, steps_a_row, width_of
from sandbox.queries.types.width_limits import MOST_MADE, WIDEST

WARD = Name("ward")
"""A key whose texts have SHORT_KEY bytes at most: a row's worst value can have all of them."""

WORST = tuple(
    letter * (SHORT_KEY // len(letter.encode()))
    for letter in (
        "a",
        "C",
        "CC",
        "ab",
        " ",
        "ß",
        "ɐ",
        "Ⱥ",
        "İ",
        "ŉ",
        "磁",
        "ﬃ",
        "\U0010ffff",
        "\0",
        "e\u0301",
        "aC",
    )
)


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:", config=SHUT) as made:
        made.execute(f"CREATE TABLE {TABLE} (ward VARCHAR, wide BIGINT, day DATE, smoker BOOLEAN)")
        made.executemany(
            f"INSERT INTO {TABLE} VALUES (?, ?, CAST(CAST(? AS VARCHAR) AS DATE), FALSE)",
            [
                [text, wide, day]
                for text, (wide, day) in itertools.product(
                    WORST, ((-(2**63), "5877642-06-25 (BC)"), (2**63 - 1, "-infinity"))
                )
            ],
        )
        yield made


def widest(connection: duckdb.DuckDBPyConnection, expression: Expression) -> int:
    sql = f"SELECT max(strlen({ExpressionWriter(SCOPE).value(expression)})) FROM {TABLE} AS r"
    found = connection.execute(sql).fetchone()
    assert found is not None
    return int(found[0])


TIGHT: tuple[tuple[Expression, int], ...] = (  # and how many times the worst input may stay below its claim
    (WARD, 1),
    (Literal("ßab"), 1),
    *((TextCase(spelling, WARD), 1) for spelling in Spelling),
    (Slice(WARD, 1, 10), 1),
    (Slice(WARD, -7, 7), 1),
    (Slice(WARD, 3, 1000), 2),
    (Concat((WARD, Literal("-"), WARD)), 1),
    (Concat((Name("wide"),)), 1),
    (Concat((Name("day"),)), 1),
    (Concat((Name("smoker"),)), 1),
    (Replace(WARD, "C", "x" * 100), 1),
    (Replace(WARD, "CC", "abc"), 1),
    (Replace(WARD, "C", ""), 1),
    (Replace(WARD, "ɐ", "磁磁"), 1),
    (Replace(Replace(WARD, "a", "CC"), "C", "ßß"), 1),
    (TextCase(Spelling.LOWER, TextCase(Spelling.UPPER, WARD)), 2),  # no letter grows both ways
    (Coalesce((WARD, Literal("x"))), 1),
    (Case(((Name("smoker"), Literal("x")),), WARD), 1),
)


@pytest.mark.parametrize(("expression", "times"), TIGHT, ids=lambda one: str(one)[:60])
def test_the_worst_input_comes_up_to_the_claim_and_not_beyond(
    connection: duckdb.DuckDBPyConnection, expression: Expression, times: int
) -> None:
    claimed, found = width_of(expression, SCOPE), widest(connection, expression)
    assert claimed // times <= found <= claimed


def test_every_construct_that_gives_a_text_is_among_them() -> None:
    tried = {type(expression) for expression, _ in TIGHT}
    assert {construct.node for construct in CONSTRUCTS if construct.gives is Type.TEXT} <= tried
    assert set(MADE) <= tried


@pytest.mark.parametrize("spelling", MOST_GROWTH)
def test_no_character_that_there_is_grows_by_more_than_its_claim(spelling: Spelling) -> None:
    """All 1,112,064 of them, and each by itself: a text's other case is that of its characters."""
    times, of = MOST_GROWTH[spelling]
    with duckdb.connect(":memory:", config=SHUT) as made:
        found = made.execute(
            f"SELECT max(strlen({spelling.value}(c)) / strlen(c)), "
            f"count(*) FILTER (WHERE {spelling.value}('a' || c || 'a' || c || 'b') <> "
            f"{spelling.value}('a' || c || 'a' || c) || {spelling.value}('b')) "
            "FROM (SELECT chr(i::INTEGER) AS c FROM range(1, 1114112) AS t(i) "
            "WHERE i NOT BETWEEN 55296 AND 57343)"
        ).fetchone()
    assert found is not None
    assert Fraction(found[0]) == Fraction(times, of)
    assert found[1] == 0


letters = st.sampled_from("aC ßɐȺİ磁\0é\u0301\U0010ffff")
pieces = st.text(letters, max_size=8)
expressions = st.recursive(
    st.sampled_from([WARD, Literal("C"), Literal("ßɐ")]),
    lambda inner: st.one_of(
        st.builds(TextCase, st.sampled_from(Spelling), inner),
        st.builds(Slice, inner, st.integers(1, 9), st.integers(0, 40)),
        st.builds(lambda of, n: Slice(of, -n, n), inner, st.integers(1, 40)),
        st.builds(lambda parts: Concat(tuple(parts)), st.lists(inner, min_size=1, max_size=3)),
        st.builds(Replace, inner, st.text(letters, min_size=1, max_size=3), pieces),
        st.builds(lambda one, other: Case(((Like(one, Literal("%C%")), one),), other), inner, inner),
    ),
    max_leaves=6,
)


UNFIT = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=UNFIT,
)
@given(expression=expressions, texts=st.lists(st.text(letters, max_size=60), min_size=1, max_size=8))
def test_no_text_of_any_expression_is_wider_than_its_claim(
    connection: duckdb.DuckDBPyConnection, expression: Expression, texts: list[str]
) -> None:
    claimed = width_of(expression, SCOPE)
    if claimed > 2**20:  # refused anyway, and slow
        return
    connection.execute("BEGIN")
    connection.execute(f"INSERT INTO {TABLE} (ward) SELECT unnest(?::VARCHAR[])", [texts])
    found = widest(connection, expression)
    connection.execute("ROLLBACK")
    assert found <= claimed


def test_a_column_is_as_wide_as_its_policy_says() -> None:
    widths = {column.name: column_bytes(column) for column in POLICY.columns}
    assert widths["ward"] == SHORT_KEY
    assert widths["note"] == 4 * LONGEST_TEXT
    assert {widths[name] for name in ("cost", "wide", "smoker", "day", "at")} == {FIXED_WIDTH}


# --- what is too wide is refused


OPEN = PublicTable(
    replace(VERSION, dataset="city.open", policy=replace(POLICY, dataset="city.open", unit=None)),
    lambda *_: ("W",),
)


def asked(sql: str) -> None:
    scope = replace(SCOPE, looked_up={"city.open": OPEN})
    make_plan(bind(parse(sql), scope), VERSION, scope)


HUNDRED = "C" * 100
WIDE = f"REPLACE(REPLACE(ward, 'C', '{HUNDRED}'), 'C', '{HUNDRED}')"


@pytest.mark.parametrize(
    "sql",
    [
        f"SELECT COUNT(*) AS n FROM t.t WHERE CASE WHEN ward = 'W' THEN LENGTH({WIDE}) = 1 ELSE FALSE END",
        f"SELECT COUNT({WIDE}) AS n FROM t.t",
        f"SELECT COUNT(*) AS n FROM t.t WHERE ward IN (SELECT ward FROM city.open WHERE {WIDE} = 'x')",
        f"SELECT COUNT(DISTINCT {WIDE}) AS n FROM t.t",
        f"SELECT {WIDE} AS k, COUNT(*) AS n FROM t.t GROUP BY 1",
        f"SELECT AVG(GREATEST(LEAST(LENGTH({WIDE}), 9), 0)) AS n FROM t.t",
        f"SELECT AVG(n) AS n FROM (SELECT person, COUNT({WIDE}) AS n FROM t.t GROUP BY person)",
        f"SELECT COUNT(*) AS n FROM t.t WHERE person IN (SELECT person FROM t.t WHERE {WIDE} = 'x')",
        "SELECT COUNT(*) AS n FROM t.t WHERE (note || note || note || note || note) = 'x'",
        f"SELECT COUNT(*) AS n FROM t.t WHERE REPLACE(note, 'a', '{HUNDRED}') = 'x'",
    ],
)
def test_a_text_that_could_be_too_wide_is_refused_wherever_it_stands(sql: str) -> None:
    with pytest.raises(QueryRefused) as refusal:
        asked(sql)
    assert str(WIDEST) in str(refusal.value)
    assert refusal.value.position is not None
    assert refusal.value.remedy
    assert str(WIDEST) in str(refusal.value.zh)
    assert refusal.value.remedy_zh


def test_many_wide_texts_together_are_refused_and_few_are_not() -> None:
    def of(count: int) -> str:
        return "SELECT COUNT(*) AS n FROM t.t WHERE " + " OR ".join(
            f"note ILIKE '%word{place}%'" for place in range(count)
        )

    each = made_bytes(TextCase(Spelling.LOWER, Name("note")), SCOPE)
    asked(of(MOST_MADE // each))
    with pytest.raises(QueryRefused, match="together they can have"):
        asked(of(MOST_MADE // each + 1))
    asked(of(60).replace("ILIKE", "LIKE").replace("note", "ward"))


def test_a_text_with_half_a_character_is_refused_before_the_engine_sees_it() -> None:
    for sql in (
        "SELECT COUNT(*) AS n FROM t.t WHERE note = '\ud800'",
        "SELECT COUNT(*) AS n FROM t.t WHERE note LIKE '%\udfff'",
        "SELECT COUNT(*) AS n FROM t.t WHERE REPLACE(note, 'a', '\ud800') = 'b'",
        "SELECT COUNT(*) AS n FROM t.t WHERE STRPOS(note, '\ud800') = 1",
    ):
        with pytest.raises(QueryRefused, match="lone surrogate"):
            asked(sql)


# --- steps


def test_steps_grow_with_the_width_and_the_pattern_and_with_every_part() -> None:
    note, ward = (Like(name, Literal("%" + "a" * 10)) for name in (Name("note"), WARD))
    assert (
        steps_a_row(note, SCOPE)
        > 10 * width_of(Name("note"), SCOPE)
        > steps_a_row(ward, SCOPE)
        > 10 * SHORT_KEY
    )
    assert steps_a_row(StringPosition(Name("note"), "a" * 50), SCOPE) > 50 * 4 * LONGEST_TEXT
    parts = (Compare(Comparison.EQUAL, Length(WARD), Literal(3)), Not(IsNull(Name("day"))))
    both = Case(((parts[0], Literal(1)), (parts[1], Literal(2))), None)
    assert steps_a_row(both, SCOPE) > sum(steps_a_row(part, SCOPE) for part in parts)
