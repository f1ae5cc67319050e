"""Estimates bounds that a question needs and no policy has, from how many units have values of each size.

A value's size is its sign and the power of two at or above it: public buckets, however the values lie. All
buckets of a unit count, each with a weight that falls with the root of their number, so that no size is
preferred to another. A column's bounds are the ends of the outermost buckets that enough units have, noise
included. They are bought once for a version, then public. The method is that of Wilson et al.,
"Differentially Private SQL with Bounded User Contribution" (PoPETs 2020), section on approximate bounds. The
claim and its proof: weights.md, "Bought bounds".
"""

from dataclasses import replace
from fractions import Fraction
from math import ceil
from statistics import NormalDist

from sandbox.catalog.model import Role, Type, Version
from sandbox.errors import QueryRefused
from sandbox.queries.plan.bind import bind
from sandbox.queries.plan.plan import make_plan
from sandbox.queries.tree import Aggregate, Name, Question, UnitAggregate, names_in, walk
from sandbox.queries.types.scope import BoundsEstimation, Scope
from sandbox.queries.weights import WEIGHT

LARGEST_POWER = 40
SMALLEST_POWER = -10  # of a number with a point; a whole one begins at 1
FALSE_ALARM = 0.01
"""The chance that any bucket that nobody has is taken for one that many have:
it widens bounds, and tells nothing."""

ASSUMED = (Fraction(0), Fraction(1024))
"""What a question is checked with before its bounds are bought: its price does not depend on them."""


def bounds_to_buy(question: Question, version: Version, scope: Scope) -> tuple[BoundsEstimation, ...]:
    """The columns whose bounds must be bought before a question can be asked;
    none where it can be, or never could."""
    policy = version.policy
    inside = names_in(tuple(part for part in walk(question) if isinstance(part, Aggregate | UnitAggregate)))
    names = {name.text for name in inside if not name.dataset or name.dataset == "?"}
    free = [
        BoundsEstimation(Name(column.name), whole=column.type is Type.INTEGER)
        for column in policy.columns
        if column.name in names
        and column.bounds is None
        and column.role in (Role.MEASURE, Role.ATTRIBUTE)
        and column.type in (Type.INTEGER, Type.NUMBER)
    ]
    if (
        not free
        or _can_be_asked(question, version, scope, [])
        or not _can_be_asked(question, version, scope, free)
    ):
        return ()
    return tuple(
        one
        for one in free
        if not _can_be_asked(question, version, scope, [other for other in free if other != one])
    )


def assumed(scope: Scope, unbought: tuple[BoundsEstimation, ...]) -> Scope:
    return replace(scope, bought={**scope.bought, **{one.of: ASSUMED for one in unbought}}, unbought=unbought)


def _can_be_asked(
    question: Question, version: Version, scope: Scope, with_bounds: list[BoundsEstimation]
) -> bool:
    scope = assumed(scope, tuple(with_bounds))
    try:
        make_plan(bind(question, scope), version, scope)
    except QueryRefused:
        return False
    return True


# --- buckets


def buckets(one: BoundsEstimation) -> range:
    """All buckets: 0 is the value 0, b > 0 the values up to 2 ** (b - 1) of the smallest,
    -b the same below zero."""
    most = LARGEST_POWER - smallest_power(one) + 1
    return range(-most, most + 1)


def smallest_power(one: BoundsEstimation) -> int:
    return 0 if one.whole else SMALLEST_POWER


def upper(bucket: int, one: BoundsEstimation) -> Fraction:
    """The greatest value of a bucket."""
    if bucket == 0 or (bucket == -1 and not one.whole):
        return Fraction(0)
    power = abs(bucket) - 1 + smallest_power(one)
    return (
        Fraction(2) ** power if bucket > 0 else -(Fraction(1) if power == 0 else Fraction(2) ** (power - 1))
    )


def lower(bucket: int, one: BoundsEstimation) -> Fraction:
    """The least value of a bucket, or just below it."""
    return -upper(-bucket, one)


def least_units(one: BoundsEstimation, scale: float) -> int:
    """How many units a bucket must have, noise included, to be believed, where each has no other."""
    return ceil(least_weight(one, scale) / WEIGHT)


def least_weight(one: BoundsEstimation, scale: float) -> int:
    """The least sum of units' weights in a bucket, noise included, that is believed."""
    each = FALSE_ALARM / len(buckets(one))
    return int(scale * NormalDist().inv_cdf(1 - each)) + 2


def bounds_told(
    one: BoundsEstimation, noisy: dict[int, int], scale: float
) -> tuple[Fraction, Fraction] | None:
    """The bounds that noisy sums of weights by bucket show; None where no bucket has enough."""
    least = least_weight(one, scale)
    believed = [bucket for bucket, weight in noisy.items() if weight >= least]
    if not believed:
        return None
    low, high = lower(min(believed), one), upper(max(believed), one)
    return low, high if high > low else low + 1
