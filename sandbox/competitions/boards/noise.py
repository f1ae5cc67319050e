"""The noise of a score: OpenDP's discrete Gaussian on exact sums, at a scale that OpenDP's own map certifies.

For a mean over n people of values in [0, 1], the standard deviation of a score is 1/(n*sqrt(2*rho/k)), when
k entries share rho. Sums are of whole numbers, and one person changes a sum by one `UNIT` at most: also when
the person is missing, since the divisor is the public n.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from sandbox.competitions.boards.classes import class_sums, score_of_sums
from sandbox.competitions.boards.metrics import UNIT, Metric, MetricKind
from sandbox.competitions.boards.sizes import Sizes
from sandbox.privacy import PrivacyLoss
from sandbox.queries.plan.price import gaussian, gaussian_scale

MOST = 2**62


@dataclass(frozen=True)
class NoisyScore:
    """A score in [0, 1] with its noise: private until the Ladder has made of it what is told."""

    score: float


def entry_loss(rho: Fraction, entries: int) -> PrivacyLoss:
    """What each of so many entries may cost, so that all together stay within `rho`."""
    return PrivacyLoss.at_most(rho / entries)


def sensitivity_of(metric: Metric, sizes: Sizes) -> int:
    """By how much one person changes the sums of a score at most (L2, whole numbers)."""
    if not metric.of_classes:
        return UNIT
    return 2 * max(sizes.classes) if metric.kind is MetricKind.AUC else 1


def noise_scale(metric: Metric, sizes: Sizes, loss: PrivacyLoss) -> float:
    """The standard deviation of the noise on each sum."""
    return gaussian_scale(sensitivity_of(metric, sizes), loss.picorho)


def noisy_score(
    metric: Metric,
    sizes: Sizes,
    loss: PrivacyLoss,
    *,
    values: Sequence[int] = (),
    positive: Sequence[bool] = (),
    predicted: Sequence[object] = (),
) -> NoisyScore:
    """One entry's score. Of a mean metric give `values`, one for each person who is there, each 0 to `UNIT`;
    of a metric of two classes `positive` and `predicted`, an item for each person.

    Raises `ValueError` rather than make a score whose certified loss exceeds its price, and for more people
    than the part has."""
    if max(len(values), len(positive)) > sizes.people:
        raise ValueError("more people than the part has")
    if any(not 0 <= value <= UNIT for value in values):
        raise ValueError("a value lies outside 0 to UNIT")
    sensitivity = sensitivity_of(metric, sizes)
    sums = class_sums(metric, sizes, positive, predicted).values if metric.of_classes else (sum(values),)
    measurement = gaussian(noise_scale(metric, sizes, loss))
    if Fraction(measurement.map(float(sensitivity))) > loss.rho:
        raise ValueError("the scale does not certify the price")
    noisy = [int(value) for value in measurement([max(-MOST, min(MOST, value)) for value in sums])]
    if metric.of_classes:
        return NoisyScore(float(score_of_sums(metric, sizes, noisy)))
    return NoisyScore(noisy[0] / (UNIT * sizes.people))
