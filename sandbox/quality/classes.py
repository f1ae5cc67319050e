"""Tells the completeness of a column as a class, from two noisy counts.

The classes end at 99 %, 95 % and 80 % of filled cells. For each of these ends it is decided whether the true
share is above or below it, or whether the noise leaves that open: with F filled and E empty cells counted and
noise of standard deviation sigma in each, F * (1 - t) - E * t has the mean n * (p - t) and the standard
deviation sigma * sqrt((1 - t)^2 + t^2), whatever n and p are. So a class that is told is wrong with a chance
of at most `WRONG_AT_MOST`, for every table; where the noise is large, it is several classes together.
"""

from math import sqrt
from statistics import NormalDist

ENDS = (0.80, 0.95, 0.99)
WRONG_AT_MOST = 0.01
"""The chance that the true share is outside what is told, over the noise; of each column."""
SURE = -NormalDist().inv_cdf(WRONG_AT_MOST / len(ENDS))
"""So many standard deviations, at each end: the chances of all ends add up to `WRONG_AT_MOST`."""


def completeness_class(filled: float, empty: float, sigma: float) -> tuple[float, float]:
    """Between which shares the true one is: each of 0, 0.8, 0.95, 0.99 and 1."""
    low, high = 0.0, 1.0
    for end in ENDS:
        above = filled * (1 - end) - empty * end
        sure = SURE * sigma * sqrt((1 - end) ** 2 + end**2)
        if above > sure:
            low = max(low, end)
        elif above < -sure:
            high = min(high, end)
    return (low, high) if low < high else (0.0, 1.0)
