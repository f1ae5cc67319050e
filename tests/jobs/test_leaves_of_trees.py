"""What a leaf of a computed tree predicts depends on its rounded count alone, not on how many are in it."""

import numpy as np
import pytest
from cihu.recipes.rules import Rules
from cihu.recipes.trees import _shares

RULES = Rules(
    minimum_count=10,
    rounding_base=5,
    zeros=False,
    degrees_of_freedom=10,
    dominance_units=2,
    dominance_percent=85,
    prior_percent=10,
    units_per_parameter=10,
)


@pytest.mark.parametrize("cases", [0, 1])
def test_a_leaf_in_which_all_are_alike_does_not_tell_how_many_they_are(cases: int) -> None:
    for rounded in (25, 135, 1000):
        counts = [many for many in range(20, 1100) if RULES.rounded(many) == rounded]
        assert len(counts) == 5
        shares = {tuple(_shares(np.full(many, float(cases)), RULES)) for many in counts}
        (share,) = shares
        assert share[1 - cases] == pytest.approx(10 / rounded, rel=1e-3)


def test_every_share_is_one_of_the_rounded_count() -> None:
    draw = np.random.default_rng(7)
    for many in range(20, 400, 7):
        rounded = RULES.rounded(many)
        share = _shares((draw.random(many) < draw.random()).astype(float), RULES)[1]
        steps = share * rounded
        assert abs(steps - round(steps)) < rounded * 6e-4 and 10 <= round(steps) <= rounded - 10
