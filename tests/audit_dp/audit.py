"""What do many runs prove about a subject, and does it stay below the claim?

One half of the runs chooses the events, the other half judges them; each bound's error is shared out over
everything that is judged (Bonferroni), so that a sound engine is accused with probability at most
FALSE_ALARM in a whole audit.
"""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from audit_dp.bound import Array, chances, direct, gaussian, zcdp
from audit_dp.events import Event, Samples, events
from audit_dp.subjects import Subject
from sandbox.privacy import PrivacyLoss, epsilon_of

FALSE_ALARM = 1e-6
KINDS = ("direct", "zcdp", "gaussian")
DIRECTIONS = 2
SIDES = 2  # a lower bound on one table, an upper one on the other


@dataclass(frozen=True)
class Finding:
    """Lower bounds of epsilon at the dataset's delta, all true together;
    those of rho by the ledger's own conversion."""

    name: str
    claim: float
    delta: float
    runs: int
    lower: dict[str, float]
    repeats: bool

    @property
    def best(self) -> float:
        return max(self.lower.values())

    @property
    def holds(self) -> bool:
        return self.repeats and self.best <= self.claim

    @property
    def verdict(self) -> str:
        return (
            "holds"
            if self.holds
            else "VIOLATED"
            if self.repeats
            else "VIOLATED (its totals are no function of its rows)"
        )


def audit(subject: Subject, runs: int, *, subjects: int = 1) -> Finding:
    """`runs` on each table; `subjects` is how many the whole audit has."""
    delta = float(subject.delta)
    alpha = FALSE_ALARM / (subjects * len(KINDS) * DIRECTIONS * SIDES)
    repeats = subject.repeats()
    there, absent = subject.draw(True, runs), subject.draw(False, runs)
    half = runs // 2
    choose, judge = slice(0, half), slice(half, 2 * half)
    lower = dict.fromkeys(KINDS, 0.0)
    for first, second in ((there, absent), (absent, there)):
        family = events(first.part(choose), second.part(choose))
        tried = _bounds(
            _counts(family, first.part(choose)), _counts(family, second.part(choose)), half, alpha, delta
        )
        for kind in KINDS:
            chosen = [family[int(np.argmax(tried[kind]))]]
            judged = _bounds(
                _counts(chosen, first.part(judge)), _counts(chosen, second.part(judge)), half, alpha, delta
            )
            found = float(judged[kind][0])
            lower[kind] = max(lower[kind], found if kind == "direct" else _epsilon(found, subject.delta))
    return Finding(subject.name, subject.claim, delta, runs, lower, repeats)


def _counts(family: list[Event], samples: Samples) -> Array:
    return np.array([np.count_nonzero(event(samples)) for event in family], dtype=float)


def _bounds(first: Array, second: Array, runs: int, alpha: float, delta: float) -> dict[str, Array]:
    low, high = chances(first, runs, alpha)[0], chances(second, runs, alpha)[1]
    return {"direct": direct(low, high, delta), "zcdp": zcdp(low, high), "gaussian": gaussian(low, high)}


def _epsilon(rho: float, delta: Fraction) -> float:
    return epsilon_of(PrivacyLoss.at_most(Fraction(rho)), delta)
