"""What a call costs: pure, and never above the cap."""

from hypothesis import given
from hypothesis import strategies as st

from marketplace.metering.charge import charge
from marketplace.metering.model import Charge, Reason, SoFar
from marketplace.products.model import Terms


def terms(**changes: object) -> Terms:
    return Terms(**{"price_fen": 10, "purpose": "x", **changes})  # type: ignore[arg-type]


def test_each_reason_in_its_case() -> None:
    assert charge(terms(), SoFar()) == (Charge(Reason.VARIABLE, 10),)
    assert charge(terms(), SoFar(), sample=True) == (Charge(Reason.SAMPLE, 0),)
    assert charge(terms(), SoFar(), in_grace=True) == (Charge(Reason.GRACE, 0),)
    assert charge(terms(free_calls=2), SoFar(calls=1, free_calls=1)) == (Charge(Reason.FREE_QUOTA, 0),)
    assert charge(terms(free_calls=2), SoFar(calls=2, free_calls=2)) == (Charge(Reason.VARIABLE, 10),)
    assert charge(terms(cap_fen=15), SoFar(calls=1, charged_fen=10)) == (Charge(Reason.VARIABLE, 5),)
    assert charge(terms(cap_fen=15), SoFar(calls=2, charged_fen=15)) == (Charge(Reason.MAX_REACHED, 0),)
    assert charge(terms(monthly_fee_fen=7), SoFar()) == (Charge(Reason.FIXED, 7), Charge(Reason.VARIABLE, 10))
    assert charge(terms(monthly_fee_fen=7), SoFar(calls=1, charged_fen=17, fee_charged=True)) == (
        Charge(Reason.VARIABLE, 10),
    )


@given(
    st.integers(0, 100),
    st.integers(0, 50),
    st.integers(0, 5),
    st.none() | st.integers(50, 400),
    st.integers(0, 60),
)
def test_a_month_costs_no_more_than_its_cap_and_no_less_than_the_price(
    price: int, fee: int, free: int, cap: int | None, calls: int
) -> None:
    agreed = terms(price_fen=price, monthly_fee_fen=fee, free_calls=free, cap_fen=cap)
    so_far = SoFar()
    for _ in range(calls):
        charges = charge(agreed, so_far)
        so_far = SoFar(
            so_far.calls + 1,
            so_far.free_calls + (charges[-1].reason is Reason.FREE_QUOTA),
            so_far.charged_fen + sum(each.amount_fen for each in charges),
            bool(fee),
        )
    without_cap = (fee if calls else 0) + price * max(0, calls - free)
    assert so_far.charged_fen == (without_cap if cap is None else min(cap, without_cap))
