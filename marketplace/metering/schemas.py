"""What the operations on usage answer with."""

from datetime import datetime

from typing_extensions import TypedDict

from marketplace.metering.model import Outcome, Reason
from sandbox.audit.schemas import Receipt


class UsageLineDocument(TypedDict):
    """One thing that happened under a licence. `calls` is 1 for a call, 0 for a fee or a sample, -1 for a
    credit.

    `quantity` (a decimal, of `unit`) is what the price counts; `price_fen` is of a unit, where there is one
    price. `period` is the month of a fixed fee. `log_index` is null until the line's second is in the log.
    """

    id: str
    licence: int
    month: str
    at: datetime
    reason: Reason
    calls: int
    amount_fen: int
    compensates: str | None
    key: int | None
    log_index: int | None
    product: str
    release: str | None
    offer: str | None
    quantity: str
    unit: str
    price_fen: int | None
    request_id: str | None
    period: str | None
    outcome: Outcome


class UsageDocument(TypedDict):
    """The lines of a licence's month."""

    licence: int
    month: str
    lines: list[UsageLineDocument]


class ReceiptStep(TypedDict):
    """A Merkle tree (RFC 6962) on the way: the place in it, its size, and the hashes beside the way up."""

    index: int
    size: int
    proof: list[str]


class UsageReceipt(TypedDict):
    """The proof that a usage line is in the log: `leaf` is the line's text; the steps lead through its group
    and its second to the root that the log's entry states. `cihu audit verify` checks it without the
    service."""

    format: str
    leaf: str
    steps: list[ReceiptStep]
    receipt: Receipt
