"""Looking for columns that are one takes bounded memory, and stops where its time is over."""

import tracemalloc
from itertools import count

import numpy as np

from sandbox.reviews.column_families import MOST_PLACES, Quantity, families_of

ROWS = 50_000


def told_in_many_places() -> dict[str, Quantity]:
    chance = np.random.default_rng(5)
    places = [chance.random(ROWS) < 0.5 for _ in range(MOST_PLACES)]
    return {name: Quantity(chance.random(ROWS), places) for name in ("income", "spending")}


def test_choices_of_rows_are_looked_at_one_after_another() -> None:
    quantities = told_in_many_places()
    tracemalloc.start()
    families_of(quantities, near=0.05)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # all pairs of choices at once are 3600 masks, 180 MB
    assert most < 60 * 8 * ROWS


def test_what_was_not_looked_at_in_time_is_unsure() -> None:
    looked = count()
    families, unsure = families_of(told_in_many_places(), near=0.05, late=lambda: next(looked) > 100)
    assert not families and unsure == {"income", "spending"} and next(looked) < 110
