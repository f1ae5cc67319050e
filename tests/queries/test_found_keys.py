"""Keys whose values no policy lists: who may be told, from how many units on, and that nobody is told alone."""

import math
from dataclasses import replace

import pytest

from sandbox.errors import QueryRefused
from sandbox.queries import bind, make_plan, parse, price_within
from sandbox.queries.discovery import threshold_for
from sandbox.queries.plan import Plan
from sandbox.queries.price import KeyShare, gaussian_scale
from sandbox.queries.scope import Scope
from sandbox.releases.noise import values_told
from story import DATASET, VERSION


def plan_of(sql: str) -> Plan:
    return make_plan(bind(parse(sql), Scope(DATASET)), VERSION)


def share_of(sql: str, epsilon: int = 1) -> KeyShare:
    assert DATASET.budget is not None
    plan = plan_of(sql)
    return price_within(plan, DATASET.budget.loss(epsilon)).keys[0]  # type: ignore[arg-type]


BY_NOTE = "SELECT note, COUNT(*) FROM clinic.visits GROUP BY note"


@pytest.mark.parametrize("key", ["note", "day", "UPPER(note)", "SUBSTRING(note, 1, 2)", "DATE_TRUNC('month', day)",
                                 "visits", "COALESCE(note, 'none')"])
def test_a_text_a_date_and_a_whole_number_can_be_found(key: str) -> None:
    plan = plan_of(f"SELECT {key} AS k, COUNT(*) FROM clinic.visits GROUP BY 1")
    assert len(plan.unknown) == 1 and plan.unknown == plan.discoveries


@pytest.mark.parametrize("key", ["cost", "cost * 2", "secret", "person", "SUBSTRING(person, 1, 1)"])
def test_a_number_a_hidden_column_and_the_unit_cannot(key: str) -> None:
    with pytest.raises(QueryRefused):
        plan_of(f"SELECT {key} AS k, COUNT(*) FROM clinic.visits GROUP BY 1")


@pytest.mark.parametrize("most", [1, 4, 9])
@pytest.mark.parametrize("scale", [0.7, 5.0, 40.0])
def test_the_chance_that_one_unit_alone_is_told_is_below_delta(most: int, scale: float) -> None:
    """Exactly: the tail of the discrete Gaussian is added up, for each of the values that a unit may have alone."""
    delta = 1e-9
    share = share_of(BY_NOTE)
    threshold = threshold_for(replace(share.discovery, most=most), scale, delta)
    reach = range(-int(20 * scale) - 20, int(20 * scale) + 20)
    mass = math.fsum(math.exp(-k * k / (2 * scale * scale)) for k in reach)

    def tail(least: float) -> float:
        return most * math.fsum(math.exp(-k * k / (2 * scale * scale)) for k in reach if k >= least) / mass

    assert tail(threshold - 1) <= delta < 100 * tail(threshold - 3 - scale)


def test_values_of_few_units_are_withheld_and_those_of_many_are_told_in_order() -> None:
    share = share_of(BY_NOTE)
    many = 3 * share.threshold  # thirty scales above: a false alarm in 1e-100
    units = {f"alone {place}": 1 for place in range(2000)} | {"b": many, "a": many}
    assert values_told(share, units) == ["a", "b"]


def test_a_share_that_does_not_certify_its_price_is_refused() -> None:
    share = share_of(BY_NOTE)
    with pytest.raises(ValueError, match="certify"):
        values_told(replace(share, threshold=share.threshold // 2), {"a": 1000})
    with pytest.raises(ValueError, match="certify"):
        values_told(replace(share, scale=gaussian_scale(1, share.loss.picorho * 100)), {"a": 1000})


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
