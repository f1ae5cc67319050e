"""The Ladder: a team's score on the board moves only when an entry is better by a whole step.

Source: Blum and Hardt, "The Ladder: A Reliable Leaderboard for Machine Learning Competitions", ICML 2015.
Here it is post-processing of a score that has noise already, so that it costs nothing. The step is at least
3*sqrt(2) standard deviations of the noise (the difference of two equal entries has sqrt(2) of them), so that
the best of many equal entries does not climb.
"""

import math
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from fractions import Fraction

from sandbox.competitions.boards.noise import NoisyScore

STEPS_OF_NOISE = Fraction(3)


def least_step(sd: float) -> Fraction:
    """3*sqrt(2)*sd, rounded up to two significant digits; at most 1."""
    least = Decimal(float(STEPS_OF_NOISE) * math.sqrt(2) * sd)
    if least <= 0:
        raise ValueError("a score without noise has no step")
    digits = Decimal(1).scaleb(least.adjusted() - 1)
    return min(Fraction(1), Fraction((least / digits).to_integral_value(ROUND_CEILING) * digits))


@dataclass(frozen=True)
class Place:
    """Where a team stands: a whole number of steps above 0."""

    level: int


@dataclass(frozen=True)
class Told:
    """All that a team is told of an entry: its place on the board after it, and whether it is a new one."""

    place: Place
    improved: bool


@dataclass(frozen=True)
class Ladder:
    """`step` is in the score's own unit, of [0, 1]."""

    step: Fraction

    @property
    def levels(self) -> int:
        """How many places there are."""
        return int(1 / self.step) + 1

    def tell(self, before: Place | None, noisy: NoisyScore) -> Told:
        """The place after an entry. `before`: the team's place until now, None before its first entry."""
        score = min(1.0, max(0.0, noisy.score))
        level = min(self.levels - 1, math.floor(Fraction(score) / self.step + Fraction(1, 2)))
        if before is not None and (score < self.score(before) + float(self.step) or level <= before.level):
            return Told(before, improved=False)
        return Told(Place(level), improved=True)

    def score(self, place: Place) -> float:
        return float(place.level * self.step)

    def range_of(self, place: Place) -> tuple[float, float]:
        """Between which noisy scores an entry with this place was; the ends have no end."""
        low = -math.inf if place.level <= 0 else float((place.level - Fraction(1, 2)) * self.step)
        last = place.level >= self.levels - 1
        return low, math.inf if last else float((place.level + Fraction(1, 2)) * self.step)
