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
    return NotFound(f"There is no order {order_id}.")


def orders_of(tx: Transaction, organisation: str) -> list[Order]:
    """An organisation's orders, newest first."""
    return [
        order_of(row)
        for row in tx.execute(
            select(orders).where(orders.c.organisation == organisation).order_by(orders.c.id.desc())
        )
    ]


def waiting_orders(tx: Transaction, principal: Principal) -> list[Order]:
    """Those that this person could decide on, oldest first."""
    wanted = select(orders).where(
        orders.c.status == "placed", orders.c.organisation != principal.organisation
    )
    if "operator" not in principal.roles:
        wanted = wanted.where(orders.c.department == principal.organisation)
    return [order_of(row) for row in tx.execute(wanted.order_by(orders.c.id))]


def order_of(row: Row[Any]) -> Order:
    return Order(**{name: row._mapping[name] for name in Order.__dataclass_fields__})
