"""Finds invoices: rows of the table as values, and who may see them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, Select, func, or_, select

from marketplace.invoices.collect import lock_customer
from marketplace.invoices.model import Balance, Invoice, InvoiceItem
from marketplace.invoices.tables import credit_notes, invoice_items, invoices, payments
from marketplace.licences.find import is_party
from sandbox.database import Transaction
from sandbox.errors import NotFound
from sandbox.identity import Principal
from sandbox.policy import Gate, Resource, hidden_from_strangers

FIELDS = tuple(Invoice.__dataclass_fields__)


def no_invoice() -> NotFound:
    """Also for whoever may not know of it."""
    return NotFound("There is no such invoice.", zh="没有这份账单。")


def find_invoice(tx: Transaction, invoice_id: str) -> Invoice:
    """Raises `NotFound`."""
    return one(tx, select(invoices).where(invoices.c.id == invoice_id))


def lock_invoice(tx: Transaction, invoice_id: str) -> Invoice:
    """The invoice as it is once all before it are done with the customer's invoices. Raises `NotFound`."""
    found = find_invoice(tx, invoice_id)
    lock_customer(tx, found.organisation, found.department)
    return find_invoice(tx, invoice_id)


def one(tx: Transaction, wanted: Select[Any]) -> Invoice:
    row = tx.execute(wanted).one_or_none()
    if row is None:
        raise no_invoice()
    return invoice_of(row)


def require_on_invoice(gate: Gate, principal: Principal, invoice: Invoice, action: str) -> None:
    """Raises `Forbidden`; `NotFound` for whoever is no party to it."""
    seen = is_party(principal, organisation=invoice.organisation, department=invoice.department)
    with hidden_from_strangers(no_invoice(), seen=seen):
        gate.require(principal, action, Resource("Invoice", invoice.id, invoice.cedar))


def see_invoice(tx: Transaction, *, gate: Gate, principal: Principal, invoice_id: str) -> Invoice:
    """Raises `NotFound`, `Forbidden`."""
    found = find_invoice(tx, invoice_id)
    require_on_invoice(gate, principal, found, "view_invoice")
    return found


def invoices_for(
    tx: Transaction,
    principal: Principal,
    *,
    month: str | None = None,
    status: str | None = None,
    limit: int = 100,
) -> list[Invoice]:
    """Those that this person may see, newest months first: of the own organisation, and for officers those
    of their department; for operators and auditors all."""
    wanted = select(invoices).order_by(invoices.c.month.desc(), invoices.c.made_at.desc(), invoices.c.id)
    if not principal.roles & {"operator", "auditor"}:
        mine = [invoices.c.organisation == principal.organisation]
        if "officer" in principal.roles:
            mine.append(invoices.c.department == principal.organisation)
        wanted = wanted.where(or_(*mine))
    if month:
        wanted = wanted.where(invoices.c.month == month)
    if status:
        wanted = wanted.where(invoices.c.status == status)
    return [invoice_of(row) for row in tx.execute(wanted.limit(limit))]


def items_of(tx: Transaction, invoice_id: str) -> Sequence[InvoiceItem]:
    wanted = select(invoice_items).where(invoice_items.c.invoice == invoice_id).order_by(invoice_items.c.id)
    return [
        InvoiceItem(
            row.licence,
            row.product,
            row.month,
            row.reason,
            row.credit,
            row.unit,
            row.lines,
            row.calls,
            format(row.quantity.normalize(), "f"),
            row.amount_fen,
        )
        for row in tx.execute(wanted)
    ]


def balance_of(tx: Transaction, invoice: Invoice) -> Balance:
    credited = select(func.coalesce(func.sum(credit_notes.c.amount_fen), 0)).where(
        credit_notes.c.invoice == invoice.id
    )
    paid = select(func.coalesce(func.sum(payments.c.amount_fen), 0)).where(
        payments.c.invoice == invoice.id, payments.c.returned_at.is_(None)
    )
    return Balance(
        invoice.total_fen, int(tx.execute(credited).scalar_one()), int(tx.execute(paid).scalar_one())
    )


def invoice_of(row: Row[Any]) -> Invoice:
    return Invoice(**{name: row._mapping[name] for name in FIELDS})
