"""Marks a final invoice as paid once nothing is due any more, and a paid one as final when something is due
again, because a payment was returned or paid out."""

from sqlalchemy import func, update

from marketplace.invoices.find import balance_of, find_invoice
from marketplace.invoices.model import INVOICE_STATUSES, NUMBERED
from marketplace.invoices.tables import invoices
from marketplace.lifecycle import check_step
from sandbox import notices
from sandbox.audit import Event, append
from sandbox.database import Transaction


def settle_invoice(tx: Transaction, invoice_id: str, *, by: str) -> None:
    """The caller holds the customer's invoices. What is owed to the organisation (below zero) stays final
    until it is paid out."""
    invoice = find_invoice(tx, invoice_id)
    balance = balance_of(tx, invoice)
    settled = balance.due_fen == 0 if invoice.total_fen <= 0 else balance.due_fen <= 0
    status = "paid" if settled else "final"
    if invoice.status not in NUMBERED or invoice.status == status:
        return
    step = check_step(INVOICE_STATUSES, thing="invoice", now=invoice.status, then=status)
    paid_at = func.now() if settled else None
    tx.execute(update(invoices).where(invoices.c.id == invoice.id).values(status=status, paid_at=paid_at))
    payload = {"number": invoice.label, "paid_fen": balance.paid_fen, "credited_fen": balance.credited_fen}
    event = Event(kind=step.event, actor=by, subject=f"invoice:{invoice.id}", payload=payload)
    append(tx, event, to=[notices.finance(invoice.organisation)])
