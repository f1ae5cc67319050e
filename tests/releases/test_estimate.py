"""The intervals hold the truth as often as they say, for counts, sums and averages, small cells too."""

from fractions import Fraction

import pytest

from sandbox.catalog.model import Bounds
from sandbox.queries.price import gaussian
from sandbox.releases.estimate import Noisy, average, count, total

BOUNDS = Bounds(Fraction(0), Fraction(100), Fraction(1, 2))
TRIES = 4000
# 95 % of 4000 with a false-alarm rate under 1e-6: five standard deviations of a binomial are 0.0172
LEAST, MOST = 0.95 - 0.0172, 0.95 + 0.0172


def noisy(exact: int, scale: float) -> list[Noisy]:
    """OpenDP's own noise, many times over."""
    return [Noisy(int(value), scale) for value in gaussian(scale)([exact] * TRIES)]


def test_counts_are_covered() -> None:
    hits = sum(one.low <= 37 <= one.high for one in map(count, noisy(37 * 1024, 9000.0)) if one.low is not None
               and one.high is not None)
    assert LEAST < hits / TRIES < MOST


def test_sums_are_covered() -> None:
    exact = 1234  # in steps of 0.5
    hits = sum(one.low <= 617 <= one.high for one in (total(part, BOUNDS) for part in noisy(exact * 1024, 90_000.0))
               if one.low is not None and one.high is not None)
    assert LEAST < hits / TRIES < MOST


@pytest.mark.parametrize(("rows", "mean"), [(400, 30.0), (40, 55.0), (12, 80.0)])
def test_averages_are_covered_even_where_the_noise_is_as_large_as_the_count(rows: int, mean: float) -> None:
    """Where the average is withheld its interval is the bounds, which always hold: so coverage is at least what is said."""
    steps = round((mean - float(BOUNDS.centre)) / 0.5) * rows * 1024
    centred, present = noisy(steps, 60.0 * 1024 * 4), noisy(rows * 1024, 4.0 * 1024)
    estimates = [average(a, b, BOUNDS) for a, b in zip(centred, present, strict=True)]
    hits = sum(one.low <= mean <= one.high for one in estimates if one.low is not None and one.high is not None)
    assert hits / TRIES > LEAST


def test_an_average_over_a_count_that_may_be_zero_is_withheld_and_says_why() -> None:
    answer = average(Noisy(5000, 4000.0), Noisy(1024, 4096.0), BOUNDS)
    assert answer.value is None and "too noisy" in answer.note
    assert (answer.low, answer.high) == (0.0, 100.0)
