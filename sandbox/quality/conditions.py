"""Reads a rule's condition about one row, as cleaning steps read expressions, and writes it in the engine's
SQL.

Nothing but the allow-list of constructs reaches the engine, and no row can make it fail. Other than in a
question, every column may be named, and values are compared as they are in the file: not clamped to bounds,
not looked up among a key's values.
"""

import re

from sandbox.catalog.model import Column, Type
from sandbox.cleaning.expressions import RowExpression
from sandbox.errors import InvalidInput, QueryRefused
from sandbox.queries.tree import names_in

PLACE = re.compile(r" \(line \d+, column \d+\)|（第 \d+ 行第 \d+ 列）")


def check_condition(condition: str, columns: tuple[Column, ...]) -> None:
    """Raises `InvalidInput` for what is not a condition about one row of these columns."""
    read_condition(condition, columns)


def condition_sql(condition: str, columns: tuple[Column, ...]) -> str:
    """The condition in the engine's SQL, over rows that are called `r`. Raises `InvalidInput`."""
    return read_condition(condition, columns).sql()


def columns_in(condition: str, columns: tuple[Column, ...]) -> tuple[str, ...]:
    """The columns that a condition names, in order. Raises `InvalidInput`."""
    named = {name.text for name in names_in(read_condition(condition, columns).expression)}
    return tuple(column.name for column in columns if column.name in named)


def read_condition(condition: str, columns: tuple[Column, ...]) -> RowExpression:
    """The condition, checked. Raises `InvalidInput`."""
    try:
        expression = RowExpression(condition, columns)
    except QueryRefused as refused:
        # the policy's line is told beside it
        message, zh = (PLACE.sub("", words) for words in (refused.message, refused.zh))
        raise InvalidInput(message, remedy=refused.remedy, zh=zh, remedy_zh=refused.remedy_zh) from None
    except (InvalidInput, RecursionError) as refused:
        raise _no_condition(type(refused).__name__) from None
    if expression.type is not Type.BOOLEAN:
        raise _no_condition("no condition")
    return expression


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
