"""Interval arithmetic: between which two values a result lies if its parts lie between theirs.

Source: R. E. Moore, "Interval Analysis", Prentice-Hall 1966. Ends may be infinite; each result holds every
value that the operation can have on values from the intervals.
"""

from dataclasses import dataclass
from math import inf, isnan, sqrt


@dataclass(frozen=True)
class Interval:
    low: float
    high: float

    def __add__(self, other: "Interval") -> "Interval":
        return _hull(self.low + other.low, self.high + other.high)

    def __sub__(self, other: "Interval") -> "Interval":
        return _hull(self.low - other.high, self.high - other.low)

    def __mul__(self, other: "Interval") -> "Interval":
        return _hull(*(_product(a, b) for a in (self.low, self.high) for b in (other.low, other.high)))

    def __truediv__(self, other: "Interval") -> "Interval":
        if other.low <= 0 <= other.high:
            return EVERYTHING
        return self * Interval(1 / other.high, 1 / other.low)

    def square(self) -> "Interval":
        ends = (_product(self.low, self.low), _product(self.high, self.high))
        return Interval(0.0 if self.low <= 0 <= self.high else min(ends), max(ends))

    def root(self) -> "Interval":
        return Interval(sqrt(max(0.0, self.low)), sqrt(max(0.0, self.high)))

    def without_sign(self) -> "Interval":
        ends = (abs(self.low), abs(self.high))
        return Interval(0.0 if self.low <= 0 <= self.high else min(ends), max(ends))

    @property
    def unbounded(self) -> bool:
        return self.low == -inf or self.high == inf

    @property
    def point(self) -> bool:
        return self.low == self.high


EVERYTHING = Interval(-inf, inf)


def _product(a: float, b: float) -> float:
    return 0.0 if a == 0 or b == 0 else a * b


def _hull(*ends: float) -> Interval:
    return EVERYTHING if any(isnan(end) for end in ends) else Interval(min(ends), max(ends))
