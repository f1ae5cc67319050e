"""Which groups of an answer are shown, and in which order? HAVING, ORDER BY and LIMIT, on released numbers alone."""

import operator
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from sandbox.queries.tree import Afterwards, Comparison

COMPARED: dict[Comparison, Callable[[Any, Any], bool]] = {
    Comparison.EQUAL: operator.eq, Comparison.UNEQUAL: operator.ne, Comparison.LESS: operator.lt,
    Comparison.AT_MOST: operator.le, Comparison.MORE: operator.gt, Comparison.AT_LEAST: operator.ge,
}


def arranged(afterwards: Afterwards, names: list[str], rows: list[list[Any]]) -> list[int]:
    """The places of the rows to show, in their order. A value that is withheld fails HAVING and comes last."""
    kept = [place for place, row in enumerate(rows)
            if all(_holds(row[names.index(having.output)], having.comparison, having.value)
                   for having in afterwards.having)]
    for ordering in reversed(afterwards.order):  # sorting is stable: the first criterion is applied last
        column = names.index(ordering.output)
        shown = [place for place in kept if rows[place][column] is not None]
        withheld = [place for place in kept if rows[place][column] is None]
        shown.sort(key=lambda place, column=column: rows[place][column], reverse=ordering.descending)  # type: ignore[misc]
        kept = shown + withheld
    return kept if afterwards.limit is None else kept[: afterwards.limit]


def _holds(value: Any, comparison: Comparison, limit: Fraction) -> bool:
    return isinstance(value, int | float) and COMPARED[comparison](Fraction(value), limit)
