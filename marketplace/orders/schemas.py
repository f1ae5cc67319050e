"""What the operations on orders answer with."""

from datetime import date, datetime
from typing import Any, Literal

from typing_extensions import TypedDict

from marketplace.offers.schemas import PricedTerms

OrderStatus = Literal["placed", "offered", "approved", "refused", "declined", "withdrawn"]


class OfferedBack(TypedDict):
    """What a seller offered back."""

    starts_on: date
    ends_on: date
    calls_per_month: int
    calls_per_second: int
    document: PricedTerms
    note: str


class OrderDocument(TypedDict):
    """An order. Its days are in the organisation's time zone. `document` is the offer that was ordered, and
    `offer_hash` names it: a later offer never touches the order. `renews` is the order whose licence it
    renews."""

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
    status: OrderStatus
    placed_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    reason: str | None
    use: str | None
    offer_hash: str | None
    document: PricedTerms | None
    renews: int | None
    offered: OfferedBack | None
    contract_sha256: str | None


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
    """`privacy_account_opened`: whether the approval opened the licence's privacy account; null where it
    did not try, because none was sold or the buyer accepted."""

    order: int
    licence: int
    privacy_account_opened: bool | None


class OrderStepDocument(TypedDict):
    """What happened to an order; `detail` is what was given with it, `log_index` leads to the receipt."""

    status: OrderStatus
    by: str
    at: datetime
    detail: dict[str, Any]
    log_index: int


class OrderHistory(TypedDict):
    """An order with its steps. `stage`: trading (until a licence is issued), delivery, settlement (after it
    ended), or closed (without a licence)."""

    order: OrderDocument
    stage: Literal["trading", "delivery", "settlement", "closed"]
    licence: int | None
    steps: list[OrderStepDocument]


class ContractDocument(TypedDict):
    """A contract. `sha256` is the digest of `text` in UTF-8; the log holds it at `log_index`."""

    order: int
    text: str
    sha256: str
    log_index: int
