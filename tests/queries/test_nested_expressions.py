"""What it takes to read an expression grows with its length, not with two to the power of its depth.

Attack on the planner with the source open, 2026-12: twenty-five times ABS held a process for minutes, before
anything was priced.
"""

import sys
from types import FrameType
from typing import Any

import pytest

from sandbox.errors import QueryRefused
from sandbox.queries import bind, make_plan, parse
from sandbox.queries.parse.sql_text import LARGEST_QUESTION
from sandbox.queries.types.scope import Scope
from story import DATASET, VERSION

NESTED = {
    "abs": ("AVG({})", "cost", "ABS({})"),
    "square root": ("AVG({})", "cost", "SQRT(ABS({}))"),
    "sine": ("AVG({})", "cost", "SIN({})"),
    "exponential": ("AVG({})", "cost", "EXP(LEAST({}, 2))"),
    "logarithm": ("AVG({})", "cost", "LN(GREATEST({}, 1))"),
    "floor": ("AVG({})", "cost", "FLOOR({})"),
    "round": ("AVG({})", "cost", "ROUND({})"),
    "round to digits": ("AVG({})", "cost", "ROUND({}, 1)"),
    "least and greatest": ("AVG({})", "cost", "LEAST(GREATEST({}, 0), 9)"),
    "coalesce": ("AVG({})", "cost", "COALESCE({}, 1)"),
    "case": ("AVG({})", "cost", "CASE WHEN year = 1 THEN {} ELSE 0 END"),
    "condition": ("AVG({})", "cost", "CASE WHEN {} > 1 THEN cost ELSE 0 END"),
    "sum": ("AVG({})", "cost", "({} + 1)"),
    "remainder": ("AVG({})", "cost", "({} % 7)"),
    "quotient": ("AVG({})", "cost", "({} / 2)"),
    "negation": ("COUNT(*) FILTER (WHERE {})", "year = 1", "NOT ({} AND visits = 2)"),
    "upper case": ("COUNT(*) FILTER (WHERE {} = 'A')", "note", "UPPER({})"),
    "replaced": ("COUNT(*) FILTER (WHERE {} = 'A')", "note", "REPLACE({}, 'a', 'b')"),
    "slice": ("COUNT(*) FILTER (WHERE {} = 'A')", "note", "SUBSTRING({}, 1, 3)"),
    "joined text": ("COUNT(*) FILTER (WHERE {} = 'A')", "note", "({} || 'b')"),
}


def nested(around: str, inner: str, depth: int) -> str:
    for _ in range(depth):
        inner = around.format(inner)
    return inner


WIDE = {
    "sums": ("SUM(LEAST(GREATEST({}, 0), 9))", nested("NULLIF({}, 7)", "cost", 6), 46),
    "conditions": ("SUM({})", nested("CASE WHEN {} BETWEEN 0 AND 7 THEN 1 ELSE 0 END", "cost", 6), 21),
    "averages": ("AVG({})", nested("LEAST(NULLIF({}, 7), 9)", "cost", 7), 15),
    "names": ("SUM(y + {})", "x", 46),
}
"""A column of the answer, what it is of, and how many such columns a question may have."""
CALLS_A_PART = 600
"""To read, bind and plan a question: about a second for the largest."""


def calls(sql: str) -> int:
    """How many functions are called to read, bind and plan a question, or to refuse it."""
    found = 0

    def count(_frame: FrameType, event: str, _of: Any) -> None:
        nonlocal found
        found += event == "call"

    scope = Scope(VERSION.policy)
    sys.setprofile(count)
    try:
        make_plan(bind(parse(sql), scope), VERSION, scope)
    except QueryRefused:
        pass
    finally:
        sys.setprofile(None)
    return found


@pytest.mark.parametrize("name", NESTED)
def test_the_work_of_a_nested_expression_is_no_power_of_its_depth(name: str) -> None:
    aggregate, inner, around = NESTED[name]

    def asked(depth: int) -> str:
        return f"SELECT {aggregate.format(nested(around, inner, depth))} AS x FROM {DATASET.dataset}"

    # eight levels more: two to the power of eight is 256, and eight times as much is not yet the fourth power
    assert calls(asked(16)) < 20 * calls(asked(8))


def wide(name: str, columns: int) -> str:
    aggregate, of, _ = WIDE[name]
    outputs = ", ".join(aggregate.format(of.replace("7", str(place + 1))) for place in range(columns))
    rows = f"(SELECT *, {nested('NULLIF({}, 7)', 'cost', 6)} AS y, 1 AS x FROM {DATASET.dataset}) AS r"
    return f"SELECT {outputs} FROM {rows if name == 'names' else DATASET.dataset} WHERE cost > 1"


@pytest.mark.parametrize("name", WIDE)
def test_the_work_of_a_wide_question_is_bounded(name: str) -> None:
    columns = WIDE[name][2]
    parse(wide(name, columns))
    with pytest.raises(QueryRefused, match="more than 12000 parts together"):
        parse(wide(name, columns + 1))
    few = columns // 5
    assert calls(wide(name, few)) < CALLS_A_PART * LARGEST_QUESTION * few / columns


def test_the_totals_that_are_too_many_are_not_made() -> None:
    """A question of 20 kB asks for a thousand; those that are one total are counted once."""
    scope = Scope(VERSION.policy)
    columns = ", ".join(f"SUM(cost + {place}) AS x{place}" for place in range(600))
    question = bind(parse(f"SELECT {columns} FROM {DATASET.dataset}"), scope)
    made: list[object] = []

    def count(frame: FrameType, event: str, _of: Any) -> None:
        if event == "call" and frame.f_code.co_name == "_totals":
            made.append(frame)

    sys.setprofile(count)
    try:
        with pytest.raises(QueryRefused, match="more than 64 totals"):
            make_plan(question, VERSION, scope)
    finally:
        sys.setprofile(None)
    assert len(made) < 70
    alike = ", ".join(f"AVG(cost) + {place} AS x{place}" for place in range(200))
    assert (
        len(make_plan(bind(parse(f"SELECT {alike} FROM {DATASET.dataset}"), scope), VERSION, scope).totals)
        == 2
    )
