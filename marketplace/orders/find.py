"""Finds orders: rows of the table as values."""

from typing import Any

from sqlalchemy import Row, select

from marketplace.orders.model import Order
from marketplace.orders.tables import orders
from sandbox.database import Transaction
from sandbox.errors import NotFound
from sandbox.identity import Principal


def lock_order(tx: Transaction, order_id: int) -> Order:
    """The order, held until the transaction ends. Raises `NotFound`."""
    row = (
        tx.execute(
            select(orders).where(orders.c.id == order_id).with_for_update(key_share=True)
        ).one_or_none()
        if 0 < order_id < 2**31
        else None
    )
    if row is None:
        raise no_order(order_id)
    return order_of(row)


def no_order(order_id: int) -> NotFound:
    """Also for whoever may not know of it."""
    return NotFound(f"There is no order {order_id}.", zh=f"没有订单 {order_id}。")


def see_order(tx: Transaction, principal: Principal, order_id: int) -> Order:
    """For the buyer's organisation, the seller, operators and auditors.
    Raises `NotFound` also for whoever is none of them."""
    order = lock_order(tx, order_id)
    if not may_see(principal, organisation=order.organisation, department=order.department):
        raise no_order(order_id)
    return order


def may_see(principal: Principal, *, organisation: str, department: str) -> bool:
    """Whether somebody may know of an order of this organisation at this department."""
    sells = "officer" in principal.roles and principal.organisation == department
    return principal.organisation == organisation or sells or bool(principal.roles & {"operator", "auditor"})


def contract_of(tx: Transaction, order_id: int) -> str | None:
    """Its text; None before it is approved, and for an order from before there were contracts."""
    text: str | None = tx.execute(select(orders.c.contract).where(orders.c.id == order_id)).scalar_one()
    return text


def orders_of(
    tx: Transaction, organisation: str, *, offset: int = 0, limit: int | None = None
) -> list[Order]:
    """An organisation's orders, newest first."""
    wanted = select(orders).where(orders.c.organisation == organisation)
    newest = wanted.order_by(orders.c.placed_at.desc(), orders.c.id)
    return [order_of(row) for row in tx.execute(newest.offset(offset).limit(limit))]


def waiting_orders(
    tx: Transaction, principal: Principal, *, offset: int = 0, limit: int | None = None
) -> list[Order]:
    """Those that this person could decide on, oldest first."""
    wanted = select(orders).where(
        orders.c.status.in_(("placed", "offered")), orders.c.organisation != principal.organisation
    )
    if "operator" not in principal.roles:
        wanted = wanted.where(orders.c.department == principal.organisation)
    oldest = wanted.order_by(orders.c.placed_at, orders.c.id).offset(offset).limit(limit)
    return [order_of(row) for row in tx.execute(oldest)]


def order_of(row: Row[Any]) -> Order:
    return Order(**{name: row._mapping[name] for name in Order.__dataclass_fields__})
