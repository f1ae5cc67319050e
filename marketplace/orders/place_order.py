"""Places an order: one order for one product. Rows of open data are approved at once, by rule."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import exists, func, insert, select

from marketplace.customers.find import find_company
from marketplace.licences.find import has_live
from marketplace.licences.issue_licence import midnight
from marketplace.offers.document import OfferDocument
from marketplace.offers.find import current_offer
from marketplace.offers.price import Price
from marketplace.offers.price_rules import PriceRules
from marketplace.orders.combination import check_combination
from marketplace.orders.decide_order import approve, check_days
from marketplace.orders.find import order_of
from marketplace.orders.steps import write_step
from marketplace.orders.tables import orders
from marketplace.orders.trial import lock_orders, without_second_trial
from marketplace.products.find import find_product
from marketplace.products.model import Product
from sandbox.city_time import city_date
from sandbox.database import Database, Transaction
from sandbox.errors import Conflict, InvalidInput
from sandbox.identity import Principal
from sandbox.policy import Gate, Resource

OPEN_GRADE = "1"
MOST_AHEAD = timedelta(days=366)


@dataclass(frozen=True)
class Placed:
    """What became of an order at once: its id and status, and the licence if there is one already."""

    order: int
    status: str
    licence: int | None


def place_order(
    database: Database, *, gate: Gate, rules: PriceRules, principal: Principal, **wish: Any
) -> Placed:
    """Order a product for the buyer's organisation: `enter_order` in a transaction of its own."""
    with database.transaction() as tx:
        return enter_order(tx, gate=gate, rules=rules, principal=principal, **wish)


def enter_order(
    tx: Transaction,
    *,
    gate: Gate,
    rules: PriceRules,
    principal: Principal,
    product_id: str,
    starts_on: date | None = None,
    ends_on: date | None = None,
    calls_per_month: int | None = None,
    calls_per_second: int | None = None,
    use: str | None = None,
    note: str = "",
    renews: int | None = None,
) -> Placed:
    """Order a product under the offer that counts for the buyer, by default for a year from today with all
    that the offer allows. `renews`: the order whose licence the new one renews.

    Raises `Forbidden`, `NotFound`, `InvalidInput`, `Conflict`.
    """
    product = find_product(tx, product_id)
    gate.require(principal, "order", Resource("Product", product.id, product.cedar))
    company = find_company(tx, principal.organisation)
    if company is not None:
        gate.require(principal, "trade", company.resource)
    now = tx.execute(select(func.now())).scalar_one()
    today = city_date(now)
    offer = current_offer(tx, product.id, organisation=principal.organisation, now=now)
    document = for_use(offer.document if offer else product.document, use, rules)
    document = without_second_trial(tx, document, product=product.id, organisation=principal.organisation)
    rules.check(document)  # the limits of today, not those of when it was published
    terms = document.terms
    first = max(starts_on, today) if starts_on and renews else starts_on or today
    last = ends_on or first + timedelta(days=min(364, terms.longest_days - 1))
    per_month = within(calls_per_month, terms.calls_per_month, "calls a month", clipped=bool(renews))
    per_second = within(calls_per_second, terms.calls_per_second, "calls a second", clipped=bool(renews))
    check_days(first, last, today)
    if not renews:
        check_ahead(first, today)
    check_length(first, last, terms.longest_days, renews=renews, rules=rules)
    check_only_one(
        tx, product=product.id, organisation=principal.organisation, first=first, last=last,
        grace_days=terms.grace_days, renews=renews,
    )  # fmt: skip
    check_combination(tx, gate=gate, rules=rules, product=product, organisation=principal.organisation)
    order = order_of(
        tx.execute(
            insert(orders)
            .values(
                product=product.id,
                department=product.department,
                organisation=principal.organisation,
                buyer=principal.id,
                starts_on=first,
                ends_on=last,
                calls_per_month=per_month,
                calls_per_second=per_second,
                note=note.strip()[:2000],
                status="placed",
                use=terms.use,
                offer_hash=document.digest,
                document=document.model_dump(mode="json"),
                renews=renews,
            )
            .returning(*orders.c)
        ).one()
    )
    write_step(
        tx,
        order.id,
        "placed",
        by=principal.id,
        detail={
            "product": product.id,
            "organisation": principal.organisation,
            "from": first.isoformat(),
            "until": last.isoformat(),
            "calls_per_month": per_month,
            "calls_per_second": per_second,
            "use": terms.use,
            "offer": document.digest,
            "renews": renews,
        },
    )
    if not needs_decision(product) and not rules.use(terms.use).free:
        licence = approve(
            tx,
            gate=gate,
            order=order,
            product=product,
            rules=rules,
            by="marketplace",
            reason="rows of open data",
        )
        return Placed(order.id, "approved", licence)
    return Placed(order.id, "placed", None)


