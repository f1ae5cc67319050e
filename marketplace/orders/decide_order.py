"""Decides an order: an officer of the department approves, perhaps with changes, or refuses."""

from dataclasses import replace
from datetime import date

from sqlalchemy import func, update

from marketplace.licences.find import is_party
from marketplace.licences.issue_licence import issue_licence
from marketplace.lifecycle import check_step
from marketplace.orders.find import lock_order, no_order
from marketplace.orders.model import ORDER_STATUSES, Order
from marketplace.orders.tables import orders
from marketplace.products.find import find_product
from marketplace.products.model import Product
from sandbox.audit import Event, append
from sandbox.database import Database, Transaction
from sandbox.errors import Conflict, InvalidInput
from sandbox.identity import Principal
from sandbox.policy import Gate, Resource, hidden_from_strangers


def approve_order(
    database: Database,
    *,
    gate: Gate,
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
            raise Conflict("The product is no longer on offer.", remedy="Refuse the order.")
        changed = replace(
            order, ends_on=ends_on or order.ends_on, calls_per_month=calls_per_month or order.calls_per_month
        )
        if (
            changed.ends_on > order.ends_on
            or not 1 <= changed.calls_per_month <= order.calls_per_month
            or changed.ends_on < order.starts_on
        ):
            raise InvalidInput(
                "An order can be approved for less than was asked, not for more.",
                remedy=f"At most {order.calls_per_month} calls a month, until {order.ends_on} at the latest.",
            )
        return approve(tx, order=changed, product=product, by=principal.id, reason=note.strip())


def refuse_order(database: Database, *, gate: Gate, principal: Principal, order_id: int, reason: str) -> None:
    """Refuse an order. Raises `Forbidden`, `NotFound`, `Conflict`, `InvalidInput` without a reason."""
    if not reason.strip():
        raise InvalidInput(
            "An order is not refused without a reason.", remedy="Say why; the buyer will read it."
        )
    with database.transaction() as tx:
        order = lock_order(tx, order_id)
        require_decider(gate, principal, order)
        decide(tx, order, "refused", by=principal.id, reason=reason.strip())


def require_decider(gate: Gate, principal: Principal, order: Order) -> None:
    seen = is_party(principal, organisation=order.organisation, department=order.department)
    with hidden_from_strangers(no_order(order.id), seen=seen):
        gate.require(
            principal,
            "approve_order",
            Resource(
                "Order", str(order.id), {"department": order.department, "organisation": order.organisation}
            ),
        )


def approve(tx: Transaction, *, order: Order, product: Product, by: str, reason: str) -> int:
    """Write the approval and issue the licence. Whether it may be is decided by the caller."""
    decide(tx, order, "approved", by=by, reason=reason)
    return issue_licence(
        tx,
        order=order.id,
        product=product,
        organisation=order.organisation,
        starts_on=order.starts_on,
        ends_on=order.ends_on,
        calls_per_month=order.calls_per_month,
        calls_per_second=order.calls_per_second,
        by=by,
    )


def decide(tx: Transaction, order: Order, status: str, *, by: str, reason: str) -> None:
    step = check_step(ORDER_STATUSES, thing="order", now=order.status, then=status)
    tx.execute(
        update(orders)
        .where(orders.c.id == order.id)
        .values(status=status, decided_by=by, decided_at=func.now(), reason=reason)
    )
    append(tx, Event(kind=step.event, actor=by, subject=f"order:{order.id}", payload={"reason": reason}))
