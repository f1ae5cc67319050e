"""What the operation on invoices answers with."""

from typing_extensions import TypedDict

from marketplace.metering.model import Reason


class InvoiceItem(TypedDict):
    """All usage lines of one reason: charged ones, or credits."""

    reason: Reason
    credit: bool
    lines: int
    amount_fen: int


class InvoicePreview(TypedDict):
    """What a month would cost. `total_fen` is the sum of the usage lines."""

    licence: int
    organisation: str
    product: str
    month: str
    time_zone: str
    items: list[InvoiceItem]
    calls: int
    lines: int
    total_fen: int
