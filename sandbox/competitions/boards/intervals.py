"""Intervals of scores: they hold the noise and the sampling of people, for all entries of a team at once.

What is estimated is the score over all people of the kind from which the part was drawn. An interval is the
set of true scores that are compatible with what was told (inversion of a test): of a mean metric in closed
form (Wilson 1927, with the noise added to the variance; a value in [0, 1] of mean m has a variance of at most
m(1-m)), of balanced accuracy and F1 by simulation over all rates of both classes at the declared sizes, of
AUC by the bound a(1-a)/min(P, N) of its variance (Van Dantzig 1951; Birnbaum and Klose 1957).

Bonferroni: with so many entries, each interval is at the confidence 1 - (1 - confidence)/entries. The
interval is a function of the place alone, so that it tells no more than the place.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from sandbox.competitions.boards.classes import score_of_sums
from sandbox.competitions.boards.metrics import UNIT, Metric, MetricKind
from sandbox.competitions.boards.noise import noise_scale
from sandbox.competitions.boards.sizes import Sizes
from sandbox.privacy import PrivacyLoss

GRID, DRAWS, SEED = 61, 600, 20151
Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    low: float
    high: float

    def holds(self, score: float) -> bool:
        return self.low <= score <= self.high


@dataclass(frozen=True)
class Precision:
    """What decides an interval; all public. `entries`: of a team, that all are covered at once."""

    metric: Metric
    sizes: Sizes
    loss: PrivacyLoss  # of one entry
    entries: int
    confidence: float = 0.95

    @property
    def deviations(self) -> float:
        """How many standard deviations an interval reaches to each side."""
        return NormalDist().inv_cdf(1 - (1 - self.confidence) / (2 * self.entries))

    @property
    def sd(self) -> float:
        """The standard deviation of the noise of a score; of F1 the largest that there is."""
        scale = noise_scale(self.metric, self.sizes, self.loss)
        match self.metric.kind:
            case MetricKind.AUC:
                positives, negatives = self.sizes.classes
                return scale / (2 * positives * negatives)
            case MetricKind.BALANCED_ACCURACY:
                positives, negatives = self.sizes.classes
                return scale * math.hypot(1 / positives, 1 / negatives) / 2
            case MetricKind.F1:
                # the slope is largest where nothing is found: 2/P in TP; in FP it is at most 1/(2P)
                return scale * 2 / self.sizes.classes[0]
        return scale / (UNIT * self.sizes.people)


def interval(precision: Precision, low: float, high: float) -> Interval:
    """The true scores that are compatible with a noisy score between `low` and `high` (may be infinite)."""
    if precision.metric.kind in (MetricKind.BALANCED_ACCURACY, MetricKind.F1):
        return _of_rates(precision, low, high)
    return Interval(_end(precision, low, upper=False), _end(precision, high, upper=True))


def _end(precision: Precision, score: float, *, upper: bool) -> float:
    """Solves (score - m)**2 = z**2 * (m(1-m)/n + sd**2) for m."""
    if math.isinf(score):
        return float(upper)
    sizes, z = precision.sizes, precision.deviations
    people = min(sizes.classes) if precision.metric.kind is MetricKind.AUC else sizes.people
    first = 1 + z * z / people
    half = score + z * z / (2 * people)
    rest = score * score - z * z * precision.sd**2
    root = math.sqrt(max(0.0, half * half - first * rest))
    return min(1.0, max(0.0, (half + root if upper else half - root) / first))


def _of_rates(precision: Precision, low: float, high: float) -> Interval:
    scale = noise_scale(precision.metric, precision.sizes, precision.loss)
    true, mean, sd = _simulated(precision.metric, precision.sizes, scale)
    reach = precision.deviations * sd
    compatible = true[(mean - reach <= high) & (mean + reach >= low)]
    if not len(compatible):  # noise beyond all: the nearest end
        return Interval(0.0, 1.0)
    # between two points of the grid a score changes by no more than this
    near = 1 / (GRID - 1)
    return Interval(max(0.0, float(compatible.min()) - near), min(1.0, float(compatible.max()) + near))


@lru_cache(maxsize=64)
def _simulated(metric: Metric, sizes: Sizes, scale: float) -> tuple[Array, Array, Array]:
    """For each pair of rates on a grid (found of the positives, false of the negatives): the true score, and
    mean and standard deviation of the noisy one."""
    positives, negatives = sizes.classes
    chance = np.random.default_rng(SEED)
    rates = np.linspace(0, 1, GRID)
    hit, false = (part.ravel() for part in np.meshgrid(rates, rates))
    true = score_of_sums(metric, sizes, (hit * positives, false * negatives))
    size = (DRAWS, 1)
    # normal draws with the binomial's variance: the sizes are large where a board is of use
    draws = [
        people * rate
        + chance.normal(size=(DRAWS, len(rate))) * np.sqrt(people * rate * (1 - rate) + scale**2)
        + np.zeros(size)
        for people, rate in ((positives, hit), (negatives, false))
    ]
    noisy = score_of_sums(metric, sizes, draws)
    return true, noisy.mean(axis=0), noisy.std(axis=0) * (1 + 2 / math.sqrt(DRAWS))
