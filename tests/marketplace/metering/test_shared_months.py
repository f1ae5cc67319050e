"""What an organisation's licences for one product use in a month counts together, while it is used."""

import asyncio

import pytest
from sqlalchemy import text

from marketplace.delivery.answer_call import Delivery
from marketplace.delivery.call import Delivered, NotDelivered
from marketplace.metering.credit import LineName, credit_lines
from marketplace.metering.model import Reason
from marketplace.offers.price_rules import read_price_rules
from marketplace.orders.place_order import enter_order
from marketplace.products.model import Terms
from marketplace.settings import REPOSITORY
from selling import Market, Sold, run, send

RULES = read_price_rules(REPOSITORY / "policies")


def terms(**more: object) -> Terms:
    given = {"price_fen": 5, "free_calls": 4, "cap_fen": 50, "calls_per_month": 40, "purpose": "x"}
    return Terms.model_validate({**given, "calls_per_second": 1000, **more})


def renewed(market: Market, sold: Sold) -> Sold:
    """Another licence beside the first one, both live, as in the days of a renewal's overlap."""
    with market.database.transaction() as tx:
        order = tx.execute(text('SELECT "order" FROM market.licences WHERE id = :id'), {"id": sold.licence})
        placed = enter_order(
            tx, gate=market.gate, rules=RULES, principal=market.chen, product_id=sold.product,
            renews=order.scalar_one(),
        )  # fmt: skip
    assert placed.licence is not None
    return market.another_key(Sold(sold.product, placed.licence, "", 0))


def charged(outcome: Delivered | NotDelivered) -> object:
    return outcome.committed.charge.amount_fen if isinstance(outcome, Delivered) else outcome.error.code


async def in_turns(deliveries: list[Delivery], licences: list[Sold], calls: int) -> list[object]:
    """Calls one after another, by each process and each licence in turn."""
    outcomes = []
    for number in range(calls):
        delivery, sold = deliveries[number % len(deliveries)], licences[number // 2 % len(licences)]
        outcomes.append(charged(await send(delivery, sold.call())))
    return outcomes


def test_licences_that_are_live_together_share_quota_included_use_and_maximum(market: Market) -> None:
    first = market.sell(terms())
    second = renewed(market, first)

    async def main() -> list[object]:
        async with market.delivering() as one, market.delivering() as other:
            return await in_turns([one, other], [first, second], 44)

    # 4 included, 10 at 5 fen up to the maximum, the others at nothing, 40 in all
    assert run(main()) == [0] * 4 + [5] * 10 + [0] * 26 + ["USAGE_EXCEEDED"] * 4
    (_, calls, fen), (_, later, more) = market.totals(first), market.totals(second)
    assert (calls + later, fen + more) == (40, 50)
    assert min(calls, later) >= 18


def test_the_last_calls_of_a_shared_quota_are_exact_over_processes_at_once(market: Market) -> None:
    first = market.sell(terms(calls_per_month=25, cap_fen=None))
    second = renewed(market, first)

    async def main() -> list[object]:
        async with market.delivering() as one, market.delivering() as other:
            calls = [
                send(delivery, sold.call())
                for _ in range(10)
                for delivery in (one, other)
                for sold in (first, second)
            ]
            return [charged(outcome) for outcome in await asyncio.gather(*calls)]

    outcomes = run(main())
    assert outcomes.count("USAGE_EXCEEDED") == 15
    assert sorted(each for each in outcomes if isinstance(each, int)) == [0] * 4 + [5] * 21
    assert market.totals(first)[1] + market.totals(second)[1] == 25


def test_licences_that_are_live_together_share_their_pace(market: Market) -> None:
    """In s seconds the two together have at most 2 × (s + 1) answers; each by itself would have as many."""
    first = market.sell(terms(calls_per_second=2))
    second = renewed(market, first)

    async def main() -> list[object]:
        async with market.delivering() as one, market.delivering() as other:
            calls = [
                send((one, other)[number % 2], (first, second)[number // 2 % 2].call())
                for number in range(40)
            ]
            return [charged(outcome) for outcome in await asyncio.gather(*calls)]

    outcomes = run(main())
    span = market.execute(
        "SELECT extract(epoch FROM max(at) - min(at)) FROM market.usage_lines "
        "WHERE licence IN (:one, :other)",
        one=first.licence,
        other=second.licence,
    )[0][0]
    answered = len([each for each in outcomes if isinstance(each, int)])
    assert 1 <= answered <= 2 * (float(span) + 1)
    assert answered + outcomes.count("RATE_LIMITED") == 40


@pytest.mark.parametrize("credited", ["first", "second"])
def test_the_fee_stands_while_a_call_of_either_licence_stands(market: Market, credited: str) -> None:
    """The fee came due with the first licence's call. It goes with the last call of both."""
    first = market.sell(terms(monthly_fee_fen=700, cap_fen=None, free_calls=0))
    second = renewed(market, first)
    by_name = {"first": first, "second": second}

    async def main() -> dict[str, LineName]:
        async with market.delivering() as delivery:
            lines = {}
            for name, sold in by_name.items():
                outcome = await send(delivery, sold.call())
                assert isinstance(outcome, Delivered)
                lines[name] = LineName(sold.licence, outcome.committed.month, outcome.committed.usage)
            return lines

    lines = run(main())
    assert market.totals(first)[2] + market.totals(second)[2] == 710
    other = {"first": "second", "second": "first"}[credited]
    for name, left in ((credited, 705), (other, 0)):
        with market.database.transaction() as tx:
            assert credit_lines(tx, [lines[name]], reason=Reason.UNCONFIRMED) == 1
        assert market.totals(first)[2] + market.totals(second)[2] == left, name


def test_credits_of_two_siblings_and_calls_of_both_wait_for_each_other_without_end(market: Market) -> None:
    """Each locks several licences; all do it in one order."""
    first = market.sell(terms(calls_per_month=1000, cap_fen=None, free_calls=0))
    second = renewed(market, first)

    def credit(name: LineName) -> None:
        with market.database.transaction() as tx:
            credit_lines(tx, [name], reason=Reason.UNCONFIRMED)

    async def main() -> None:
        async with market.delivering() as one, market.delivering() as other:

            async def call_and_credit(delivery: Delivery, sold: Sold) -> None:
                outcome = await send(delivery, sold.call())
                assert isinstance(outcome, Delivered), outcome
                await asyncio.to_thread(
                    credit, LineName(sold.licence, outcome.committed.month, outcome.committed.usage)
                )

            await asyncio.gather(
                *(
                    call_and_credit(by, sold)
                    for _ in range(5)
                    for by in (one, other)
                    for sold in (first, second)
                )
            )

    run(main())
    assert market.totals(first)[1:] == market.totals(second)[1:] == (0, 0)
