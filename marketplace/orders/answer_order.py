"""What a buyer does with an order: takes it back, or accepts or declines what the seller offered back."""

from marketplace.licences.find import is_party
from marketplace.offers.price_rules import PriceRules
from marketplace.orders.decide_order import approve
from marketplace.orders.find import lock_order, no_order
from marketplace.orders.model import Order
from marketplace.orders.steps import move_order
from marketplace.products.find import find_product
from sandbox.database import Database, Transaction
from sandbox.errors import Conflict
from sandbox.identity import Principal
from sandbox.policy import Gate, Resource, hidden_from_strangers


def withdraw_order(
    database: Database, *, gate: Gate, principal: Principal, order_id: int, reason: str = ""
) -> None:
    """Take an order back before it is decided. Raises `Forbidden`, `NotFound`, `Conflict`."""
    with database.transaction() as tx:
        order = own_order(tx, gate, principal, order_id)
        move_order(tx, order, "withdrawn", by=principal.id, detail={"reason": reason.strip()})


def decline_order(
    database: Database, *, gate: Gate, principal: Principal, order_id: int, reason: str = ""
) -> None:
    """Decline what was offered back; the order is over. Raises `Forbidden`, `NotFound`, `Conflict`."""
    with database.transaction() as tx:
        order = own_order(tx, gate, principal, order_id)
        move_order(tx, order, "declined", by=principal.id, detail={"reason": reason.strip()})


def accept_order(
    database: Database, *, gate: Gate, rules: PriceRules, principal: Principal, order_id: int
) -> int:
    """Accept what was offered back; gives the licence. Raises `Forbidden`, `NotFound`, `Conflict`."""
    with database.transaction() as tx:
        order = own_order(tx, gate, principal, order_id)
        if order.status != "offered":
            raise Conflict(
                f"The order is {order.status}: nothing was offered back.",
                code="wrong_status",
                remedy="Wait for the seller's decision.",
                zh="卖方没有提出新的条件。",
                remedy_zh="请等待卖方决定。",
            )
        product = find_product(tx, order.product)
        if product.status != "listed":
            raise Conflict(
                "The product is no longer on offer.",
                remedy="Withdraw the order.",
                zh="该产品已下架。",
                remedy_zh="请撤回订单。",
            )
        return approve(
            tx,
            gate=gate,
            order=order.as_offered,
            product=product,
            rules=rules,
            by=principal.id,
            reason="accepted",
        )


def own_order(tx: Transaction, gate: Gate, principal: Principal, order_id: int) -> Order:
    order = lock_order(tx, order_id)
    seen = is_party(principal, organisation=order.organisation, department=order.department)
    with hidden_from_strangers(no_order(order.id), seen=seen):
        gate.require(principal, "answer_order", Resource("Order", str(order.id), order.cedar))
    return order
