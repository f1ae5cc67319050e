"""Which values of a key are told where no policy lists them? Those that enough units have, by a stability threshold.

A value is bought once for a version of a dataset, over all its rows whatever the question's filter, and is public from then
on: every question that groups by the same expression uses it. The claim and its proof: weights.md, "Found keys".
"""

from math import isqrt

import opendp.prelude as dp

from sandbox.catalog.model import Role, Type
from sandbox.queries.ranges import range_of
from sandbox.queries.scope import Scope
from sandbox.queries.tree import Aggregate, Expression, Name, UnitAggregate, UnitKey, node, walk
from sandbox.queries.wording import wording

MOST_OF_A_UNIT = 9
"""So many values of one unit count at most: more would cost everybody more noise."""

MOST_CHARACTERS = 200
HIGHEST_THRESHOLD = 10**9


@node
class Discovery:
    """The values of an expression over rows. Of each unit the first `most` count (a square number), one each."""

    of: Expression
    most: int

    @property
    def name(self) -> str:
        return f"keys/{self.most}:{wording(self.of)}"

    @property
    def sensitivity(self) -> int:
        """How far one unit moves the numbers of units by value, in L2: `most` of them by one each."""
        return isqrt(self.most)


def discovery_of(key: Expression, scope: Scope) -> Discovery | None:
    """How the values of a key are found; None where they cannot be: it is no expression over a private row, or no key."""
    of = key.of if isinstance(key, UnitKey) else key
    names = [part for part in walk(of) if isinstance(part, Name)]
    if not names or any(name.dataset or scope.column(name).role is Role.UNIT for name in names) or any(
            isinstance(part, Aggregate | UnitAggregate | UnitKey) for part in walk(of)):
        return None
    if range_of(of, scope).type not in (Type.TEXT, Type.INTEGER, Type.DATE, Type.TIMESTAMP):
        return None
    return Discovery(of, min(isqrt(MOST_OF_A_UNIT), isqrt(scope.max_rows)) ** 2)


def threshold_for(discovery: Discovery, scale: float, delta: float) -> int:
    """The least number of units, noise included, at which a value is told.

    From OpenDP's own map, plus one: its threshold is inclusive while its tail is that of the continuous Gaussian
    (OpenDP issue 2922). With the one, the tail bound of Canonne, Kamath and Steinke 2020, Proposition 25, covers it.
    """
    def told(threshold: int) -> float:
        distance = (discovery.most, float(discovery.sensitivity), 1.0)
        return float(thresholded(scale, threshold).map(distance)[1])

    low, high = 1, 2
    while told(high) > delta:
        low, high = high, high * 2
        if high > HIGHEST_THRESHOLD:
            raise ValueError("no threshold is high enough")
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if told(middle) > delta else (low, middle)
    return high + 1


def thresholded(scale: float, threshold: int) -> "dp.Measurement":
    """OpenDP's discrete Gaussian on numbers by key, of which those below the threshold are left out."""
    space = dp.map_domain(dp.atom_domain(T="i64"), dp.atom_domain(T="i64"))
    metric = dp.l02inf_distance(dp.absolute_distance(T="f64"))
    return dp.m.make_gaussian_threshold(space, metric, scale=scale, threshold=threshold)
