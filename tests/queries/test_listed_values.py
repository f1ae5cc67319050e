"""What an expression is worth for a listed value, we compute as the engine does for the rows that have it:
else a group would be shown by one name, and its rows counted under another."""

import random
from collections.abc import Iterator

import duckdb
import pytest

from extreme_values import SCOPE
from sandbox.catalog.locked_duckdb import SHUT
from sandbox.queries.compile.totals import TABLE
from sandbox.queries.expression_sql import ExpressionWriter
from sandbox.queries.spelling import spelled
from sandbox.queries.tree import (
    Case,
    Coalesce,
    Compare,
    Comparison,
    Concat,
    Expression,
    In,
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
from sandbox.queries.types.finite_domains import value_of

EXPRESSIONS = 200
WARD = Name("ward")
TEXTS = (
    None,
    "",
    "a",
    "aa b",
    "straße",
    " pad ",
    "\u3000北京\u00a0",
    "\tx\n",
    "ΣΊΣΥΦΟΣ",
    "İz",
    "ﬁn",
    "ŉ",
    "ᾳ",
    "e\u0301\U0001f926\U0001f3fc",
    "ab\0c",
    "%",
    "a'b",
    "ＡＢ",
)
PIECES = ("a", "ß", "京", "\u3000", "b", "'", "\0", "%")


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:", config=SHUT) as made:
        made.execute(f"CREATE TABLE {TABLE} (ward VARCHAR)")
        made.execute(f"INSERT INTO {TABLE} SELECT unnest(?::VARCHAR[])", [list(TEXTS)])
        yield made


@pytest.mark.parametrize("spelling", [Spelling.UPPER, Spelling.LOWER, Spelling.TRIM])
def test_every_character_is_spelled_as_the_engine_spells_it(
    connection: duckdb.DuckDBPyConnection, spelling: Spelling
) -> None:
    letters = [chr(at) for at in range(1, 0x110000) if not 0xD800 <= at < 0xE000]
    changed = connection.execute(
        "SELECT list(c) FILTER (WHERE its <> c), list(its) FILTER (WHERE its <> c) FROM "
        f"(SELECT c, {spelling.value}(c) AS its FROM (SELECT chr(i::INTEGER) AS c "
        "FROM range(1, 1114112) AS t(i) WHERE i NOT BETWEEN 55296 AND 57343))"
    ).fetchone()
    assert changed is not None
    ours = {letter: said for letter in letters if (said := spelled(spelling, letter)) != letter}
    assert ours == dict(zip(*changed, strict=True))


def _expression(chance: random.Random, depth: int) -> Expression:
    if depth == 0:
        return chance.choice([WARD, WARD, Literal(chance.choice(PIECES))])

    def text() -> Expression:
        return _expression(chance, depth - 1)

    start, length = chance.randint(1, 4), chance.randint(0, 6)
    match chance.randint(0, 6):
        case 0 | 1:
            return TextCase(chance.choice(list(Spelling)), text())
        case 2:
            return Slice(text(), start, length) if length else Slice(text(), -start, start)
        case 3:
            return Concat((text(), text()))
        case 4:
            return Replace(text(), chance.choice(PIECES), chance.choice(("", *PIECES)))
        case 5:
            return Case(((_condition(chance, depth - 1), text()),), chance.choice([None, text()]))
    return Coalesce((text(), text()))


def _condition(chance: random.Random, depth: int) -> Expression:
    of = _expression(chance, depth)
    match chance.randint(0, 4):
        case 0:
            return Like(of, Literal(f"%{chance.choice(PIECES)}%{chance.choice(('', 'a'))}"))
        case 1:
            return Compare(chance.choice(list(Comparison)), of, Literal(chance.choice(PIECES)))
        case 2:
            return Not(IsNull(of))
        case 3:
            return In(of, tuple(map(Literal, PIECES[:3])))
    number = chance.choice([Length(of), StringPosition(of, chance.choice(PIECES))])
    return Compare(chance.choice(list(Comparison)), number, Literal(chance.randint(0, 4)))


@pytest.mark.parametrize("seed", range(EXPRESSIONS // 50))
def test_the_value_of_a_listed_text_is_the_engines(connection: duckdb.DuckDBPyConnection, seed: int) -> None:
    chance, writer = random.Random(seed), ExpressionWriter(SCOPE)
    for _ in range(50):
        expression = chance.choice([_expression, _condition])(chance, 3)
        said = f"SELECT r.ward, {writer.value(expression)} FROM {TABLE} AS r"
        for ward, its in connection.execute(said).fetchall():
            assert value_of(expression, {WARD: ward}) == its, (expression, ward)
