"""What an organisation used of a product in a month counts for its next licence, too."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import text

from marketplace.delivery.call import Delivered, NotDelivered
from marketplace.licences.end_licence import end_licence
from marketplace.metering.month_sums import month_sums
from marketplace.offers.document import LicenceTerms, OfferDocument
from marketplace.offers.price import Price, Trial, Unit, per_call
from marketplace.offers.price_rules import Limit, PriceRules, read_price_rules
from marketplace.offers.publish_offer import write_offer
from marketplace.orders.decide_order import approve_order
from marketplace.orders.place_order import enter_order, place_order
from marketplace.products.model import Terms
from marketplace.settings import REPOSITORY
from sandbox.city_time import city_date
from sandbox.errors import Conflict, InvalidInput
from sandbox.identity import load_principal
from selling import Market, Sold, run, send

RULES = read_price_rules(REPOSITORY / "policies")


def terms(**more: object) -> Terms:
    given = {"price_fen": 5, "free_calls": 2, "cap_fen": 15, "calls_per_month": 8, "purpose": "x"}
    return Terms.model_validate({**given, "calls_per_second": 1000, **more})


def end(market: Market, sold: Sold) -> None:
    end_licence(
        market.database, gate=market.gate, rules=RULES, principal=market.chen, licence_id=sold.licence,
        reason="to begin anew",
    )  # fmt: skip


def order_again(market: Market, sold: Sold, *, renews: bool = False) -> Sold:
    with market.database.transaction() as tx:
        order = tx.execute(text('SELECT "order" FROM market.licences WHERE id = :id'), {"id": sold.licence})
        placed = enter_order(
            tx, gate=market.gate, rules=RULES, principal=market.chen, product_id=sold.product,
            renews=order.scalar_one() if renews else None,
        )  # fmt: skip
    assert placed.licence is not None
    return market.another_key(Sold(sold.product, placed.licence, "", 0))


async def amounts(delivery: object, sold: Sold, calls: int) -> list[object]:
    """What each call was charged, or the code of its refusal."""
    outcomes = [await send(delivery, sold.call()) for _ in range(calls)]  # type: ignore[arg-type]
    return [
        each.committed.charge.amount_fen if isinstance(each, Delivered) else each.error.code
        for each in outcomes
        if isinstance(each, Delivered | NotDelivered)
    ]


@pytest.mark.parametrize("renews", [False, True], ids=["ended", "renewed"])
def test_another_licence_begins_no_quota_no_free_calls_and_no_maximum_anew(
    market: Market, renews: bool
) -> None:
    first = market.sell(terms())

    async def main() -> tuple[list[object], list[object], Sold]:
        async with market.delivering() as delivery, market.delivering() as other:
            before = await amounts(delivery, first, 3)
            if not renews:
                end(market, first)
            second = order_again(market, first, renews=renews)
            if renews:  # what is used after the second licence was issued counts, too
                before += await amounts(other, first, 1)
            after = await amounts(delivery, second, 1) + await amounts(other, second, 1)
            return before, after + await amounts(delivery, second, 4), second

    before, after, second = run(main())
    assert before == [0, 0, 5, 5][: len(before)]
    over = ["USAGE_EXCEEDED"] * (len(before) - 2)
    assert before + after == [0, 0, 5, 5, 5, 0, 0, 0, *over]
    calls = 8 - len(before)
    assert market.totals(first)[1:] == (len(before), sum(before))  # type: ignore[arg-type]
    assert market.totals(second)[1:] == (calls, 15 - sum(before))  # type: ignore[arg-type]
    month = market.execute(
        "SELECT month FROM market.months WHERE licence = :id AND calls > 0", id=second.licence
    )
    with market.database.transaction() as tx:
        sums = month_sums(tx, licence_id=second.licence, month=month[0].month)
    assert sums.charged_fen == sum(each.amount_fen for each in sums.of_reasons) == 15 - sum(before)  # type: ignore[arg-type]


def test_the_fee_of_a_month_is_due_once_however_many_licences_it_has(market: Market) -> None:
    first = market.sell(terms(monthly_fee_fen=700, cap_fen=None))

    async def main() -> Sold:
        async with market.delivering() as delivery:
            await amounts(delivery, first, 1)
            end(market, first)
            second = order_again(market, first)
            await amounts(delivery, second, 2)
            return second

    second = run(main())
    assert market.totals(first) == (2, 1, 700)
    assert market.totals(second) == (2, 2, 5)


def test_days_of_grace_cost_what_others_do_and_do_not_add_up(market: Market) -> None:
    sold = market.sell(terms(grace_days=30, free_calls=0, cap_fen=None))
    market.execute(
        "UPDATE market.licences SET starts_at = now() - interval '2 days', "
        "ends_at = now() - interval '1 minute' WHERE id = :id",
        id=sold.licence,
    )

    async def main() -> list[object]:
        async with market.delivering() as delivery:
            return await amounts(delivery, sold, 2)

    assert run(main()) == [5, 5]
    with pytest.raises(Conflict) as refused:
        place_order(
            market.database, gate=market.gate, rules=RULES, principal=market.chen, product_id=sold.product
        )
    assert refused.value.code == "already_licensed"


def wait_for_approval(market: Market, sold: Sold, *, starts_on: date, days: int) -> int:
    """An order that a person is to decide, with what the market offers."""
    with market.database.transaction() as tx:
        return enter_order(
            tx, gate=market.gate, rules=RULES, principal=market.chen, product_id=sold.product,
            starts_on=starts_on, ends_on=starts_on + timedelta(days=days - 1),
        ).order  # fmt: skip


def approve(market: Market, order: int, rules: PriceRules = RULES) -> int:
    with market.database.transaction() as tx:
        officer = load_principal(tx, "he")
    return approve_order(market.database, gate=market.gate, rules=rules, principal=officer, order_id=order)


@pytest.fixture
def decided(market: Market) -> Sold:
    """A query, whose orders a person decides, with a month of trial; nobody has a licence of it."""
    sold = market.sell(terms(), query=True)
    market.execute("DELETE FROM market.months WHERE licence = :id", id=sold.licence)
    market.execute("DELETE FROM market.entitlements WHERE licence = :id", id=sold.licence)
    market.execute("DELETE FROM market.keys WHERE licence = :id", id=sold.licence)
    market.execute("DELETE FROM market.licences WHERE id = :id", id=sold.licence)
    document = OfferDocument(
        price=Price(usage=per_call(500), trial=Trial(days=30)), terms=LicenceTerms(purpose="x")
    )
    with market.database.transaction() as tx:
        now = tx.execute(text("SELECT now()")).scalar_one()
        write_offer(tx, rules=RULES, product_id=sold.product, document=document, starts_at=now, by="zhou")
    return sold


def test_of_several_orders_that_wait_one_has_the_trial(market: Market, decided: Sold) -> None:
    today = city_date(market.execute("SELECT now()")[0][0])
    orders = [
        wait_for_approval(market, decided, starts_on=today + timedelta(days=30 * n), days=30)
        for n in range(3)
    ]
    issued = [approve(market, order) for order in orders]
    trials = market.execute(
        "SELECT id FROM market.licences WHERE product = :id AND document #>> '{price,trial,days}' = '30'",
        id=decided.product,
    )
    assert [each.id for each in trials] == issued[:1]
    with pytest.raises(InvalidInput) as late:
        wait_for_approval(market, decided, starts_on=today + timedelta(days=367), days=30)
    assert late.value.code == "begins_too_late" and late.value.remedy_zh


def test_the_limits_of_the_day_count_when_an_order_is_placed_and_when_it_is_approved(
    market: Market, decided: Sold
) -> None:
    today = city_date(market.execute("SELECT now()")[0][0])
    lowered = replace(RULES, limits={**RULES.limits, Unit.CALL: Limit(499, 1)})
    order = wait_for_approval(market, decided, starts_on=today, days=30)
    with pytest.raises(InvalidInput) as above:
        approve(market, order, lowered)
    assert above.value.code == "price_above_limit"
    with pytest.raises(InvalidInput) as above:
        place_order(
            market.database, gate=market.gate, rules=lowered, principal=market.chen,
            product_id=decided.product, starts_on=today + timedelta(days=60),
        )  # fmt: skip
    assert above.value.code == "price_above_limit"
    assert approve(market, order)
