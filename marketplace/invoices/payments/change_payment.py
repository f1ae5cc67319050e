"""Changes a payment: assigns one that is for no invoice, or takes back one that the bank returned. One person
proposes it with a reason, a second one agrees or refuses.

Where a bank's statement has a line of its own for a return, below zero and with the invoice's number, that
line is enough: reading it makes the invoice due again.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, insert, select, update

from marketplace.invoices.find import balance_of, find_invoice, lock_invoice
from marketplace.invoices.model import CHANGE_STATUSES, NUMBERED, Invoice
from marketplace.invoices.payments.match import outcome_of
from marketplace.invoices.settle import settle_invoice
from marketplace.invoices.tables import payment_changes, payments
from marketplace.lifecycle import check_step
from sandbox.audit import Event, append
from sandbox.database import Database, Transaction, lock_name
from sandbox.errors import Conflict, InvalidInput, NotFound
from sandbox.identity import Principal
from sandbox.identity.invitations import last_link_by
from sandbox.policy import Gate, Resource

MOST_LISTED = 200


@dataclass(frozen=True)
class PaymentChange:
    """`kind`: `assign` or `return`. `invoice`: the id of the one to which it is assigned, or whose payment it
    was; None: of no invoice. `number` is what that invoice is called."""

    id: int
    payment: int
    reference: str
    amount_fen: int
    kind: str
    invoice: str | None
    number: str | None
    reason: str
    status: str
    proposed_by: str
    proposed_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    answer: str | None


def propose_change(
    database: Database,
    *,
    gate: Gate,
    principal: Principal,
    payment_id: int,
    reason: str,
    invoice_id: str | None = None,
) -> PaymentChange:
    """Propose to assign a payment to a final invoice, or without one, that the bank returned it.
    Raises `Forbidden`, `NotFound`, `InvalidInput`; `Conflict` if it cannot be, or something is proposed of it
    already."""
    why = written(reason)
    require(gate, principal, "propose_payment_change", payment_id, None)
    with database.transaction() as tx:
        payment = lock_payment(tx, payment_id)
        kind = "return" if invoice_id is None else "assign"
        invoice = find_invoice(tx, invoice_id or payment.invoice) if invoice_id or payment.invoice else None
        require(gate, principal, "propose_payment_change", payment.id, invoice)
        check_possible(payment, kind, invoice)
        if open_change(tx, payment.id) is not None:
            raise Conflict(
                "A change of this payment waits for a second person.",
                code="already_proposed",
                remedy="Let somebody agree to it or refuse it first.",
                zh="该笔付款已有待复核的变更。",
                remedy_zh="请先由第二人同意或拒绝。",
            )
        made = tx.execute(
            insert(payment_changes)
            .values(
                payment=payment.id,
                kind=kind,
                invoice=invoice.id if invoice else None,
                reason=why,
                status="proposed",
                proposed_by=principal.id,
            )
            .returning(payment_changes.c.id)
        ).scalar_one()
        write_event(tx, "proposed", payment, kind, invoice, by=principal.id, reason=why)
        return find_change(tx, made)


def decide_change(
    database: Database, *, gate: Gate, principal: Principal, change_id: int, agree: bool, answer: str = ""
) -> PaymentChange:
    """Agree to a change, which is then done, or refuse it with a reason.
    Raises `Forbidden` also for whoever proposed it, `NotFound`, `Conflict`, `InvalidInput`."""
    require(gate, principal, "decide_payment_change", 0, None)
    with database.transaction() as tx:
        asked = find_change(tx, change_id)
        # in the order of whoever enters a payment: the customer's invoices first
        invoice = lock_invoice(tx, asked.invoice) if asked.invoice else None
        payment = lock_payment(tx, asked.payment)
        change = find_change(tx, change_id)
        require(
            gate,
            principal,
            "decide_payment_change",
            payment.id,
            invoice,
            proposed_by=change.proposed_by,
            let_in_by=last_link_by(tx, principal.id),
        )
        status = "agreed" if agree else "refused"
        check_step(CHANGE_STATUSES, thing="change", now=change.status, then=status)
        why = answer.strip() if agree else written(answer)
        if agree:
            check_possible(payment, change.kind, invoice)
            carry_out(tx, payment, change.kind, invoice, by=principal.id)
        tx.execute(
            update(payment_changes)
            .where(payment_changes.c.id == change.id)
            .values(status=status, decided_by=principal.id, decided_at=func.now(), answer=why)
        )
        write_event(tx, status, payment, change.kind, invoice, by=principal.id, reason=why)
        return find_change(tx, change.id)


def carry_out(tx: Transaction, payment: Row[Any], kind: str, invoice: Invoice | None, *, by: str) -> None:
    values: dict[str, Any] = {"returned_at": func.now()}
    if kind == "assign":
        assert invoice is not None
        outcome = outcome_of(payment.amount_fen, balance_of(tx, invoice).due_fen)
        values = {"invoice": invoice.id, "outcome": outcome, "unmatched_reason": None}
    tx.execute(update(payments).where(payments.c.id == payment.id).values(**values))
    if invoice is not None:
        settle_invoice(tx, invoice.id, by=by)


def check_possible(payment: Row[Any], kind: str, invoice: Invoice | None) -> None:
    """Raises `Conflict`."""
    if payment.returned_at is not None:
        raise Conflict(
            "The bank returned this payment.",
            code="payment_returned",
            remedy="Nothing can be changed about it.",
            zh="该笔付款已被银行退回。",
            remedy_zh="不能再更改。",
        )
    if kind == "return":
        return
    if payment.invoice is not None:
        raise Conflict(
            "This payment is for an invoice already.",
            code="already_assigned",
            remedy="See the payments of that invoice.",
            zh="该笔付款已属于一份账单。",
            remedy_zh="请查看该账单的付款。",
        )
    if invoice is None or invoice.status not in NUMBERED:
        raise Conflict(
            "Only a final invoice is paid.",
            code="wrong_status",
            remedy="Make it final first.",
            zh="只有已定稿的账单才能付款。",
            remedy_zh="请先定稿。",
        )


def changes(tx: Transaction, *, gate: Gate, principal: Principal) -> list[PaymentChange]:
    """Those that wait first, then the newest. Raises `Forbidden`."""
    gate.require(principal, "view_payment_changes", Resource("Invoices", "all", {}))
    wanted = select(payment_changes.c.id).order_by(
        payment_changes.c.status != "proposed", payment_changes.c.proposed_at.desc(), payment_changes.c.id
    )
    return [find_change(tx, id) for id in tx.scalars(wanted.limit(MOST_LISTED)).all()]


def lock_payment(tx: Transaction, payment_id: int) -> Row[Any]:
    """The payment, held until the transaction ends. Raises `NotFound`."""
    lock_name(tx, f"market.payment {payment_id}")
    found = tx.execute(select(payments).where(payments.c.id == payment_id)).one_or_none()
    if found is None:
        raise NotFound("There is no such payment.", zh="没有这笔付款。")
    return found


def open_change(tx: Transaction, payment_id: int) -> int | None:
    wanted = select(payment_changes.c.id).where(
        payment_changes.c.payment == payment_id, payment_changes.c.status == "proposed"
    )
    return tx.execute(wanted).scalar()


def find_change(tx: Transaction, change_id: int) -> PaymentChange:
    """Raises `NotFound`."""
    wanted = (
        select(payment_changes, payments.c.reference, payments.c.amount_fen)
        .join(payments, payments.c.id == payment_changes.c.payment)
        .where(payment_changes.c.id == change_id)
    )
    row = tx.execute(wanted).one_or_none()
    if row is None:
        raise NotFound("There is no such change of a payment.", zh="没有这项付款变更。")
    number = find_invoice(tx, row.invoice).label if row.invoice else None
    names = PaymentChange.__dataclass_fields__.keys() - {"number"}
    fields: dict[str, Any] = {name: row._mapping[name] for name in names}
    return PaymentChange(number=number, **fields)


def require(
    gate: Gate,
    principal: Principal,
    action: str,
    payment: int,
    invoice: Invoice | None,
    *,
    proposed_by: str = "",
    let_in_by: str = "",
) -> None:
    """Asked before anything is looked up, so that a stranger learns nothing, and with what was found.
    Raises `Forbidden`."""
    organisation = invoice.organisation if invoice else ""
    resource = {"organisation": organisation, "proposed_by": proposed_by, "let_in_by": let_in_by}
    gate.require(principal, action, Resource("Payment", str(payment), resource))


def write_event(
    tx: Transaction,
    status: str,
    payment: Row[Any],
    kind: str,
    invoice: Invoice | None,
    *,
    by: str,
    reason: str,
) -> None:
    payload: dict[str, object] = {
        "kind": kind,
        "reference": payment.reference,
        "amount_fen": payment.amount_fen,
        "invoice": invoice.label if invoice else None,
        "reason": reason,
    }
    event = CHANGE_STATUSES[status].event
    append(tx, Event(kind=event, actor=by, subject=f"payment:{payment.id}", payload=payload))


def written(reason: str) -> str:
    """Raises `InvalidInput` for nothing."""
    if not reason.strip():
        raise InvalidInput(
            "A payment is not changed without a reason.",
            remedy="Say why; the second person and the log have it.",
            zh="变更付款须说明理由。",
            remedy_zh="请写明理由，供复核人和存证查看。",
        )
    return reason.strip()
