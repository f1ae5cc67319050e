"""Enters payments: by hand, or of a bank's statement, matched with invoices by number."""

import hashlib
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from marketplace.invoices.find import balance_of, find_invoice, lock_invoice, require_on_invoice
from marketplace.invoices.model import NUMBERED, Invoice
from marketplace.invoices.payments.match import InvoiceName, named_invoices, outcome_of
from marketplace.invoices.payments.transfer import Transfer, TransferSource
from marketplace.invoices.settle import settle_invoice
from marketplace.invoices.tables import invoices, payments, statements
from sandbox.audit import Event, append
from sandbox.database import Database, Transaction, lock_name
from sandbox.errors import Conflict, InvalidInput
from sandbox.identity import Principal
from sandbox.policy import Gate, Resource

LARGEST_NUMBER = 2**31 - 1


@dataclass(frozen=True)
class Entered:
    """What became of a transfer. `known`: it was entered before and counts once. `invoice` is the number of
    the invoice that it is for, None if nobody knows; `due_fen` what is due on that afterwards.
    `unmatched_reason` says why it is for none."""

    reference: str
    amount_fen: int
    outcome: str
    known: bool
    invoice: str | None
    due_fen: int | None
    unmatched_reason: str | None = None


def pay_invoice(
    database: Database, *, gate: Gate, principal: Principal, invoice_id: str, transfer: Transfer
) -> Entered:
    """Enter a payment by hand; the same again is the same payment.
    Raises `Forbidden`, `NotFound`, `InvalidInput`; `Conflict` if the invoice is not final, or for another
    payment of this reference."""
    if transfer.amount_fen == 0:
        raise InvalidInput(
            "A payment of nothing is no payment.",
            remedy="Enter what came, in fen.",
            zh="付款金额不能为零。",
            remedy_zh="请填写到账金额（分）。",
        )
    with database.transaction() as tx:
        invoice = lock_invoice(tx, invoice_id)
        require_on_invoice(gate, principal, invoice, "settle_invoice")
        if invoice.status not in NUMBERED:
            raise Conflict(
                "Only a final invoice is paid.",
                code="wrong_status",
                remedy="Make it final first.",
                zh="只有已定稿的账单才能付款。",
                remedy_zh="请先定稿。",
            )
        known, others = with_reference(tx, transfer)
        if known is not None and known.invoice == invoice.id:
            return of_known(tx, known)
        if known is not None or others:
            raise reference_used()
        return enter(tx, transfer, invoice, statement=None, by=principal.id)


def read_statement(
    database: Database, *, gate: Gate, principal: Principal, source: TransferSource, content: bytes
) -> list[Entered]:
    """Enter all transfers of a statement, by the day and in a transaction each: the log waits for none of
    them. A statement, or a transfer of it, that was read before counts once, so one that was cut off is sent
    again. A transfer for an invoice that this person may not settle is entered as unmatched.
    Raises `Forbidden`, `InvalidInput` before the first."""
    gate.require(principal, "read_statement", Resource("Invoices", "all", {}))
    transfers = [each for each in source.read(content) if each.amount_fen != 0]
    with database.transaction() as tx:
        statement = enter_statement(tx, content, len(transfers), by=principal.id)
    in_order = sorted(transfers, key=lambda each: (each.paid_on, each.reference))
    return [
        enter_transfer(database, each, gate=gate, principal=principal, statement=statement)
        for each in in_order
    ]


def enter_transfer(
    database: Database, transfer: Transfer, *, gate: Gate, principal: Principal, statement: int
) -> Entered:
    with database.transaction() as tx:
        named = invoice_named(tx, transfer)
        invoice = lock_invoice(tx, named.id) if isinstance(named, Invoice) else None
        reason = named if isinstance(named, str) else None
        if invoice and not may_settle(gate, principal, invoice):
            invoice, reason = None, "not_allowed"
        known, others = with_reference(tx, transfer)
        if known is not None:
            return of_known(tx, known)
        if others:  # another payment, or the same with a fault: somebody compares them
            invoice, reason = None, "reference_used"
        return enter(tx, transfer, invoice, statement=statement, by=principal.id, reason=reason)


def may_settle(gate: Gate, principal: Principal, invoice: Invoice) -> bool:
    resource = Resource("Invoice", invoice.id, invoice.cedar)
    return gate.decide(principal, "settle_invoice", resource).allowed


