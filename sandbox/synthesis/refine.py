"""Cuts the parts of a measure finer where many rows are, by the counts that were bought first.

Which parts are cut follows from released counts, so it costs nothing; the finer counts are one more ordinary
question for each column. Their price is fixed before.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from sandbox.catalog.model import Column, DatasetPolicy
from sandbox.catalog.seeded_random import Places, Shares
from sandbox.synthesis.categories import Category, categories, intervals, is_ordered
from sandbox.synthesis.marginals import Marginal, telling

MOST_FINE = 64
MOST_CUTS = 32
DEVIATIONS_EACH = 8.0
"""A narrower part must hold this many times the first counts' noise: less would show noise, not shape."""


def refinable(policy: DatasetPolicy) -> tuple[Column, ...]:
    """Public: the columns of which some part holds more than one point of the grid."""
    return tuple(
        column
        for column in telling(policy)
        if is_ordered(column) and any(part.last > part.first for part in categories(column))
    )


def cuts(parts: Sequence[Category], shares: Shares, rows: float, sigma: float) -> list[int]:
    """Into how many narrower parts each part is cut; 1: it stays."""
    most = [
        1
        if part.empty
        else min(MOST_CUTS, part.last - part.first + 1, int(share * rows / (DEVIATIONS_EACH * sigma)))
        for part, share in zip(parts, shares, strict=True)
    ]
    wanted = np.maximum(np.array(most), 1)
    spare = MOST_FINE - len(parts)
    beyond = int((wanted - 1).sum())
    if beyond > spare:  # less for each, in proportion
        wanted = 1 + (wanted - 1) * max(spare, 0) // beyond
    return [int(number) for number in wanted]


def refined(
    policy: DatasetPolicy, shares: Mapping[str, Shares], counts: Mapping[str, Marginal]
) -> dict[str, tuple[Category, ...]]:
    """The narrower parts of each column that has some, in the order of its categories."""
    found = {}
    for column in refinable(policy):
        parts, marginal = categories(column), counts[column.name]
        many = cuts(parts, shares[column.name], max(marginal.table.sum(), 0.0), marginal.sigma)
        if max(many) > 1:
            found[column.name] = tuple(
                narrower
                for part, number in zip(parts, many, strict=True)
                for narrower in _cut(column, part, number)
            )
    return found


def _cut(column: Column, part: Category, number: int) -> Sequence[Category]:
    if number == 1:
        return [part]
    points = part.last - part.first + 1
    return intervals(column, [part.first + points * at // number for at in range(number + 1)])


def owners(parts: Sequence[Category], narrower: Sequence[Category]) -> Places:
    """To which category each narrower part belongs."""
    at, found = 0, []
    for each in narrower:
        while not (parts[at].empty if each.empty else not parts[at].empty and each.last <= parts[at].last):
            at += 1
        found.append(at)
    return np.array(found, dtype=np.int64)
