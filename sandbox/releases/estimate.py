"""What do noisy totals say? Values with standard errors and 95 % intervals, from released numbers and public facts only.

- A count or a sum is a noisy total on its public scale: its error is the noise's, known exactly before asking.
- An average is a ratio of two noisy totals. Its interval is Fieller's (E. C. Fieller, "Some problems in interval
  estimation", JRSS B 16, 1954), which stays honest when the count is small; where it is unbounded the average is
  withheld as too noisy. Its standard error is the ratio's first-order one.

The intervals are about the noise: of 100 such answers about 95 hold the bounded, weighted value (queries/weights.md).
"""

from dataclasses import dataclass
from math import ceil, sqrt

from sandbox.catalog.model import Bounds
from sandbox.queries.plan import WEIGHT

Z = 1.959963984540054  # the normal quantile of (1 + 0.95) / 2


@dataclass(frozen=True)
class Noisy:
    """A released total of one cell and the scale of its noise, both in whole steps of 1/1024."""

    value: int
    scale: float


@dataclass(frozen=True)
class Estimate:
    """A value, how far off it may be, and why it is withheld if it is (`value` is None then)."""

    value: float | None
    standard_error: float | None
    low: float | None
    high: float | None
    note: str = ""


def half_width(scale: float) -> float:
    """How far discrete Gaussian noise of `scale` strays at most, in 95 of 100 cases, in steps.

    The discrete Gaussian's quantiles are the normal's to within one step, so one step is added.
    """
    return ceil(Z * scale) + 1.0


def count(noisy: Noisy) -> Estimate:
    return _scaled(noisy, 1 / WEIGHT)


def total(noisy: Noisy, bounds: Bounds) -> Estimate:
    return _scaled(noisy, float(bounds.step) / WEIGHT)


def average(centred: Noisy, present: Noisy, bounds: Bounds) -> Estimate:
    """The mean, clipped to the measure's bounds (where the clamped mean is known to lie)."""
    low, high, centre, step = (float(number) for number in (bounds.low, bounds.high, bounds.centre, bounds.step))
    square = present.value**2 - (Z * present.scale) ** 2
    if present.value <= 0 or square <= 0:
        return Estimate(None, None, low, high, "too noisy: the count may be zero; ask with a larger epsilon")
    ratio = centred.value / present.value
    product = centred.value * present.value
    root = Z * sqrt(centred.scale**2 * square + (present.scale * centred.value) ** 2)

    def shown(steps: float) -> float:
        return min(high, max(low, centre + step * steps))

    spread = step * sqrt(centred.scale**2 + (ratio * present.scale) ** 2) / present.value
    return Estimate(shown(ratio), spread, shown((product - root) / square), shown((product + root) / square))


def _scaled(noisy: Noisy, unit: float) -> Estimate:
    width = half_width(noisy.scale) * unit
    value = noisy.value * unit
    return Estimate(value, noisy.scale * unit, value - width, value + width)
