"""One noisy table: around the exact counts, with as much noise as it says, at no more than its price."""

from collections import Counter
from math import sqrt

import numpy as np

from sandbox.privacy import PrivacyLoss
from sandbox.queries.weights import WEIGHT
from sandbox.synthesis.buy_stand_in import divide, measure
from sandbox.synthesis.marginals import first_questions, pairs
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
    assert np.abs(tables.mean(axis=0) - [sizes[size] for size in (1, 2, 3, 4)]).max() < 5 * sigma / sqrt(
        TIMES
    )
    assert 0.85 < tables.std(axis=0).mean() / sigma < 1.15
    assert all((cell * WEIGHT).is_integer() for cell in told[0].counts), (
        "noise is whole, in steps of the weight"
    )


def test_the_parts_of_a_price_add_up_to_no_more_than_the_whole() -> None:
    many, paired = len(first_questions(DATASET)), len(pairs(DATASET))
    for picorho in (10**6, 10**9 + 7, 4_711_000_000):
        prices = divide(VERSION, PrivacyLoss(picorho))
        spent = many * prices.first.picorho + paired * prices.pair.picorho
        assert picorho - many - paired <= spent <= picorho
