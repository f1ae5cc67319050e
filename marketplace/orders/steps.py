"""Writes the steps of an order: each is a row that is never changed, and an entry of the log."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update

from marketplace.lifecycle import check_step
from marketplace.orders.model import ORDER_STATUSES, Order
from marketplace.orders.tables import order_steps, orders
from sandbox import notices
from sandbox.audit import Event, append
from sandbox.database import Transaction

TOLD_TO_SELLER = frozenset({"placed", "declined", "withdrawn"})


@dataclass(frozen=True)
class OrderStep:
    """`log_index` leads to the receipt."""

    status: str
    by: str
    at: datetime
    detail: dict[str, Any]
    log_index: int


def steps_of(tx: Transaction, order_id: int) -> list[OrderStep]:
    """From the first on. Orders from before there were steps have none but the later ones."""
    wanted = select(order_steps).where(order_steps.c.order == order_id).order_by(order_steps.c.id)
    return [OrderStep(row.status, row.by, row.at, row.detail, row.log_index) for row in tx.execute(wanted)]


def write_step(tx: Transaction, order_id: int, status: str, *, by: str, detail: dict[str, Any]) -> None:
    """The step itself; `detail` is what was said with it, for both sides to read."""
    parties = tx.execute(
        select(orders.c.organisation, orders.c.department).where(orders.c.id == order_id)
    ).one()
    log_index = append(
        tx,
        Event(kind=ORDER_STATUSES[status].event, actor=by, subject=f"order:{order_id}", payload=detail),
        to=[
            notices.officers(parties.department)
            if status in TOLD_TO_SELLER
            else notices.buyers(parties.organisation)
        ],
    )
    tx.execute(
        insert(order_steps).values(order=order_id, status=status, by=by, detail=detail, log_index=log_index)
    )


def move_order(
    tx: Transaction, order: Order, status: str, *, by: str, detail: dict[str, Any], **columns: object
) -> None:
    """Enter a status. The caller holds the order and has decided who may. Raises `Conflict`."""
    check_step(ORDER_STATUSES, thing="order", now=order.status, then=status)
    tx.execute(update(orders).where(orders.c.id == order.id).values(status=status, **columns))
    write_step(tx, order.id, status, by=by, detail=detail)
