"""One noisy table: around the exact counts, with as much noise as it says, at no more than its price."""

from collections import Counter
from math import sqrt

import numpy as np
import pytest

from false_alarms import noise_bound, spread_bounds
from sandbox.privacy import PrivacyLoss
from sandbox.queries.weights import WEIGHT
from sandbox.synthesis.buy_stand_in import divide, measure
from sandbox.synthesis.marginals import first_questions, pairs
from sandbox.synthesis.refine import refinable
from sandbox.synthesis.trained import how_many
from story import DATASET, VERSION, Story, rows_csv

TIMES = 200


def test_counts_lie_around_the_exact_ones_with_the_noise_that_is_told(story: Story) -> None:
    story.publish()
    version = story.repository.current("clinic.visits")
    [by_size, *_] = first_questions(version.policy)
    told = [measure(story.context, version, by_size, PrivacyLoss(10**10)) for _ in range(TIMES)]
    sigma = told[0].sigma
    # zCDP's Gaussian: one unit is in one cell, and counts WEIGHT of WEIGHT; a part in 2**40
    # is OpenDP's rounding
    assert abs(sigma - 1 / sqrt(2 * 0.01)) < 1e-6 and {of.picorho for of in told} == {10**10}
    people = Counter(line.split(",")[0] for line in rows_csv().decode().splitlines()[1:])
    sizes = Counter(min(rows, 4) for rows in people.values())
    tables = np.array([of.table for of in told])
    off = np.abs(tables.mean(axis=0) - [sizes[size] for size in (1, 2, 3, 4)])
    assert off.max() < noise_bound(sigma, comparisons=8) / sqrt(TIMES)
    low, high = spread_bounds(TIMES, comparisons=8)
    assert low < tables.std(axis=0).min() / sigma <= tables.std(axis=0).max() / sigma < high
    assert all((cell * WEIGHT).is_integer() for cell in told[0].counts), (
        "noise is whole, in steps of the weight"
    )


@pytest.mark.parametrize("trained", [False, True])
def test_the_parts_of_a_price_add_up_to_no_more_than_the_whole(trained: bool) -> None:
    many, fines, paired = len(first_questions(DATASET)), len(refinable(DATASET)), len(pairs(DATASET))
    models = how_many(DATASET) if trained else 0
    for picorho in (10**6, 10**9 + 7, 4_711_000_000):
        prices = divide(VERSION, PrivacyLoss(picorho), trained=trained)
        spent = (
            many * prices.first.picorho
            + fines * prices.fine.picorho
            + paired * prices.pair.picorho
            + models * prices.trained.picorho
        )
        assert picorho - many - fines - paired - models <= spent <= picorho
