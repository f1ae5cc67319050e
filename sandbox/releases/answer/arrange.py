"""Chooses and orders the groups of an answer that are shown:
HAVING, ORDER BY and LIMIT, on released numbers alone."""

from collections.abc import Iterable, Sequence
from typing import Any

from sandbox.queries.tree import Afterwards, Expression
from sandbox.releases.answer.evaluate import Released, evaluate


def that_pass(condition: Expression | None, groups: Iterable[Released]) -> list[int]:
    """The places of the groups of which a condition is true. A value that is withheld fails it."""
    return [
        place
        for place, released in enumerate(groups)
        if condition is None or evaluate(condition, released) is True
    ]


def arranged(afterwards: Afterwards, groups: Sequence[Released]) -> list[int]:
    """The places of the rows to show, in their order, of the groups that HAVING left.
    A value that is withheld comes last."""
    kept = list(range(len(groups)))
    if afterwards.each is not None:  # its value is the same in all its groups
        ones = {
            tuple(evaluate(part, groups[place]) for part in afterwards.each): place
            for place in reversed(kept)
        }
        kept = sorted(ones.values())
    passing = set(that_pass(afterwards.kept, groups))
    kept = [place for place in kept if place in passing]
    for ordering in reversed(afterwards.order):  # sorting is stable: the first criterion is applied last
        values: dict[int, Any] = {place: evaluate(ordering.by, groups[place]) for place in kept}
        shown = [place for place in kept if values[place] is not None]
        withheld = [place for place in kept if values[place] is None]
        shown.sort(key=values.__getitem__, reverse=ordering.descending)
        kept = shown + withheld
    return (
        kept[afterwards.offset :]
        if afterwards.limit is None
        else kept[afterwards.offset : afterwards.offset + afterwards.limit]
    )
