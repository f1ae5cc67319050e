"""What the operations on orders answer with."""

from datetime import date, datetime
from typing import Literal

from typing_extensions import TypedDict


class OrderDocument(TypedDict):
    """An order. Its days are in the organisation's time zone."""

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
    status: Literal["placed", "approved", "refused"]
    placed_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    reason: str | None


class OrderList(TypedDict):
    """The orders of the caller's organisation, and those that wait for the caller's decision."""

    orders: list[OrderDocument]
    waiting: list[OrderDocument]


class PlacedOrder(TypedDict):
    """An order, and its licence if it needed no decision."""

    order: int
    status: Literal["placed", "approved"]
    licence: int | None


class ApprovedOrder(TypedDict):
    order: int
    licence: int
