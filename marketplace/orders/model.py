"""Defines an order: a buyer's wish for a licence.
It is placed, perhaps offered back, then decided; what was asked is never overwritten."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from marketplace.lifecycle import Lifecycle, Status
from marketplace.offers.document import OfferDocument

ORDER_STATUSES: Lifecycle = {
    "placed": Status(
        "waits for a decision",
        "officer of the department, or an operator",
        "order.placed",
        next=("approved", "refused", "offered", "withdrawn"),
    ),
    "offered": Status(
        "the seller offered something else back, and waits for the buyer",
        "buyer of the organisation",
        "order.offered",
        next=("approved", "declined", "withdrawn", "refused"),
    ),
    "approved": Status("a licence was issued", "nobody", "order.approved"),
    "refused": Status("refused, with a reason", "nobody", "order.refused"),
    "declined": Status("the buyer declined what was offered back", "nobody", "order.declined"),
    "withdrawn": Status("the buyer took the order back", "nobody", "order.withdrawn"),
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
    use: str | None = None
    offer_hash: str | None = None
    document: dict[str, Any] | None = None
    renews: int | None = None
    offered: dict[str, Any] | None = None
    contract_sha256: str | None = None

    @property
    def offer_document(self) -> OfferDocument | None:
        """The offer that was ordered; None for an order from before there were offers."""
        return OfferDocument.model_validate(self.document) if self.document else None

    @property
    def as_offered(self) -> "Order":
        """The order with what the seller offered back."""
        offered = self.offered or {}
        return replace(
            self,
            starts_on=date.fromisoformat(offered["starts_on"]),
            ends_on=date.fromisoformat(offered["ends_on"]),
            calls_per_month=offered["calls_per_month"],
            calls_per_second=offered["calls_per_second"],
            document=offered["document"],
        )

    @property
    def cedar(self) -> dict[str, str]:
        """What the gate wants to know about it."""
        return {"department": self.department, "organisation": self.organisation}


def stage_of(order_status: str, licence_status: str | None) -> str:
    """Where an order stands among the six steps of a trade (登记, 挂牌, 交易, 交付, 清结算, 凭证): pure.
    Listing a product does the first two; every step has a receipt, which is the last."""
    if licence_status is None:
        return "trading" if order_status in ("placed", "offered", "approved") else "closed"
    return "delivery" if licence_status in ("live", "suspended") else "settlement"
