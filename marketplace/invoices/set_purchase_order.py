"""Writes the buyer's purchase order on an invoice that is not final; later invoices take it over."""

from sqlalchemy import update

from marketplace.invoices.find import find_invoice, lock_invoice, require_on_invoice
from marketplace.invoices.model import OPEN, Invoice
from marketplace.invoices.tables import invoices
from sandbox.database import Database
from sandbox.errors import Conflict
from sandbox.identity import Principal
from sandbox.policy import Gate


def set_purchase_order(
    database: Database, *, gate: Gate, principal: Principal, invoice_id: str, purchase_order: str
) -> Invoice:
    """Raises `Forbidden`, `NotFound`; `Conflict` once the invoice is final."""
    with database.transaction() as tx:
        invoice = lock_invoice(tx, invoice_id)
        require_on_invoice(gate, principal, invoice, "set_purchase_order")
        if invoice.status not in OPEN:
            raise Conflict(
                "A final invoice does not change.",
                code="wrong_status",
                remedy="The next invoice can have another purchase order.",
                zh="已定稿的账单不能修改。",
                remedy_zh="可在下一份账单上填写新的采购单号。",
            )
        tx.execute(
            update(invoices).where(invoices.c.id == invoice.id).values(purchase_order=purchase_order.strip())
        )
        return find_invoice(tx, invoice_id)
