"""Moves an invoice on: to its days of grace, to final, to void. Final is once and for ever."""

from dataclasses import asdict
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from marketplace.invoices.collect import collect
from marketplace.invoices.find import find_invoice, items_of, lock_invoice, require_on_invoice
from marketplace.invoices.frozen import document_inputs
from marketplace.invoices.invoice_rules import InvoiceRules
from marketplace.invoices.model import INVOICE_STATUSES, Invoice, number_label
from marketplace.invoices.parties import customer_of, seller_of
from marketplace.invoices.settle import settle_invoice
from marketplace.invoices.tables import invoice_counters, invoices
from marketplace.lifecycle import check_step
from sandbox import notices
from sandbox.audit import Event, append
from sandbox.audit.model import canonical_sha256
from sandbox.database import Database, Transaction
from sandbox.errors import InvalidInput
from sandbox.identity import Principal
from sandbox.policy import Gate


def next_number(tx: Transaction, department: str, kind: str) -> int:
    """The next number of the department's invoices or credit notes. Whoever else wants one waits until this
    transaction ends; if it fails, the number was never given."""
    counted = upsert(invoice_counters).values(department=department, kind=kind, last=1)
    return int(
        tx.execute(
            counted.on_conflict_do_update(
                index_elements=["department", "kind"], set_={"last": invoice_counters.c.last + 1}
            ).returning(invoice_counters.c.last)
        ).scalar_one()
    )


def enter_grace(database: Database, invoice_id: str, *, by: str) -> bool:
    """False if it was moved on in the meantime."""
    with database.transaction() as tx:
        invoice = lock_invoice(tx, invoice_id)
        if invoice.status != "draft":
            return False
        refresh(tx, invoice)
        tx.execute(update(invoices).where(invoices.c.id == invoice.id).values(status="grace"))
        write_event(tx, invoice, "grace", by=by, payload={"final_at": invoice.final_at.isoformat()})
    return True


def finalise_by_date(database: Database, invoice_id: str, *, rules: InvoiceRules, by: str) -> bool:
    """False if it was moved on in the meantime."""
    with database.transaction() as tx:
        invoice = lock_invoice(tx, invoice_id)
        if invoice.status != "grace" or invoice.final_at > tx.execute(select(func.now())).scalar_one():
            return False
        make_final(tx, invoice, rules=rules, by=by)
    return True


def finalise_invoice(
    database: Database, *, gate: Gate, rules: InvoiceRules, principal: Principal, invoice_id: str
) -> Invoice:
    """Make an invoice final before its time. Raises `Forbidden`, `NotFound`, `Conflict`."""
    with database.transaction() as tx:
        invoice = lock_invoice(tx, invoice_id)
        require_on_invoice(gate, principal, invoice, "settle_invoice")
        check_step(INVOICE_STATUSES, thing="invoice", now=invoice.status, then="final")
        make_final(tx, invoice, rules=rules, by=principal.id)
        return find_invoice(tx, invoice_id)


def void_invoice(
    database: Database, *, gate: Gate, principal: Principal, invoice_id: str, reason: str
) -> Invoice:
    """Withdraw an invoice that is not final: its month costs nothing.
    Raises `Forbidden`, `NotFound`, `Conflict`, `InvalidInput` without a reason."""
    if not reason.strip():
        raise InvalidInput(
            "An invoice is not withdrawn without a reason.",
            remedy="Say why; the buyer will read it.",
            zh="作废账单须说明理由。",
            remedy_zh="请写明理由，购买方可以看到。",
        )
    with database.transaction() as tx:
        invoice = lock_invoice(tx, invoice_id)
        require_on_invoice(gate, principal, invoice, "settle_invoice")
        check_step(INVOICE_STATUSES, thing="invoice", now=invoice.status, then="void")
        tx.execute(
            update(invoices)
            .where(invoices.c.id == invoice.id)
            .values(status="void", void_reason=reason.strip())
        )
        payload = {"reason": reason.strip(), "total_fen": invoice.total_fen}
        write_event(tx, invoice, "void", by=principal.id, payload=payload)
        return find_invoice(tx, invoice_id)


def make_final(tx: Transaction, invoice: Invoice, *, rules: InvoiceRules, by: str) -> None:
    """The caller holds the customer's invoices and has decided that it may be."""
    total = refresh(tx, invoice)
    now: datetime = tx.execute(select(func.now())).scalar_one()
    customer = customer_of(tx, invoice.organisation)
    seller = seller_of(tx, invoice.department, rules)
    number = next_number(tx, invoice.department, "I")
    label = number_label("I", invoice.department, number)
    items = items_of(tx, invoice.id)
    frozen = document_inputs(tx, invoice, items, rules).as_json
    document = {
        "id": invoice.id,
        "number": label,
        "month": invoice.month,
        "time_zone": invoice.time_zone,
        "purchase_order": invoice.purchase_order,
        "customer": customer,
        "seller": seller,
        "total_fen": total,
        "items": [asdict(item) for item in items],
        **frozen,
    }
    digest = canonical_sha256(document)
    payload = {"number": label, "total_fen": total, "sha256": digest}
    index = write_event(tx, invoice, "final", by=by, payload=payload)
    tx.execute(
        update(invoices)
        .where(invoices.c.id == invoice.id)
        .values(
            status="final",
            number=number,
            customer=customer,
            seller=seller,
            final_at=now,
            due_at=now + rules.due,
            sha256=digest,
            log_index=index,
            frozen=frozen,
        )
    )
    settle_invoice(tx, invoice.id, by=by)  # where nothing is due


def refresh(tx: Transaction, invoice: Invoice) -> int:
    """Take in what came since it was collected; gives the total in fen."""
    total = collect(
        tx,
        invoice=invoice.id,
        organisation=invoice.organisation,
        department=invoice.department,
        month=invoice.month,
    )
    tx.execute(update(invoices).where(invoices.c.id == invoice.id).values(total_fen=total))
    return total


def write_event(
    tx: Transaction, invoice: Invoice, status: str, *, by: str, payload: dict[str, object]
) -> int:
    kind = INVOICE_STATUSES[status].event
    return append(
        tx,
        Event(kind=kind, actor=by, subject=f"invoice:{invoice.id}", payload=payload),
        to=[notices.finance(invoice.organisation)] if status == "final" else (),
    )
