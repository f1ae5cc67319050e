"""Gathers what the documents of an invoice show. Of a final invoice that never changes: no payment, credit
note, title or policy of later is in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from marketplace.invoices.find import items_of, see_invoice
from marketplace.invoices.frozen import document_inputs
from marketplace.invoices.invoice_rules import InvoiceRules
from marketplace.invoices.model import Invoice, InvoiceItem
from sandbox.database import Database
from sandbox.identity import Principal
from sandbox.policy import Gate


@dataclass(frozen=True)
class Contents:
    """`titles`: of each product in Chinese and in English."""

    invoice: Invoice
    items: Sequence[InvoiceItem]
    titles: Mapping[str, tuple[str, str]]
    tax_percent: int


def contents_of(
    database: Database, *, gate: Gate, rules: InvoiceRules, principal: Principal, invoice_id: str
) -> Contents:
    """Raises `NotFound`, `Forbidden`."""
    with database.transaction() as tx:
        invoice = see_invoice(tx, gate=gate, principal=principal, invoice_id=invoice_id)
        items = items_of(tx, invoice.id)
        inputs = document_inputs(tx, invoice, items, rules)
    return Contents(invoice, items, inputs.titles, inputs.tax_percent)
