"""What is bought of completeness is wrong as rarely as it says, for every table, and charged once."""

import numpy as np
import pytest
from scipy.stats import binom

from sandbox.quality.classes import ENDS, WRONG_AT_MOST, completeness_class

TRIALS = 6_000
FALSE_ALARM = 1e-6


@pytest.mark.parametrize(
    "share", [0.0, 0.79999, 0.8, 0.80001, 0.9, 0.9499, 0.9501, 0.97, 0.9899, 0.99, 0.9999, 1.0]
)
@pytest.mark.parametrize("noise", [0.0005, 0.01, 0.3])
def test_a_class_is_wrong_as_rarely_as_it_says(share: float, noise: float) -> None:
    """`noise`: its standard deviation, as a part of the rows."""
    rows, chance = 10_000, np.random.default_rng([int(share * 1e6), int(noise * 1e6)])
    sigma = noise * rows
    counts = np.round([share * rows, rows - share * rows])
    true = counts[0] / rows
    noisy = counts + np.round(chance.normal(0, sigma, (TRIALS, 2)))
    wrong = 0
    for filled, empty in noisy:
        low, high = completeness_class(float(filled), float(empty), sigma)
        assert low in (0.0, *ENDS) and high in (*ENDS, 1.0) and low < high
        wrong += not low <= true <= high
    assert wrong <= binom.isf(FALSE_ALARM, TRIALS, WRONG_AT_MOST)


def test_with_little_noise_the_class_is_one() -> None:
    assert completeness_class(9_990, 10, 1.0) == (0.99, 1.0)
    assert completeness_class(9_700, 300, 1.0) == (0.95, 0.99)
    assert completeness_class(9_000, 1_000, 1.0) == (0.8, 0.95)
    assert completeness_class(1_000, 9_000, 1.0) == (0.0, 0.8)
    assert completeness_class(0, 0, 50.0) == (0.0, 1.0)
