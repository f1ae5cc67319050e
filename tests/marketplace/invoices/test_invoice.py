"""A bill is the sum of its lines, and is not shown if that differs from the running sum."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.invoices.preview import preview
from marketplace.invoices.preview_invoice import preview_invoice
from marketplace.metering.model import Reason
from marketplace.metering.month_sums import SumOfReason
from marketplace.metering.months import month_of
from marketplace.products.model import Terms
from sandbox.errors import Conflict
from selling import Market, run, send

MONTH = month_of(datetime.now(UTC), "Asia/Shanghai")


@given(
    st.dictionaries(
        st.tuples(st.sampled_from(Reason), st.booleans()),
        st.tuples(st.integers(1, 10**6), st.integers(-(10**9), 10**9)),
    )
)
def test_a_preview_is_the_sum_of_its_lines(drawn: dict[tuple[Reason, bool], tuple[int, int]]) -> None:
    sums = [
        SumOfReason(reason, credit, lines, -lines if credit else lines, fen)
        for (reason, credit), (lines, fen) in drawn.items()
    ]
    shown = preview(
        licence=1, organisation="o", product="p", month=MONTH, time_zone="Asia/Shanghai", sums=sums
    )
    assert shown.total_fen == sum(fen for _, fen in drawn.values()) == sum(i.amount_fen for i in shown.items)
    assert sum(item.lines for item in shown.items) == shown.lines
    assert [item.reason for item in shown.items] == sorted(
        (item.reason for item in shown.items), key=list(Reason).index
    )


def test_a_bill_is_what_was_metered_and_is_not_shown_when_tampered_with(market: Market) -> None:
    sold = market.sell(Terms(price_fen=5, monthly_fee_fen=3, purpose="x"))

    async def main() -> None:
        async with market.delivering() as delivery:
            for _ in range(3):
                await send(delivery, sold.call())

    run(main())
    asked = {"gate": market.gate, "principal": market.chen, "licence_id": sold.licence, "month": MONTH}
    bill = preview_invoice(market.database, **asked)  # type: ignore[arg-type]
    assert (bill.total_fen, bill.calls, bill.lines) == (18, 3, 4)
    market.execute("UPDATE market.usage_lines SET amount_fen = 4 WHERE reason = 'VARIABLE'")
    with pytest.raises(Conflict):
        preview_invoice(market.database, **asked)  # type: ignore[arg-type]
