"""Noise that is added to many cells in parts, side by side, is each cell's own and as large as
the price certifies."""

import pytest

from false_alarms import deviations, noise_bound, spread_bounds
from sandbox.privacy import PrivacyLoss
from sandbox.queries import bind, make_plan, parse, price_within
from sandbox.queries.plan.price import MeasurementPrice
from sandbox.queries.types.scope import Scope
from sandbox.releases.noise import CELLS_AT_ONCE, MOST, add_noise
from story import DATASET, VERSION

CELLS = 8 * CELLS_AT_ONCE + 1


@pytest.fixture
def share() -> MeasurementPrice:
    plan = make_plan(bind(parse("SELECT COUNT(*) FROM clinic.visits"), Scope(DATASET)), VERSION)
    return price_within(plan, PrivacyLoss(10**11)).shares[0]


def test_every_cell_of_many_gets_noise_of_its_own_around_its_number(share: MeasurementPrice) -> None:
    exact = [place * 10**9 for place in range(CELLS)]
    noisy = add_noise(share, exact)
    noise = [after - before for before, after in zip(exact, noisy, strict=True)]
    parts = [tuple(noise[start : start + CELLS_AT_ONCE]) for start in range(0, CELLS, CELLS_AT_ONCE)]
    assert len(set(parts)) == len(parts) == 9
    low, high = spread_bounds(CELLS, comparisons=3)
    spread = sum(step * step for step in noise) / (CELLS * share.scale**2)
    assert low**2 < spread < high**2
    # neighbours and the same places of neighbouring parts are not alike: the correlation of
    # 4000 independent pairs, whose sum has a slightly heavier tail than a normal
    for lag in (1, CELLS_AT_ONCE):
        alike = sum(a * b for a, b in zip(noise, noise[lag:], strict=False)) / (
            (CELLS - lag) * share.scale**2
        )
        assert abs(alike) < 1.1 * deviations(3) / (CELLS - lag) ** 0.5


def test_numbers_beyond_the_engines_integers_are_clamped_in_every_part(share: MeasurementPrice) -> None:
    noisy = add_noise(share, [-(2**70), 2**70] * CELLS_AT_ONCE)
    assert all(abs(abs(value) - MOST) < noise_bound(share.scale, comparisons=len(noisy)) for value in noisy)
