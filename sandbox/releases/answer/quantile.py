"""Reads a quantile from a noisy histogram: a value, and an interval that holds it whatever the noise did.

With weights B(v) of the rows at or below v and A(v) of those above, the q-quantile is the first v at which
G(v) = (1 - q) B(v) - q A(v) >= 0. Each is a sum of noisy bins, so G's noise is known: a candidate v is kept
if neither "G(v) < 0" nor "G before v >= 0" is rejected at the noise's quantile, and the interval is from the
first to the last that is kept. The true one is rejected in at most 5 of 100 cases, because that is one test
on each side (the inversion of a test: Casella and Berger, "Statistical Inference", section 9.2.1). Coarse
bins beside the fine ones (a tree of two levels, as in Hay et al., "Boosting the accuracy of differentially
private histograms", VLDB 2010) keep those sums short.

A quantile between two rows (QUANTILE_CONT, MEDIAN) lies at q (n - 1) rows from the first, between the rows
beside that place. In rows, G is above -q at the first of these, and at most 1 - q just before the second: the
interval reaches so much farther on each side. It holds the row that QUANTILE_DISC names, too.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from math import ceil, floor, sqrt

from sandbox.catalog.model import Bounds
from sandbox.queries.plan.plan import BINS_IN_ONE
from sandbox.queries.weights import WEIGHT
from sandbox.releases.answer.interval import Interval


@dataclass(frozen=True)
class Histogram:
    """The levels from coarse to fine, each with its noisy bins and the scale of their noise."""

    bounds: Bounds
    levels: tuple[tuple[tuple[float, ...], float], ...]

    @property
    def bins(self) -> int:
        return len(self.levels[-1][0])

    @property
    def each_step(self) -> bool:
        """Whether every step of the grid has its bin: then values are whole."""
        return self.bins == (self.bounds.high - self.bounds.low) / self.bounds.step + 1

    def rows(self, z: float) -> float:
        """How many rows are in it, at most, with the confidence of `z` standard deviations."""
        numbers, scale = self.levels[0]
        return sum(numbers) + z * scale * sqrt(len(numbers))

    def may_be_empty(self, z: float) -> bool:
        """Whether the noise could hide that no row is in it, at the confidence of `z` standard deviations."""
        numbers, scale = self.levels[0]
        return sum(numbers) <= z * scale * sqrt(len(numbers))

    def value(self, bin: int, *, upper: bool) -> float:
        """The least or the greatest value on the grid that falls into a bin."""
        steps = int((self.bounds.high - self.bounds.low) / self.bounds.step) + 1
        step = -(-(bin + 1) * steps // self.bins) - 1 if upper else -(-bin * steps // self.bins)
        return float(self.bounds.low + self.bounds.step * step)


def quantile_value(histogram: Histogram, q: float, *, of_a_row: bool) -> float:
    """The middle of a row's bin (`of_a_row`), or what lies so far between two rows' bins."""
    scores = [score for score, _ in _scores(histogram, q)]
    rows = sum(histogram.levels[0][0]) / WEIGHT

    def value(before: int) -> float:
        """Of the row that so many are before: half a row of noise changes nothing."""
        least = (before + 0.5 - q * rows) * WEIGHT
        place = min(sum(score < least for score in scores), histogram.bins - 1)
        return (histogram.value(place, upper=False) + histogram.value(place, upper=True)) / 2

    if of_a_row:
        return value(max(0, ceil(round(q * rows, 6)) - 1))
    at = max(0.0, q * (rows - 1))
    first = value(floor(at))
    return first + (at - floor(at)) * (value(floor(at) + 1) - first)


def quantile_interval(
    histogram: Histogram, q: float, z: float, missing: float = 0.0, elsewhere: float = 0.0
) -> Interval:
    """`missing`: the number of rows that are in no bin, and may lie anywhere.
    `elsewhere`: the number of rows that may lie in another bin than their own."""
    scores = _scores(histogram, q)
    before = [(float("-inf"), 1.0), *scores[:-1]]
    up, down = (1 - q) * missing + elsewhere + q * WEIGHT, q * missing + elsewhere + (1 - q) * WEIGHT
    kept = [
        place
        for place, ((at, spread), (just_before, before_spread)) in enumerate(zip(scores, before, strict=True))
        if at + up >= -z * spread and just_before - down <= z * before_spread
    ]
    first, last = (kept[0], kept[-1]) if kept else (0, histogram.bins - 1)
    # a value that is not whole counts as the step that is nearest to it
    beside = 0.0 if histogram.each_step else float(histogram.bounds.step) / 2
    return Interval(
        max(float(histogram.bounds.low), histogram.value(first, upper=False) - beside),
        min(float(histogram.bounds.high), histogram.value(last, upper=True) + beside),
    )


@lru_cache(maxsize=16)
def _scores(histogram: Histogram, q: float) -> list[tuple[float, float]]:
    """G and its noise's scale at each fine bin."""
    fine, fine_scale = histogram.levels[-1]
    if len(histogram.levels) == 1:
        sums, size = list(accumulate(fine)), len(fine)
        return [
            (
                (1 - q) * below - q * (sums[-1] - below),
                fine_scale * sqrt((1 - q) ** 2 * (place + 1) + q**2 * (size - place - 1)),
            )
            for place, below in enumerate(sums)
        ]
    coarse, coarse_scale = histogram.levels[0]
    coarse_sums = [0, *accumulate(coarse)]
    scores = []
    for place in range(len(fine)):
        block = place // BINS_IN_ONE
        inside, after = fine[block * BINS_IN_ONE : place + 1], fine[place + 1 : (block + 1) * BINS_IN_ONE]
        below = coarse_sums[block] + sum(inside)
        above = coarse_sums[-1] - coarse_sums[block + 1] + sum(after)
        variance = coarse_scale**2 * (
            (1 - q) ** 2 * block + q**2 * (len(coarse) - block - 1)
        ) + fine_scale**2 * ((1 - q) ** 2 * len(inside) + q**2 * len(after))
        scores.append(((1 - q) * below - q * above, sqrt(variance)))
    return scores
