"""Reads a rule's condition about one row, in the language of questions, and writes it in the engine's SQL.

It is parsed and bound as the filter of a question on these columns, so nothing but the allow-list of
constructs reaches the engine, and no row can make it fail. Other than in a question, every column may be
named, and values are compared as they are in the file: not clamped to bounds, not looked up among a key's
values.
"""

import re
from dataclasses import replace
from fractions import Fraction

from sandbox.catalog.model import Bounds, Column, DatasetPolicy, Role, Type, Words
from sandbox.errors import InvalidInput, QueryRefused
from sandbox.ingest.limits import LARGEST_INTEGER
from sandbox.privacy import PrivacyUnit
from sandbox.queries import bind, parse
from sandbox.queries.expression_sql import ExpressionWriter
from sandbox.queries.tree import (
    Afterwards,
    Expression,
    InPublic,
    Name,
    Question,
    UnitAggregate,
    UnitKey,
    UnitValue,
    names_in,
    walk,
)
from sandbox.queries.types.scope import Scope

TABLE = "rows.checked"
LARGEST = (LARGEST_INTEGER // 2, 90_000_000, 200_000)
"""Between which numbers, plus and minus, a condition may compute: the first that it fits in 2**53 with. A sum
takes the first, a product of two the second, of three the third. A larger number counts as this; where it is
only compared, it is as it is in the file."""
WHOSE = "row:unit"
"""A name that no column has: a question needs a unit, and a rule asks of no unit."""
NOT_OF_A_ROW = (InPublic, UnitAggregate, UnitKey, UnitValue)
PLACE = re.compile(r" \(line \d+, column \d+\)|（第 \d+ 行第 \d+ 列）")


def check_condition(condition: str, columns: tuple[Column, ...]) -> None:
    """Raises `InvalidInput` for what is not a condition about one row of these columns."""
    read_condition(condition, columns)


def condition_sql(condition: str, columns: tuple[Column, ...]) -> str:
    """The condition in the engine's SQL, over rows that are called `r`. Raises `InvalidInput`."""
    scope, where = read_condition(condition, columns)
    return ExpressionWriter(scope).value(where)


def columns_in(condition: str, columns: tuple[Column, ...]) -> tuple[str, ...]:
    """The columns that a condition names, in order. Raises `InvalidInput`."""
    _, where = read_condition(condition, columns)
    named = {name.text for name in names_in(where)}
    return tuple(column.name for column in columns if column.name in named)


def read_condition(condition: str, columns: tuple[Column, ...]) -> tuple[Scope, Expression]:
    """The columns as a condition sees them, and the condition, checked. Raises `InvalidInput`."""
    refusals = []
    for largest in LARGEST:
        try:
            return _read(condition, _scope(columns, largest))
        except InvalidInput as refused:
            refusals.append(refused)
    raise refusals[0]


def _read(condition: str, scope: Scope) -> tuple[Scope, Expression]:
    try:
        question = parse(f"SELECT COUNT(*) AS n FROM {TABLE} WHERE (\n{condition}\n)")
        _require_one_row(question)
        where = bind(question, scope).where
    except QueryRefused as refused:
        message, zh = (PLACE.sub("", words) for words in (refused.message, refused.zh))
        raise InvalidInput(message, remedy=_own(refused.remedy), zh=zh, remedy_zh=refused.remedy_zh) from None
    except InvalidInput as refused:
        raise _no_condition(refused.code) from None
    if where is None:
        raise _no_condition("empty")
    return scope, where


def _scope(columns: tuple[Column, ...], largest: int) -> Scope:
    """All columns as attributes: without public values, none of them names a unit, and numbers have wide
    bounds, so that functions of one row take them."""
    bounds = Bounds(Fraction(-largest), Fraction(largest), Fraction(1))
    free = tuple(
        replace(
            column,
            role=Role.ATTRIBUTE,
            bounds=bounds if column.type in (Type.INTEGER, Type.NUMBER) else None,
            values=(),
        )
        for column in columns
    )
    whose = Column(WHOSE, Role.UNIT, Type.INTEGER, Words("", ""), "1")
    return Scope(
        DatasetPolicy(
            dataset=TABLE,
            title=Words("", ""),
            summary=Words("", ""),
            department="",
            grade="1",
            source="",
            licence="",
            citation="",
            update_cycle="",
            about_rows=0,
            population="",
            unit=PrivacyUnit(column=WHOSE, kind="person", max_rows=1),
            budget=None,
            columns=(whose, *free),
        )
    )


def _require_one_row(question: Question) -> None:
    """Raises `InvalidInput` for a text that is more than a filter of its rows."""
    plain = (
        question.dataset == TABLE
        and len(question.outputs) == 1
        and not question.keys
        and not question.joins
        and question.per_unit is None
        and question.afterwards == Afterwards()
        and not question.pinned
    )
    nodes = list(walk(question.where))
    foreign = any(isinstance(node, NOT_OF_A_ROW) for node in nodes)
    unit = any(isinstance(node, Name) and node.text == WHOSE for node in nodes)
    if not plain or foreign or unit:
        raise _no_condition("more than a condition")


def _no_condition(why: str) -> InvalidInput:
    return InvalidInput(
        "this is no condition about one row.",
        remedy="Write for example `discharged >= admitted` or `age BETWEEN 0 AND 120`: columns, values, "
        "comparisons, AND, OR, NOT, CASE and functions of one row.",
        zh="这不是关于单行的条件。",
        remedy_zh="例如 discharged >= admitted，或 age BETWEEN 0 AND 120：可用栏目、值、比较、"
        "AND、OR、NOT、CASE 和单行函数。",
        internal=why,
    )


def _own(remedy: str) -> str:
    """A list of columns has the one that no file has: it is left out."""
    return remedy.replace(f"{WHOSE}, ", "")
