"""Defines an order: a buyer's wish for a licence.
It is placed, then approved or refused, and never overwritten."""

from dataclasses import dataclass
from datetime import date, datetime

from marketplace.lifecycle import Lifecycle, Status

ORDER_STATUSES: Lifecycle = {
    "placed": Status(
        "waits for a decision",
        "officer of the department, or an operator",
        "order.placed",
        next=("approved", "refused"),
    ),
    "approved": Status("a licence was issued", "nobody", "order.approved"),
    "refused": Status("refused, with a reason", "nobody", "order.refused"),
}


@dataclass(frozen=True)
class Order:
    """`starts_on` is its first day and `ends_on` its last, in the organisation's time zone."""

    id: int
    product: str
    department: str
    organisation: str
    buyer: str
    starts_on: date
    ends_on: date
    calls_per_month: int
    calls_per_second: int
    note: str
    status: str
    placed_at: datetime
    decided_by: str | None = None
    decided_at: datetime | None = None
    reason: str | None = None
