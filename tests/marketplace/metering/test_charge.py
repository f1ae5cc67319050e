"""What a call costs: pure; a month's lines add up to the price of the month, and never beyond its maximum."""

from dataclasses import replace
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from marketplace.metering.charge import MonthSoFar, charge, monthly_fee, one_off_fee, without_charge
from marketplace.metering.model import Charge, Reason
from marketplace.offers.price import Price, Quantity, Tier, Unit, Usage, per_call
from marketplace.products.model import Terms
from whole_months import month_cost

ONE = Quantity(calls=1, successful=1)


def price(**changes: object) -> Price:
    return Price(**{"usage": per_call(10), **changes})  # type: ignore[arg-type]


def after(price: Price, month: MonthSoFar, quantity: Quantity) -> MonthSoFar:
    """The month with one more call and its lines, as metering keeps it."""
    if fee := monthly_fee(price, month):
        month = replace(month, charged_fen=month.charged_fen + fee.amount_fen, fixed_fen=fee.amount_fen)
    own = charge(price, month, quantity)
    assert own.amount_fen >= 0
    return replace(month, used=month.used + quantity, charged_fen=month.charged_fen + own.amount_fen)


def test_each_reason_in_its_case() -> None:
    so_far = MonthSoFar(Quantity(calls=2), charged_fen=15)
    assert charge(price(), MonthSoFar(), ONE) == Charge(Reason.VARIABLE, 10)
    assert charge(price(free=True, usage=()), MonthSoFar(), ONE) == Charge(Reason.FREE, 0)
    allowing = price(usage=per_call(10, free_calls=2))
    assert charge(allowing, MonthSoFar(Quantity(calls=1)), ONE) == Charge(Reason.FREE_QUOTA, 0)
    assert charge(allowing, MonthSoFar(Quantity(calls=2)), ONE) == Charge(Reason.VARIABLE, 10)
    capped = price(month_maximum_fen=15)
    assert charge(capped, MonthSoFar(Quantity(calls=1), 10), ONE) == Charge(Reason.VARIABLE, 5)
    assert charge(capped, so_far, ONE) == Charge(Reason.MAX_REACHED, 0)
    subscription = price(usage=(), monthly_fee_fen=700)
    assert monthly_fee(subscription, MonthSoFar()) == Charge(Reason.FIXED, 700)
    paid = MonthSoFar(ONE, charged_fen=700, fixed_fen=700)
    assert monthly_fee(subscription, paid) is None
    assert charge(subscription, paid, ONE) == Charge(Reason.FREE_QUOTA, 0)
    assert one_off_fee(price(one_off_fen=900), charged_before=False) == Charge(Reason.FIXED, 900)
    assert one_off_fee(price(one_off_fen=900), charged_before=True) is None
    assert one_off_fee(price(), charged_before=False) is None
    assert without_charge() is None
    for kind in ("sample", "test", "trial"):
        assert without_charge(**{kind: True}) == Charge(Reason[kind.upper()], 0)
    assert without_charge(test=True, trial=True) == Charge(Reason.TEST, 0)


def test_three_fen_a_thousand_rows_are_exact_over_a_month_of_single_rows() -> None:
    rows = price(usage=(Usage(unit=Unit.ROW, tiers=(Tier(fen=3, per=1000),)),))
    month, amounts = MonthSoFar(), []
    for _ in range(1000):
        amounts.append(charge(rows, month, Quantity(rows=1)).amount_fen)
        month = after(rows, month, Quantity(rows=1))
    assert month.charged_fen == 3 and set(amounts) == {0, 1}
    assert [number for number, amount in enumerate(amounts, 1) if amount] == [334, 667, 1000]


def test_a_higher_tier_changes_nothing_for_the_units_below_it() -> None:
    tiers = (Tier(up_to=10, fen=5), Tier(up_to=20, fen=3), Tier(fen=1))
    calls = price(usage=(Usage(unit=Unit.CALL, included=5, tiers=tiers),))
    costs = [month_cost(calls, Quantity(calls=number)) for number in (5, 6, 15, 16, 25, 35)]
    assert costs == [0, 5, 50, 53, 80, 90]


