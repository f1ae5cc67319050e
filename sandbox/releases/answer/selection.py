"""Widens what is said of groups that noisy numbers chose: HAVING, QUALIFY, and ORDER BY with LIMIT.

The groups with the largest noisy numbers are those whose noise was large, so of them an interval for any
group holds the truth too rarely. Where `shown` of `groups` were chosen, each interval alone misses in
5 * shown / groups of 100 cases. Then of those that are shown at most 5 in 100 miss, as long as the noise of
groups is independent: Y. Benjamini and D. Yekutieli, "False discovery rate-adjusted multiple confidence
intervals for selected parameters", JASA 100, 2005, Theorem 1.

A standard error is larger, too. Let a normal number be beyond c in `shown` of `groups` cases. However they
were chosen, the sum of the squares of the `shown` is at most shown * c**2 and what all squares have beyond
c**2: of their mean that leaves 1 + 2 * c * density(c) * groups / shown.
"""

from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

from sandbox.queries.tree import Afterwards, Aggregate, walk

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Selection:
    """With what confidence one interval holds, and how much larger an error is."""

    confidence: float = CONFIDENCE
    spread: float = 1.0


UNCHOSEN = Selection()


def is_chosen(after: Afterwards) -> bool:
    """Whether noisy numbers may choose which groups are shown."""
    by = (after.having, after.each, after.kept, after.order if after.cut else ())
    return any(isinstance(part, Aggregate) for part in walk(tuple(one for one in by if one is not None)))


def selection(after: Afterwards, *, shown: int, groups: int) -> Selection:
    if not 0 < shown < groups or not is_chosen(after):
        return UNCHOSEN
    part = shown / groups
    normal = NormalDist()
    beyond = normal.inv_cdf(1 - part / 2)
    return Selection(1 - (1 - CONFIDENCE) * part, sqrt(1 + 2 * beyond * normal.pdf(beyond) / part))
