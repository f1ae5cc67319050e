"""Prices an answer: its exact loss, and the error that follows from it. No data."""

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import sqrt

import opendp.prelude as dp

from sandbox.errors import InvalidInput
from sandbox.privacy import RHO_UNITS, ZERO, PrivacyLoss
from sandbox.queries.plan.partition_selection import PartitionSelection, threshold_for
from sandbox.queries.plan.plan import Plan, Total
from sandbox.queries.types.scope import BoundsEstimation
from sandbox.queries.weights import WEIGHT

dp.enable_features("contrib")

LEAST_SHARE = 10**3  # picorho: below this the noise would drown any city


class LossTooSmall(InvalidInput):
    """So little is offered that the answer would be noise alone."""

    code = "loss_too_small"


@dataclass(frozen=True)
class MeasurementPrice:
    """What one total costs and the scale of the discrete Gaussian noise that each of its cells gets."""

    total: Total
    loss: PrivacyLoss
    scale: float


@dataclass(frozen=True)
class PartitionPrice:
    """What selecting a key's values costs (a delta too), the scale of the noise,
    and the least sum of weights that is released."""

    discovery: PartitionSelection
    loss: PrivacyLoss
    scale: float
    threshold: int

    @property
    def least_units(self) -> int:
        """How many units must have a value, noise left out, where each has no other;
        with k values each, root of k times more."""
        return -(-self.threshold // WEIGHT)


@dataclass(frozen=True)
class BoundsPrice:
    """What buying a column's bounds costs, and the scale of the noise on the sums of weights by size."""

    bounds: BoundsEstimation
    loss: PrivacyLoss
    scale: float


@dataclass(frozen=True)
class Price:
    """A loss split evenly among the totals and the keys that must be found; `shares` in the plan's order.

    `bounds` must be bought first, and cost the same whatever is offered.

    What was released before costs nothing.
    """

    shares: tuple[MeasurementPrice, ...]
    keys: tuple[PartitionPrice, ...] = ()
    offered: PrivacyLoss = ZERO
    bounds: tuple[BoundsPrice, ...] = ()

    @property
    def loss(self) -> PrivacyLoss:
        """All of it: of the totals, of the keys and of the bounds."""
        shares: tuple[MeasurementPrice | PartitionPrice | BoundsPrice, ...] = (
            *self.shares,
            *self.keys,
            *self.bounds,
        )
        return sum((share.loss for share in shares), ZERO)

    def share(self, total: Total) -> MeasurementPrice:
        return next(share for share in self.shares if share.total == total)


def price_within(plan: Plan, loss: PrivacyLoss) -> Price:
    """Split `loss` evenly among the plan's totals (AVG is two:
    a sum and a count) and the keys that are found by a threshold.

    Keys have their share whether they were found before or not, so that the same offer buys the same totals.
    Raises `InvalidInput` if it is too little.
    """
    if not plan.totals and not plan.discoveries:
        return Price((), (), ZERO)  # of public values alone
    each = loss.picorho // (len(plan.totals) + len(plan.discoveries))
    if each < LEAST_SHARE:
        raise LossTooSmall(
            "The privacy loss offered is too small for this question.",
            remedy="Offer a larger epsilon, or ask for fewer aggregates.",
            zh="所给的 epsilon 对这个问题太小。",
            remedy_zh="请给更大的 epsilon，或减少聚合。",
        )
    return Price(
        tuple(
            MeasurementPrice(total, PrivacyLoss(each), gaussian_scale(total.sensitivity, each))
            for total in plan.totals
        ),
        tuple(_key_share(discovery, each, plan) for discovery in plan.discoveries),
        loss,
        tuple(_bounds_share(one, plan) for one in plan.scope.unbought),
    )


def _bounds_share(one: BoundsEstimation, plan: Plan) -> BoundsPrice:
    """At the dataset's usual price of a question, so that it does not matter who asks first,
    or how precisely."""
    budget = plan.version.policy.budget
    assert budget is not None, "a dataset with a unit has a budget"
    loss = budget.loss(budget.question_epsilon)
    if loss.picorho < LEAST_SHARE:
        raise LossTooSmall(
            f"The bounds of {one.of.text} are bought at the policy's question_epsilon, which is too small.",
            remedy="Write the column between numbers, or let an officer publish with a larger "
            "question_epsilon.",
            zh=f"栏目 {one.of.text} 的边界按策略的 question_epsilon 购买，而它太小。",
            remedy_zh="请用数字限定该栏目的范围，或请数据专员以更大的 question_epsilon 重新发布。",
        )
    return BoundsPrice(one, loss, gaussian_scale(one.sensitivity, loss.picorho))


def _key_share(discovery: PartitionSelection, picorho: int, plan: Plan) -> PartitionPrice:
    budget = plan.version.policy.budget
    assert budget is not None, "a dataset with a unit has a budget"
    delta = budget.key_delta
    scale = gaussian_scale(discovery.sensitivity, picorho)
    return PartitionPrice(
        discovery,
        PrivacyLoss.at_least(Fraction(picorho, RHO_UNITS), delta),
        scale,
        threshold_for(scale, float(delta)),
    )


@lru_cache(maxsize=4096)
def gaussian_scale(sensitivity: int, picorho: int) -> float:
    """The smallest scale (to one part in 2**40) at which OpenDP's own map certifies the loss.

    The discrete Gaussian of scale s on integers with L2 sensitivity d has rho = d**2 / (2 s**2): Canonne,
    Kamath and Steinke 2020, Theorem 14.
    """
    allowed = PrivacyLoss(picorho).rho
    scale = sensitivity / sqrt(2 * allowed)
    while Fraction(gaussian(scale).map(float(sensitivity))) > allowed:
        scale *= 1 + 2**-40
    return scale


def gaussian(scale: float) -> "dp.Measurement":
    """OpenDP's discrete Gaussian on a vector of 64-bit integers; each coordinate gets noise of `scale`."""
    space = dp.vector_domain(dp.atom_domain(T="i64")), dp.l2_distance(T="f64")
    return dp.m.make_gaussian(*space, scale=scale)
