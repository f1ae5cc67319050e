"""A boosting attack on a board: entries of chance, then the vote of those that the board called better.

Source: Blum and Hardt, "The Ladder: A Reliable Leaderboard for Machine Learning Competitions", ICML 2015,
section 4. Labels are fair coins, so that nobody can predict them; whatever the vote has above a half, it has
from the board. It is shown to work on exact scores, and on noisy ones without the Ladder.
"""

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from false_alarms import noise_bound
from sandbox.competitions.boards import (
    UNIT,
    BoardForm,
    BoardPlan,
    Metric,
    MetricKind,
    NoisyScore,
    Place,
    Sizes,
    noisy_score,
    plan_board,
)

PEOPLE, ENTRIES = 2000, 1000
ACCURACY = Metric(MetricKind.ACCURACY)
CHANCE = 0.5 + noise_bound(0.5) / math.sqrt(PEOPLE)  # a vote that knows nothing is hardly ever above

Told = Callable[[float], float]


def board(rho: Fraction = Fraction(1, 10)) -> BoardPlan:
    form = BoardForm(ACCURACY, Sizes(PEOPLE), 1, 50, 20, rho, Fraction(1, 2), baselines=0, disagreement=0.5)
    return plan_board(form)


def attack(tell: Callable[[npt.NDArray[np.bool_]], float], seed: int) -> float:
    """The share of labels that the vote of `ENTRIES` entries has right. `tell`: what the board shows of an
    entry, from which of its guesses are right."""
    chance = np.random.default_rng(seed)
    labels = chance.integers(0, 2, PEOPLE)
    votes = np.zeros(PEOPLE)
    shown = 0.0
    for _ in range(ENTRIES):
        guess = chance.integers(0, 2, PEOPLE)
        told = tell(guess == labels)
        # a Ladder's place tells of the entry only where it moved; a score that is shown, by its own side
        better = told > shown if tell_moves(tell) else told > 0.5
        shown = told
        votes += (2 * guess - 1) * (1 if better else -1)
    return float(((votes > 0) == labels).mean())


def tell_moves(tell: object) -> bool:
    return isinstance(tell, Climbing)


def noisy(plan: BoardPlan, right: npt.NDArray[np.bool_]) -> NoisyScore:
    values = [UNIT if one else 0 for one in right]
    return noisy_score(ACCURACY, Sizes(PEOPLE), plan.loss, values=values)


class Climbing:
    """The board as it is: noise, then the Ladder."""

    def __init__(self, plan: BoardPlan) -> None:
        self.plan, self.place = plan, None
        self.place: Place | None

    def __call__(self, right: npt.NDArray[np.bool_]) -> float:
        self.place = self.plan.ladder.tell(self.place, noisy(self.plan, right)).place
        return self.plan.ladder.score(self.place)


def test_the_attack_works_on_exact_scores() -> None:
    assert attack(lambda right: float(right.mean()), 1) > 0.62


def test_the_attack_works_on_noise_without_the_ladder() -> None:
    """With a fifth of the noise's variance, so that chance does not hide what the vote has: about .63, six
    standard deviations above."""
    plan = board(Fraction(1, 2))
    assert attack(lambda right: noisy(plan, right).score, 2) > CHANCE


def test_a_thousand_entries_gain_no_more_than_chance_on_the_board() -> None:
    assert attack(Climbing(board()), 3) < CHANCE


def test_the_best_of_many_equal_entries_does_not_climb() -> None:
    plan, chance = board(), np.random.default_rng(4)
    climbing = Climbing(plan)
    for _ in range(200):
        shown = climbing(chance.random(PEOPLE) < 0.5)
    # one interval for the best of all of them: it holds what they truly are
    assert climbing.place is not None and plan.interval(climbing.place).holds(0.5)
    assert shown <= 0.5 + 2 * float(plan.step)
