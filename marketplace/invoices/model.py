"""Defines an invoice: what an organisation owes a department for a month, and how it becomes final."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from marketplace.lifecycle import Lifecycle, Status

OPERATOR = "operator"
INVOICE_STATUSES: Lifecycle = {
    "draft": Status(
        "made after the month's end; what comes late still changes it",
        OPERATOR,
        "invoice.drafted",
        next=("grace", "final", "void"),
    ),
    "grace": Status(
        "the buyer reads it before it is final; what comes late still changes it",
        OPERATOR,
        "invoice.in_grace",
        next=("final", "void"),
    ),
    "final": Status(
        "has its number and never changes; credit notes correct it",
        OPERATOR,
        "invoice.final",
        next=("paid",),
        event_from={"paid": "invoice.due_again"},
    ),
    "paid": Status(
        "what was due has come; it is due again if a payment is returned",
        OPERATOR,
        "invoice.paid",
        next=("final",),
    ),
    "void": Status(
        "withdrawn before it was final, with a reason: its lines cost nothing", "nobody", "invoice.voided"
    ),
}
OPEN = ("draft", "grace")
NUMBERED = ("final", "paid")
UNMATCHED_REASONS = ("no_invoice", "several_invoices", "not_allowed", "reference_used")
"""Why a payment is for no invoice: its memo names none, or several; who read the statement may not settle
that invoice; its reference is another payment's, too, of another day, amount or account: somebody compares
the two."""
CHANGE_STATUSES: Lifecycle = {
    "proposed": Status(
        "waits for a second person", "operator or auditor", "payment.proposed", next=("agreed", "refused")
    ),
    "agreed": Status("done", "nobody", "payment.changed"),
    "refused": Status("the payment stays as it was", "nobody", "payment.refused"),
}
"""A change of a payment: it is assigned to an invoice, or was returned by the bank."""
CHANGES = ("assign", "return")


@dataclass(frozen=True)
class Invoice:
    """`department` sells. `number` counts per department, without gaps, once it is final. A negative
    `total_fen` is owed to the organisation. `customer` and `seller` are as they were when it became final."""

    id: str
    organisation: str
    department: str
    month: str
    time_zone: str
    status: str
    total_fen: int
    number: int | None
    purchase_order: str
    customer: dict[str, Any]
    seller: dict[str, Any]
    made_at: datetime
    grace_at: datetime
    final_at: datetime
    """the date on which it becomes or became final"""
    due_at: datetime | None
    paid_at: datetime | None
    void_reason: str | None
    sha256: str | None
    log_index: int | None
    frozen: dict[str, Any] | None = None
    """what the documents of a final invoice are made of: see frozen.py"""

    @property
    def label(self) -> str | None:
        """What it is called on paper and in a transfer."""
        return number_label("I", self.department, self.number) if self.number else None

    @property
    def cedar(self) -> dict[str, str]:
        """What the gate wants to know about it."""
        return {"organisation": self.organisation, "department": self.department, "status": self.status}


@dataclass(frozen=True)
class InvoiceItem:
    """All lines of a licence's month of one reason and unit: charges, or credits (negative). A month before
    the invoice's is an adjustment."""

    licence: int
    product: str
    month: str
    reason: str
    credit: bool
    unit: str
    lines: int
    calls: int
    quantity: str
    amount_fen: int


@dataclass(frozen=True)
class Balance:
    """`due_fen` is what is still to be paid; below zero, what was paid too much."""

    total_fen: int
    credited_fen: int
    paid_fen: int

    @property
    def due_fen(self) -> int:
        return self.total_fen + self.credited_fen - self.paid_fen


def number_label(kind: str, department: str, number: int) -> str:
    """`I` invoices, `C` credit notes: such as market-I000017."""
    return f"{department}-{kind}{number:06d}"
