"""Decides an order: an officer of the department approves, perhaps for less, refuses, or offers something
else back."""

import hashlib
from dataclasses import replace
from datetime import date, timedelta

from sqlalchemy import func, select

from marketplace.licences.find import has_live, is_party
from marketplace.licences.issue_licence import issue_licence, midnight
from marketplace.offers.document import LONGEST_DAYS, MOST_CALLS_A_MONTH, MOST_CALLS_A_SECOND, OfferDocument
from marketplace.offers.price_rules import PriceRules
from marketplace.orders.combination import check_combination
from marketplace.orders.contract import contract_text
from marketplace.orders.find import lock_order, no_order
from marketplace.orders.model import Order
from marketplace.orders.steps import move_order
from marketplace.orders.trial import lock_orders, without_second_trial
from marketplace.products.find import find_product
from marketplace.products.fitting_terms import check_terms_fit
from marketplace.products.model import Product
from marketplace.products.release import in_effect, releases_of
from sandbox.city_time import city_date
from sandbox.database import Database, Transaction
from sandbox.errors import Conflict, InvalidInput
from sandbox.identity import Principal
from sandbox.policy import Gate, Resource, hidden_from_strangers

LONGEST = timedelta(days=LONGEST_DAYS)


def approve_order(
    database: Database,
    *,
    gate: Gate,
    rules: PriceRules,
    principal: Principal,
    order_id: int,
    ends_on: date | None = None,
    calls_per_month: int | None = None,
    note: str = "",
) -> int:
    """Approve an order, perhaps for less than was asked; gives the licence.
    Raises `Forbidden`, `NotFound`, `Conflict`."""
    with database.transaction() as tx:
        order = lock_order(tx, order_id)
        require_decider(gate, principal, order)
        product = find_product(tx, order.product)
        if product.status != "listed":
            raise Conflict(
                "The product is no longer on offer.",
                remedy="Refuse the order.",
                zh="产品已下架。",
                remedy_zh="请拒绝此订单。",
            )
        if order.status == "offered":
            raise Conflict(
                "Something else was offered back: the buyer decides on it.",
                code="wrong_status",
                remedy="Wait for the buyer, or refuse the order.",
                zh="已向买方提出新的条件，由买方决定。",
                remedy_zh="请等待买方答复，或拒绝该订单。",
            )
        changed = replace(
            order,
            ends_on=ends_on or order.ends_on,
            # 0 is not "as ordered"
            calls_per_month=order.calls_per_month if calls_per_month is None else calls_per_month,
        )
        if (
            changed.ends_on > order.ends_on
            or not 1 <= changed.calls_per_month <= order.calls_per_month
            or changed.ends_on < order.starts_on
        ):
            raise InvalidInput(
                "An order can be approved for less than was asked, not for more.",
                remedy=f"At most {order.calls_per_month} calls a month, until {order.ends_on} at the latest.",
                zh="批准的数量和期限可以少于所订，不能多于所订。",
                remedy_zh=f"每月至多 {order.calls_per_month} 次调用，截止日期至迟为 {order.ends_on}。",
            )
        return approve(
            tx,
            gate=gate,
            order=changed,
            product=product,
            rules=rules,
            by=principal.id,
            reason=note.strip(),
        )


def refuse_order(database: Database, *, gate: Gate, principal: Principal, order_id: int, reason: str) -> None:
    """Refuse an order. Raises `Forbidden`, `NotFound`, `Conflict`, `InvalidInput` without a reason."""
    if not reason.strip():
        raise InvalidInput(
            "An order is not refused without a reason.",
            remedy="Say why; the buyer will read it.",
            zh="拒绝订单须写明理由。",
            remedy_zh="请写明理由，买方会看到。",
        )
    with database.transaction() as tx:
        order = lock_order(tx, order_id)
        require_decider(gate, principal, order)
        why = reason.strip()
        move_order(
            tx,
            order,
            "refused",
            by=principal.id,
            detail={"reason": why},
            decided_by=principal.id,
            decided_at=func.now(),
            reason=why,
        )