def test_a_tenth_of_an_epsilon_costs_a_tenth() -> None:
    loss = price(usage=(Usage(unit=Unit.EPSILON, tiers=(Tier(fen=5000),)),))
    assert charge(loss, MonthSoFar(), Quantity(epsilon_millionths=100_000)).amount_fen == 500


def test_each_rounding_is_of_the_months_sum() -> None:
    for rounding, expected in (("down", 1), ("half_up", 2), ("up", 2)):
        rows = price(usage=(Usage(unit=Unit.ROW, tiers=(Tier(fen=1, per=2),), rounding=rounding),))
        assert month_cost(rows, Quantity(rows=3)) == expected


def test_a_credit_leaves_the_month_at_the_price_of_what_was_delivered() -> None:
    """A credit takes back a line; the next call pays what the month is then short of."""
    tiers = price(usage=(Usage(unit=Unit.CALL, tiers=(Tier(up_to=2, fen=5), Tier(fen=3))),))
    month = MonthSoFar()
    for _ in range(3):
        month = after(tiers, month, ONE)
    credited = replace(month, used=Quantity(calls=2, successful=2), charged_fen=month.charged_fen - 5)
    assert after(tiers, credited, ONE).charged_fen == month_cost(tiers, Quantity(calls=3)) == 13


FEN = st.integers(0, 400)
QUANTITIES = st.builds(
    Quantity,
    calls=st.just(1),
    successful=st.integers(0, 1),
    rows=st.integers(0, 500),
    bytes=st.integers(0, 10**6),
    epsilon_millionths=st.integers(0, 10**6),
)


@st.composite
def usages(draw: st.DrawFn, unit: Unit) -> Usage:
    ends = sorted(draw(st.sets(st.integers(1, 1000), max_size=3)))
    tiers = [Tier(up_to=end, fen=draw(FEN), per=draw(st.integers(1, 1000))) for end in (*ends, None)]
    return Usage(
        unit=unit,
        included=draw(st.integers(0, 300)),
        tiers=tuple(tiers),
        rounding=draw(st.sampled_from(["down", "half_up", "up"])),
    )


@st.composite
def prices(draw: st.DrawFn) -> Price:
    units = draw(st.lists(st.sampled_from(Unit), min_size=1, max_size=3, unique=True))
    fee = draw(FEN)
    maximum = draw(st.none() | st.integers(fee, 5000))
    return Price(
        usage=tuple(draw(usages(unit)) for unit in units), monthly_fee_fen=fee, month_maximum_fen=maximum
    )


@given(prices(), st.lists(QUANTITIES, max_size=12))
def test_a_month_costs_the_price_of_its_whole_however_it_was_split(
    price: Price, quantities: list[Quantity]
) -> None:
    month = MonthSoFar()
    for quantity in quantities:
        before = month.charged_fen
        month = after(price, month, quantity)
        assert before <= month.charged_fen <= price.most_a_month
    whole = sum(quantities, Quantity())
    assert month.charged_fen == (month_cost(price, whole) if quantities else 0)


@given(prices(), QUANTITIES, QUANTITIES)
def test_more_use_never_costs_less(price: Price, some: Quantity, more: Quantity) -> None:
    assert month_cost(price, some) <= month_cost(price, some + more)


@given(st.integers(0, 9), st.integers(1, 10**4), st.integers(0, 10**6))
def test_rounding_is_never_off_by_a_fen(fen: int, per: int, rows: int) -> None:
    usage = Usage(unit=Unit.ROW, tiers=(Tier(fen=fen, per=per),))
    assert 0 <= Fraction(fen * rows, per) - usage.cost(Fraction(rows)) < 1


@given(st.integers(0, 100), st.integers(0, 50), st.integers(0, 5), st.none() | st.integers(50, 400))
def test_the_terms_of_before_cost_what_they_did(price_fen: int, fee: int, free: int, cap: int | None) -> None:
    terms = Terms(price_fen=price_fen, monthly_fee_fen=fee, free_calls=free, cap_fen=cap, purpose="x")
    month = MonthSoFar()
    for calls in range(1, 12):
        month = after(terms.as_price, month, ONE)
        without_cap = fee + price_fen * max(0, calls - free)
        assert month.charged_fen == (without_cap if cap is None else min(cap, without_cap))
