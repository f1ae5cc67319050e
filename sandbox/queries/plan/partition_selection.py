"""Partition selection: chooses which values of a key are released where no policy lists them.
They are the values that enough units have, noise included.

All of a unit's values count, each with a weight that falls with the root of their number, so that no value is
preferred to another. A value is bought once for a version of a dataset, over all its rows whatever the
question's filter, and is public from then on: every question that groups by the same expression uses it. The
claim and its proof: weights.md, "Found keys".

Source: Gopi, Gulhane, Kulkarni, Shen, Shokouhi and Yekhanin, "Differentially Private Set Union" (ICML 2020),
with one whole number for each unit in place of its adaptive weights.
"""

from functools import lru_cache
from math import erfc, expm1, isqrt, log1p, sqrt

from sandbox.catalog.model import Role, Type
from sandbox.queries.describe import wording
from sandbox.queries.tree import Aggregate, Expression, Name, UnitAggregate, UnitKey, node, walk
from sandbox.queries.types.scope import Scope
from sandbox.queries.types.value_ranges import range_of
from sandbox.queries.weights import WEIGHT

MOST_VALUES = 256
"""So many distinct values of one unit count at most;
of more, as many are drawn, for each unit and each purchase anew."""

MOST_CHARACTERS = 200
HIGHEST_THRESHOLD = 2**62
ROUNDING = 1 + 1e-9
"""The computed tail times this is above the true one, whatever floating point did to it."""


@node
class PartitionSelection:
    """The values of an expression over rows."""

    of: Expression

    @property
    def name(self) -> str:
        return f"keys:{wording(self.of)}"

    def stored_as(self, max_rows: int) -> str:
        """The name that its values are stored under since the first release,
        so that what was bought then is free now."""
        return f"keys/{min(3, isqrt(max_rows)) ** 2}:{wording(self.of)}"

    @property
    def sensitivity(self) -> int:
        """How far one unit moves the sums of weights by value, in L2."""
        return WEIGHT


def partition_selection_of(key: Expression, scope: Scope) -> PartitionSelection | None:
    """How the values of a key are found; None where they cannot be:
    it is no expression over a private row, or no key."""
    of = key.of if isinstance(key, UnitKey) else key
    names = [part for part in walk(of) if isinstance(part, Name)]
    if (
        not names
        or any(name.dataset or scope.column(name).role is Role.UNIT for name in names)
        or any(isinstance(part, Aggregate | UnitAggregate | UnitKey) for part in walk(of))
    ):
        return None
    if range_of(of, scope).type not in (Type.TEXT, Type.INTEGER, Type.DATE, Type.TIMESTAMP):
        return None
    return PartitionSelection(of)


def weight_of_each(values: int) -> int:
    """What each value of a unit with this number of values counts:
    the largest w with values * w**2 <= WEIGHT**2."""
    return isqrt(WEIGHT**2 // values)


@lru_cache(maxsize=1024)
def threshold_for(scale: float, delta: float) -> int:
    """The least sum of weights, noise included, at which a value is released.
    Raises `ValueError` where no sum is high enough."""
    low, high = WEIGHT, 2 * WEIGHT
    while told_alone(high, scale) > delta:
        low, high = high, high * 2
        if high > HIGHEST_THRESHOLD:
            raise ValueError("no threshold is high enough")
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if told_alone(middle, scale) > delta else (low, middle)
    return high


def told_alone(threshold: int, scale: float) -> float:
    """An upper bound on the chance that any value of one unit alone is released, however many it has:
    the delta of a threshold.

    For a unit with T values, each is released with p = Pr[N >= threshold - w(T)], independently, so any of
    them is released with 1 - (1 - p)**T. The tail of the discrete Gaussian at m is at most that of the
    continuous one at m - 1, for whole m >= 1 (Canonne, Kamath and Steinke 2020, Proposition 25).
    """
    worst = 0.0
    for values in range(1, MOST_VALUES + 1):
        beyond = threshold - weight_of_each(values) - 1
        if beyond < 0:
            return 1.0
        tail = min(1.0, ROUNDING * erfc(beyond / (scale * sqrt(2))) / 2)
        worst = max(worst, 1.0 if tail == 1 else -expm1(values * log1p(-tail)))
    return worst
