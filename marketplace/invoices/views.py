"""Shows invoices as the operations answer them."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy import Row

from marketplace.invoices.find import balance_of, items_of, see_invoice
from marketplace.invoices.issue_credit_note import notes_of
from marketplace.invoices.model import Balance, Invoice
from marketplace.invoices.payments.enter_payments import payments_of
from marketplace.invoices.schemas import PaymentDocument
from sandbox.database import Database
from sandbox.identity import Principal
from sandbox.policy import Gate


def invoice_view(invoice: Invoice) -> dict[str, object]:
    shown = {**asdict(invoice), "number": invoice.label}
    del shown["frozen"]  # its documents show it
    return shown


def balance_view(balance: Balance) -> dict[str, object]:
    return {**asdict(balance), "due_fen": balance.due_fen}


def payment_view(row: Row[Any]) -> Mapping[str, object]:
    return {name: row._mapping[name] for name in PaymentDocument.__annotations__}


def whole_invoice(
    database: Database, *, gate: Gate, principal: Principal, invoice_id: str
) -> dict[str, object]:
    """Raises `NotFound`, `Forbidden`."""
    with database.transaction() as tx:
        invoice = see_invoice(tx, gate=gate, principal=principal, invoice_id=invoice_id)
        return {
            "invoice": invoice_view(invoice),
            "items": [asdict(item) for item in items_of(tx, invoice.id)],
            "credit_notes": [asdict(note) for note in notes_of(tx, invoice)],
            "payments": [payment_view(row) for row in payments_of(tx, invoice.id)],
            "balance": balance_view(balance_of(tx, invoice)),
        }
