"""Keys whose values no policy lists: who may be told, from how many units on,
and that nobody is told alone."""

import math
from dataclasses import replace

import numpy as np
import pytest

from sandbox.errors import QueryRefused
from sandbox.queries import bind, make_plan, parse, price_within
from sandbox.queries.plan.partition_selection import MOST_VALUES, threshold_for, told_alone, weight_of_each
from sandbox.queries.plan.plan import Plan
from sandbox.queries.plan.price import PartitionPrice, gaussian_scale
from sandbox.queries.types.scope import Scope
from sandbox.queries.types.value_ranges import MOST_KEY_VALUES
from sandbox.queries.weights import WEIGHT
from sandbox.releases.noise import values_told
from story import DATASET, VERSION


def plan_of(sql: str) -> Plan:
    return make_plan(bind(parse(sql), Scope(DATASET)), VERSION)


def share_of(sql: str, epsilon: int = 1) -> PartitionPrice:
    assert DATASET.budget is not None
    plan = plan_of(sql)
    return price_within(plan, DATASET.budget.loss(epsilon)).keys[0]  # type: ignore[arg-type]


BY_NOTE = "SELECT note, COUNT(*) FROM clinic.visits GROUP BY note"


@pytest.mark.parametrize(
    "key",
    [
        "note",
        "day",
        "UPPER(note)",
        "SUBSTRING(note, 1, 2)",
        "DATE_TRUNC('month', day)",
        "visits",
        "COALESCE(note, 'none')",
    ],
)
def test_a_text_a_date_and_a_whole_number_can_be_found(key: str) -> None:
    plan = plan_of(f"SELECT {key} AS k, COUNT(*) FROM clinic.visits GROUP BY 1")
    assert len(plan.unknown) == 1 and plan.unknown == plan.discoveries


@pytest.mark.parametrize("key", ["cost", "cost * 2", "secret", "person", "SUBSTRING(person, 1, 1)"])
def test_a_number_a_hidden_column_and_the_unit_cannot(key: str) -> None:
    with pytest.raises(QueryRefused):
        plan_of(f"SELECT {key} AS k, COUNT(*) FROM clinic.visits GROUP BY 1")


@pytest.mark.parametrize("delta", [1e-6, 1e-10, 1e-13])
@pytest.mark.parametrize("scale", [0.7, 50.0, 700.0, 9000.0])
def test_the_chance_that_one_unit_alone_is_told_is_below_delta_however_many_values_it_has(
    scale: float, delta: float
) -> None:
    """Exactly: the integer tail of the discrete Gaussian is added up,
    for every number of values that a unit may have."""
    threshold = threshold_for(scale, delta)
    reach = np.arange(int(40 * scale) + 40)
    # beyond it there is nothing that a float can tell from zero
    density = np.exp(-np.square(reach / scale) / 2)
    tails = np.cumsum(density[::-1])[::-1] / (2 * density.sum() - 1)

    def alone(threshold: int) -> float:
        """The chance that any of T values is told, for the worst T there is."""
        tail = [
            tails[min(threshold - math.isqrt(WEIGHT**2 // values), len(tails) - 1)]
            for values in range(1, MOST_VALUES + 1)
        ]
        return max(-math.expm1(values * math.log1p(-chance)) for values, chance in enumerate(tail, 1))

    assert alone(threshold) <= delta
    assert told_alone(threshold, scale) <= delta < told_alone(threshold - 1, scale), "the least threshold"
    assert alone(threshold - 2 - int(scale / 50)) > 0.9 * delta, (
        "and hardly more than the exact tail asks for"
    )


def test_the_weights_of_a_units_values_never_have_a_larger_norm_than_one_value() -> None:
    for values in range(1, MOST_VALUES + 1):
        weight = weight_of_each(values)
        assert values * weight**2 <= WEIGHT**2 < values * (weight + 1) ** 2


def test_values_that_units_share_are_told_from_a_third_of_the_units_that_nine_counted_alike_would_need() -> (
    None
):
    """What weights are for: rho 0.005 and delta 1e-7, as measured with continuous tails."""
    scale = gaussian_scale(WEIGHT, 5 * 10**9)
    needed = threshold_for(scale, 1e-7) / WEIGHT
    assert 55 < needed < 70
    assert 3 * needed < 220 and threshold_for(scale, 1e-7) / weight_of_each(9) < 220


def test_values_of_few_units_are_withheld_and_those_of_many_are_told_in_order() -> None:
    share = share_of(BY_NOTE)
    many = 3 * share.threshold  # thirty scales above: a false alarm in 1e-100
    weights = {f"alone {place}": WEIGHT for place in range(2000)} | {"b": many, "a": many}
    assert values_told(share, weights) == ["a", "b"]


def test_of_too_many_values_those_that_most_have_are_told() -> None:
    share = share_of(BY_NOTE)
    weights = {f"{place:05}": 3 * share.threshold for place in range(2 * MOST_KEY_VALUES)} | {
        f"most {place}": 30 * share.threshold for place in range(MOST_KEY_VALUES)
    }
    assert values_told(share, weights) == sorted(name for name in weights if name.startswith("most"))


def test_a_share_that_does_not_certify_its_price_is_refused() -> None:
    share = share_of(BY_NOTE)
    with pytest.raises(ValueError, match="certify"):
        values_told(replace(share, threshold=share.threshold - 1), {"a": 1000})
    with pytest.raises(ValueError, match="certify"):
        values_told(replace(share, scale=gaussian_scale(WEIGHT, share.loss.picorho * 100)), {"a": 1000})


def test_keys_have_their_share_of_the_offer_whether_found_or_not() -> None:
    """So the same offer buys the same totals before and after, and the repeated question is free."""
    assert DATASET.budget is not None
    unknown = plan_of(BY_NOTE)
    bound = bind(parse(BY_NOTE), Scope(DATASET))
    known = make_plan(bound, VERSION, Scope(DATASET, found={unknown.unknown[0].of: ("n1", "n2")}))
    offered = DATASET.budget.loss(DATASET.budget.question_epsilon)
    assert known.unknown == () and known.cells == 2
    before, after = price_within(unknown, offered), price_within(known, offered)
    assert [share.loss for share in before.shares] == [share.loss for share in after.shares]
    assert before.loss.picorho <= offered.picorho and before.loss.delta > 0
