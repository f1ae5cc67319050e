"""How far chance may move a figure before a test may call it wrong.

A test whose figure is noisy fails without a fault at most once in a million runs (`FALSE_ALARM`), over all of
its comparisons together. The bounds here give that rate; a bound that a test makes up gives no rate at all.

- The noise of an answer is OpenDP's discrete Gaussian, whose tails are no heavier than the continuous one's
  by more than a step of 1/1024 (Canonne, Kamath and Steinke, "The Discrete Gaussian for Differential
  Privacy", NeurIPS 2020), so that a normal quantile bounds it.
- An answer's `standard_error` may hold what bounding leaves out, too; then the noise stands beside it
  (`noise_of`). What bounding leaves out is no chance: the truth of a comparison is the number after it, such
  as at most `max_rows` rows of each person.
- A share of intervals that hold, or of votes that are right, is a binomial, whose tail towards nothing is
  heavier than a normal's: its own quantile is taken.
"""

from math import hypot, sqrt
from statistics import NormalDist
from typing import Any

from scipy.stats import binom, chi2

FALSE_ALARM = 1e-6


def noise_of(error: dict[str, Any]) -> float:
    """The standard error of an answer's noise alone, from what `errors` says of one of its figures."""
    return float(error.get("noise", error)["standard_error"])


def deviations(comparisons: int = 1) -> float:
    """So many standard deviations does a normal exceed, on either side, with a chance of `FALSE_ALARM`
    in all comparisons of a test together: 4.9 for one."""
    return NormalDist().inv_cdf(1 - FALSE_ALARM / (2 * comparisons))


def noise_bound(*standard_errors: float, comparisons: int = 1) -> float:
    """The half width around the truth of a noisy figure, or of the sum or difference of several whose noises
    are independent of each other. In the figure's unit."""
    return deviations(comparisons) * hypot(*standard_errors)


def spread_bounds(draws: int, comparisons: int = 1) -> tuple[float, float]:
    """Between which, as parts of the standard deviation that they have, lies that of so many draws of a
    normal (the root of a chi-square by `draws`)."""
    each = FALSE_ALARM / (2 * comparisons)
    return sqrt(chi2.ppf(each, draws - 1) / draws), sqrt(chi2.isf(each, draws) / draws)


def at_least(tries: int, chance: float, comparisons: int = 1) -> int:
    """So many of `tries` succeed at least if each does with at least this chance."""
    return int(binom.ppf(FALSE_ALARM / comparisons, tries, chance))


def at_most(tries: int, chance: float, comparisons: int = 1) -> int:
    """So many of `tries` succeed at most if each does with at most this chance."""
    return int(binom.isf(FALSE_ALARM / comparisons, tries, chance))