def enter_statement(tx: Transaction, content: bytes, transfers: int, *, by: str) -> int:
    digest = hashlib.sha256(content).digest()
    made = tx.execute(
        upsert(statements)
        .values(sha256=digest, uploaded_by=by, log_index=-1)
        .on_conflict_do_nothing()
        .returning(statements.c.id)
    ).scalar()
    if made is None:
        return int(tx.execute(select(statements.c.id).where(statements.c.sha256 == digest)).scalar_one())
    index = append(
        tx,
        Event(
            kind="invoice.statement_read",
            actor=by,
            subject=f"statement:{made}",
            payload={"sha256": digest.hex(), "transfers": transfers},
        ),
    )
    tx.execute(statements.update().where(statements.c.id == made).values(log_index=index))
    return int(made)


def invoice_named(tx: Transaction, transfer: Transfer) -> Invoice | str:
    """The final invoice that the memo names, or why there is none. Two names are as good as none: somebody
    decides."""
    found = named_invoices(transfer.memo)
    if len(found) > 1:
        return "several_invoices"
    return (numbered_invoice(tx, found[0]) if found else None) or "no_invoice"


def numbered_invoice(tx: Transaction, name: InvoiceName) -> Invoice | None:
    if name.number > LARGEST_NUMBER:
        return None
    wanted = select(invoices.c.id).where(
        invoices.c.department == name.department, invoices.c.number == name.number
    )
    found = tx.execute(wanted).scalar()
    return find_invoice(tx, found) if found else None


def enter(
    tx: Transaction,
    transfer: Transfer,
    invoice: Invoice | None,
    *,
    statement: int | None,
    by: str,
    reason: str | None = None,
) -> Entered:
    """The caller holds the customer's invoices, and has asked `with_reference`."""
    due = balance_of(tx, invoice).due_fen if invoice else 0
    outcome = outcome_of(transfer.amount_fen, due) if invoice else "unmatched"
    tx.execute(
        insert(payments).values(
            account=transfer.account,
            reference=transfer.reference,
            invoice=invoice.id if invoice else None,
            statement=statement,
            paid_on=transfer.paid_on,
            amount_fen=transfer.amount_fen,
            payer=transfer.payer,
            memo=transfer.memo,
            outcome=outcome,
            unmatched_reason=reason,
            entered_by=by,
        )
    )
    if invoice:
        settle_invoice(tx, invoice.id, by=by)
    return Entered(
        transfer.reference,
        transfer.amount_fen,
        outcome,
        False,
        invoice.label if invoice else None,
        due - transfer.amount_fen if invoice else None,
        reason,
    )


def with_reference(tx: Transaction, transfer: Transfer) -> tuple[Row[Any] | None, bool]:
    """The payment that is this transfer, and whether others of its account have its reference. Whoever
    enters one of this reference waits until this transaction ends. A payment that was entered without our
    account is the one of a statement that names it."""
    lock_name(tx, f"market.payments {transfer.reference}")
    wanted = select(payments).where(payments.c.reference == transfer.reference)
    rows = tx.execute(wanted.order_by(payments.c.entered_at, payments.c.id)).all()
    near = [row for row in rows if "" in (row.account, transfer.account) or row.account == transfer.account]
    same = [row for row in near if (row.paid_on, row.amount_fen) == (transfer.paid_on, transfer.amount_fen)]
    return (same[0] if same else None), len(near) > len(same)


def reference_used() -> Conflict:
    return Conflict(
        "This reference was used for another payment.",
        code="reference_used",
        remedy="Compare the two. If the bank used its number again, read its statement: the payment is then "
        "listed as unmatched, and you assign it.",
        zh="该流水号已用于另一笔付款。",
        remedy_zh="请核对两笔付款。若银行重复使用流水号，请上传对账单：该付款将列为未匹配，再指定账单。",
    )


def of_known(tx: Transaction, known: Row[Any]) -> Entered:
    invoice = find_invoice(tx, known.invoice) if known.invoice else None
    return Entered(
        known.reference,
        known.amount_fen,
        known.outcome,
        True,
        invoice.label if invoice else None,
        balance_of(tx, invoice).due_fen if invoice else None,
        known.unmatched_reason,
    )


def payments_of(tx: Transaction, invoice_id: str) -> list[Row[Any]]:
    wanted = select(payments).where(payments.c.invoice == invoice_id)
    return list(tx.execute(wanted.order_by(payments.c.entered_at, payments.c.id)))


def unmatched_payments(tx: Transaction, limit: int = 200) -> list[Row[Any]]:
    """Payments for no invoice that were not returned, newest first."""
    wanted = (
        select(payments)
        .where(payments.c.invoice.is_(None), payments.c.returned_at.is_(None))
        .order_by(payments.c.entered_at.desc(), payments.c.id)
    )
    return list(tx.execute(wanted.limit(limit)))