def offer_back(
    database: Database,
    *,
    gate: Gate,
    rules: PriceRules,
    principal: Principal,
    order_id: int,
    note: str,
    starts_on: date | None = None,
    ends_on: date | None = None,
    calls_per_month: int | None = None,
    calls_per_second: int | None = None,
    document: OfferDocument | None = None,
) -> None:
    """Offer something else back, also for more than was asked: the buyer accepts or declines it. What is left
    out stays as it was ordered. Raises `Forbidden`, `NotFound`, `Conflict`, `InvalidInput`."""
    if not note.strip():
        raise InvalidInput(
            "Nothing is offered back without a word.",
            remedy="Say what is other, and why.",
            zh="提出新的条件须附说明。",
            remedy_zh="请写明有何不同及原因。",
        )
    with database.transaction() as tx:
        order = lock_order(tx, order_id)
        require_decider(gate, principal, order, action="offer_back")
        now = tx.execute(select(func.now())).scalar_one()
        first, last = starts_on or order.starts_on, ends_on or order.ends_on
        check_days(first, last, city_date(now))
        given = document or order.offer_document or find_product(tx, order.product).document
        rules.check(given)
        check_terms_fit(find_product(tx, order.product), given)
        offered = {
            "starts_on": first.isoformat(),
            "ends_on": last.isoformat(),
            "calls_per_month": limit(calls_per_month, order.calls_per_month, MOST_CALLS_A_MONTH),
            "calls_per_second": limit(calls_per_second, order.calls_per_second, MOST_CALLS_A_SECOND),
            "document": given.model_dump(mode="json"),
            "note": note.strip(),
        }
        move_order(tx, order, "offered", by=principal.id, detail=offered, offered=offered)


def limit(given: int | None, ordered: int, most: int) -> int:
    """Raises `InvalidInput`."""
    if given is None:
        return ordered
    if not 1 <= given <= most:
        raise InvalidInput(
            f"{given} calls cannot be offered.",
            remedy=f"Offer 1 to {most}.",
            zh=f"不能提供 {given} 次。",
            remedy_zh=f"请填 1 至 {most}。",
        )
    return given


def check_days(first: date, last: date, today: date) -> None:
    """Raises `InvalidInput`."""
    if first < today:
        raise InvalidInput(
            "The licence would begin in the past.",
            remedy=f"Begin at {today.isoformat()} or later.",
            zh="许可的开始日期已过。",
            remedy_zh=f"请从 {today.isoformat()} 或之后开始。",
        )
    if not first <= last <= first + LONGEST:
        raise InvalidInput(
            "The licence would end before it begins, or last too long.",
            remedy=f"End it between its first day and {LONGEST.days} days later.",
            zh="许可的截止日期早于开始日期，或期限过长。",
            remedy_zh=f"截止日期应在开始日期之后，至多 {LONGEST.days} 天。",
        )


def require_decider(gate: Gate, principal: Principal, order: Order, *, action: str = "approve_order") -> None:
    seen = is_party(principal, organisation=order.organisation, department=order.department)
    with hidden_from_strangers(no_order(order.id), seen=seen):
        gate.require(principal, action, Resource("Order", str(order.id), order.cedar))


def approve(
    tx: Transaction, *, gate: Gate, order: Order, product: Product, rules: PriceRules, by: str, reason: str
) -> int:
    """Write the approval with its contract, and issue the licence. Whether it may be is decided by the
    caller; what the organisation holds, and the limits of prices, may have changed since it ordered.
    Raises `Forbidden`, `Conflict`, `InvalidInput`."""
    # in this order, as where an order is placed
    lock_orders(tx, product=product.id, organisation=order.organisation)
    check_combination(tx, gate=gate, rules=rules, product=product, organisation=order.organisation)
    document = without_second_trial(
        tx, order.offer_document or product.document, product=product.id, organisation=order.organisation
    )
    rules.check(document)
    if has_live(
        tx,
        product=product.id,
        organisation=order.organisation,
        starts_at=midnight(order.starts_on),
        ends_at=midnight(order.ends_on + timedelta(days=1 + document.terms.grace_days)),
        apart_from_order=order.renews,
    ):
        raise Conflict(
            "The organisation has a licence for this product in that time already.",
            code="already_licensed",
            remedy="Let the order begin after it.",
            zh="该单位在此期间已有此产品的许可。",
            remedy_zh="请将开始日期改到其之后。",
        )
    now = tx.execute(select(func.now())).scalar_one()
    text = contract_text(
        order=order,
        product=product,
        release=in_effect(releases_of(tx, product.id), now),
        document=document,
        rules=rules,
        approved_by=by,
        signed_on=city_date(now),
    )
    digest = hashlib.sha256(text.encode()).hexdigest()
    move_order(
        tx,
        order,
        "approved",
        by=by,
        detail={"reason": reason, "contract_sha256": digest, "offer": document.digest},
        decided_by=by,
        decided_at=func.now(),
        reason=reason,
        contract=text,
        contract_sha256=digest,
    )
    return issue_licence(
        tx,
        order=order.id,
        product=product,
        organisation=order.organisation,
        starts_on=order.starts_on,
        ends_on=order.ends_on,
        calls_per_month=order.calls_per_month,
        calls_per_second=order.calls_per_second,
        document=document,
        by=by,
    )