def for_use(document: OfferDocument, use: str | None, rules: PriceRules) -> OfferDocument:
    """The offer for a buyer's use: pure. What is for the public's benefit is free, and a person decides
    whether it is. Raises `InvalidInput`."""
    if use is None or use == document.terms.use:
        return document
    if not rules.use(use).free:
        raise InvalidInput(
            f"The product is not offered for {use}.",
            code="other_use",
            remedy=f"It is offered for {document.terms.use}.",
            zh=f"该产品不用于“{rules.use(use).zh}”。",
            remedy_zh=f"其用途为“{rules.use(document.terms.use).zh}”。",
        )
    return OfferDocument(price=Price(free=True), terms=document.terms.model_copy(update={"use": use}))


def check_ahead(first: date, today: date) -> None:
    """Raises `InvalidInput` for a licence that begins so late that nobody knows its price and its data."""
    latest = today + MOST_AHEAD
    if first > latest:
        raise InvalidInput(
            f"A licence cannot be ordered for {first.isoformat()} yet.",
            code="begins_too_late",
            remedy=f"Begin it on {latest.isoformat()} or earlier.",
            zh=f"尚不能订购自 {first.isoformat()} 起的许可。",
            remedy_zh=f"请在 {latest.isoformat()} 或之前开始。",
        )


def check_length(
    first: date, last: date, longest_days: int, *, renews: int | None, rules: PriceRules
) -> None:
    """Raises `InvalidInput` for a time that is longer than the offer allows."""
    most = timedelta(days=longest_days) + (rules.renewal_overlap if renews else timedelta())
    if last - first >= most:
        end = (first + most - timedelta(days=1)).isoformat()
        raise InvalidInput(
            f"A licence of this offer lasts at most {longest_days} days.",
            code="licence_too_long",
            remedy=f"End it on {end} or earlier.",
            zh=f"此报价的许可最长 {longest_days} 天。",
            remedy_zh=f"请在 {end} 或之前结束。",
        )


def check_only_one(
    tx: Transaction,
    *,
    product: str,
    organisation: str,
    first: date,
    last: date,
    grace_days: int,
    renews: int | None = None,
) -> None:
    """Quota, free calls and cap are an organisation's for a product: it has one licence at a time, its days
    of grace among it, but for the overlap of a renewal.

    Raises `Conflict`.
    """
    lock_orders(tx, product=product, organisation=organisation)
    waiting = tx.execute(
        select(
            exists().where(
                orders.c.product == product,
                orders.c.organisation == organisation,
                orders.c.status.in_(("placed", "offered")),
                orders.c.starts_on <= last,
                orders.c.ends_on >= first,
            )
        )
    ).scalar()
    if waiting or has_live(
        tx,
        product=product,
        organisation=organisation,
        starts_at=midnight(first),
        ends_at=midnight(last + timedelta(days=1 + grace_days)),
        apart_from_order=renews,
    ):
        raise Conflict(
            "Your organisation has a licence or an order for this product in that time already.",
            code="already_licensed",
            remedy="Use or renew it, or order for the time after it and its days of grace.",
        )


def needs_decision(product: Product) -> bool:
    """Rows and files of data of grade 1 are for everybody; all else a person decides."""
    return not (product.way == "open_sale" and product.grade == OPEN_GRADE)


def within(asked: int | None, most: int, what: str, *, clipped: bool) -> int:
    """Raises `InvalidInput`, but for a renewal, which gets what the offer of now allows."""
    if asked is None or (clipped and asked > most):
        return most
    if not 1 <= asked <= most:
        raise InvalidInput(f"{asked} {what} cannot be ordered.", remedy=f"The product allows 1 to {most}.")
    return asked
