"""The membership test finds a model that remembers, and its bound holds as often as it says."""

import numpy as np
import pytest

from sandbox.errors import InvalidInput
from sandbox.reviews.models.membership import membership_attack


def test_a_model_that_remembers_is_found() -> None:
    draw = np.random.default_rng(1)
    found = membership_attack(draw.exponential(0.1, 400), draw.exponential(1.0, 400))
    assert found.found and found.at_least > 0.4 and found.epsilon_at_least > 0.5
    assert found.at_least <= found.advantage


def test_the_bound_is_wrong_no_more_often_than_it_says() -> None:
    wrong = 0
    for seed in range(400):
        draw = np.random.default_rng(seed)
        wrong += membership_attack(draw.exponential(1.0, 200), draw.exponential(1.0, 200)).found
    assert wrong <= 400 * 0.05


def test_a_few_people_who_are_surely_members_are_seen_though_the_average_is_small() -> None:
    draw = np.random.default_rng(2)
    members = np.concatenate([draw.exponential(1.0, 950), np.full(50, 1e-9)])
    draw.shuffle(members)
    told = membership_attack(members, draw.exponential(1.0, 1000))
    assert told.advantage < 0.2 and told.sure_rate > 0.02


@pytest.mark.parametrize("members", [np.zeros(3), np.full(100, np.nan), np.zeros((50, 2))])
def test_what_cannot_be_judged_is_refused(members: np.ndarray) -> None:
    with pytest.raises(InvalidInput, match="membership test"):
        membership_attack(members, np.zeros(100))
