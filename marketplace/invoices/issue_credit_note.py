"""Corrects a final invoice by a credit note (红字): for lines of it, or for an amount."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, insert, select, text

from marketplace.invoices.finalise_invoice import next_number
from marketplace.invoices.find import balance_of, lock_invoice, require_on_invoice
from marketplace.invoices.line_conditions import CREDITED as LINE_CREDITED
from marketplace.invoices.line_conditions import IN_PART
from marketplace.invoices.model import NUMBERED, Invoice, number_label
from marketplace.invoices.settle import settle_invoice
from marketplace.invoices.tables import credit_note_lines, credit_notes
from sandbox import notices
from sandbox.audit import Event, append
from sandbox.database import Database, Transaction
from sandbox.errors import Conflict, InvalidInput
from sandbox.identity import Principal
from sandbox.policy import Gate

CREDITED = "invoice.credited"
# lines of the invoice that stand: charged, not credited by metering, not by another note
STANDING_LINES = text(
    f"""
    SELECT line.id, line.month, line.amount_fen, noted.credit_note,
           {LINE_CREDITED} AS credited
    FROM market.invoice_parts AS part
    JOIN market.usage_lines AS line ON {IN_PART}
    LEFT JOIN market.credit_note_lines AS noted ON noted.line = line.id
    WHERE part.invoice = :invoice AND line.id = ANY (:lines)
    """
)


@dataclass(frozen=True)
class CreditNote:
    """`amount_fen` is below zero. `lines` are the usage lines that it takes back, if it names any."""

    id: int
    invoice: str
    number: str
    reference: str
    amount_fen: int
    reason: str
    made_by: str
    made_at: datetime
    log_index: int
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Correction:
    """`reference` is the sender's own: sent again, it is the same note. Either `lines` (ids of usage lines of
    the invoice) or `amount_fen`, above zero, that is taken off."""

    reference: str
    reason: str
    lines: tuple[str, ...] = ()
    amount_fen: int | None = None


def issue_credit_note(
    database: Database, *, gate: Gate, principal: Principal, invoice_id: str, correction: Correction
) -> CreditNote:
    """Raises `Forbidden`, `NotFound`, `InvalidInput`; `Conflict` if the invoice is not final, or if more
    would be credited than it asks for."""
    if bool(correction.lines) == (correction.amount_fen is not None):
        raise InvalidInput(
            "A credit note names either lines or an amount.",
            remedy="Send `lines` or `amount_fen`, not both.",
            zh="红字须写明计量记录或金额，二者之一。",
            remedy_zh="请只填写 lines 或 amount_fen。",
        )
    with database.transaction() as tx:
        invoice = lock_invoice(tx, invoice_id)
        require_on_invoice(gate, principal, invoice, "settle_invoice")
        if invoice.status not in NUMBERED:
            raise Conflict(
                "Only a final invoice is corrected by a credit note.",
                code="wrong_status",
                remedy="While it is not final, credit the call or withdraw the invoice.",
                zh="只有已定稿的账单才能冲红。",
                remedy_zh="未定稿时，请冲减调用或作废账单。",
            )
        before = same_again(tx, invoice, correction)
        if before is not None:
            return before
        lines = creditable(tx, invoice, correction.lines)
        amount = correction.amount_fen or sum(line.amount_fen for line in lines)
        left = invoice.total_fen + balance_of(tx, invoice).credited_fen
        if not 0 < amount <= left:
            raise Conflict(
                f"{amount} fen cannot be credited: {max(left, 0)} fen of the invoice are left.",
                code="too_much_credited",
                remedy="Credit less, or name other lines.",
                zh=f"不能冲减 {amount} 分：该账单尚余 {max(left, 0)} 分。",
                remedy_zh="请减少金额，或选择其他记录。",
            )
        return write_note(tx, invoice, correction, lines, amount, by=principal.id)


def same_again(tx: Transaction, invoice: Invoice, correction: Correction) -> CreditNote | None:
    """The note that was made by the same request. Raises `Conflict` for another request of this reference."""
    found = next((note for note in notes_of(tx, invoice) if note.reference == correction.reference), None)
    if found is None:
        return None
    same_lines = set(found.lines) == set(correction.lines)
    if not same_lines or (correction.amount_fen or -found.amount_fen) != -found.amount_fen:
        raise Conflict(
            "This reference was used for another credit note.",
            code="reference_used",
            remedy="Use a new reference for a new credit note.",
            zh="该编号已用于另一份红字。",
            remedy_zh="新的红字请使用新的编号。",
        )
    return found


def creditable(tx: Transaction, invoice: Invoice, ids: Sequence[str]) -> list[Row[Any]]:
    """Raises `InvalidInput` for a line that is not on the invoice, `Conflict` for one that is credited."""
    if not ids:
        return []
    found = {
        row.id: row
        for row in tx.execute(STANDING_LINES, {"invoice": invoice.id, "lines": list(set(ids))}).all()
    }
    for line in ids:
        if line not in found:
            raise InvalidInput(
                f"The usage line {line[:40]!r} is not on this invoice.",
                code="not_on_invoice",
                remedy="Choose lines of the invoice: its lines.csv has their ids.",
                zh=f"计量记录“{line[:40]}”不在这份账单上。",
                remedy_zh="请选择该账单 lines.csv 中的记录。",
            )
        if found[line].credited or found[line].credit_note is not None:
            raise Conflict(
                f"The usage line {line} is credited already.",
                code="already_credited",
                remedy="Leave it out.",
                zh=f"计量记录 {line} 已冲减。",
                remedy_zh="请去掉该记录。",
            )
    return list(found.values())


def write_note(
    tx: Transaction, invoice: Invoice, correction: Correction, lines: list[Row[Any]], amount: int, *, by: str
) -> CreditNote:
    number = next_number(tx, invoice.department, "C")
    label = number_label("C", invoice.department, number)
    ids = sorted(line.id for line in lines)
    payload: dict[str, object] = {
        "number": label,
        "corrects": invoice.label,
        "amount_fen": -amount,
        "reason": correction.reason,
        "lines": ids,
    }
    event = Event(kind=CREDITED, actor=by, subject=f"invoice:{invoice.id}", payload=payload)
    index = append(tx, event, to=[notices.finance(invoice.organisation)])
    note = tx.execute(
        insert(credit_notes)
        .values(
            invoice=invoice.id,
            department=invoice.department,
            number=number,
            reference=correction.reference,
            amount_fen=-amount,
            reason=correction.reason,
            made_by=by,
            made_at=func.now(),
            log_index=index,
        )
        .returning(credit_notes)
    ).one()
    if lines:
        tx.execute(
            insert(credit_note_lines),
            [
                {"line": line.id, "month": line.month, "credit_note": note.id, "amount_fen": -line.amount_fen}
                for line in lines
            ],
        )
    settle_invoice(tx, invoice.id, by=by)
    return note_of(note, tuple(ids))


def notes_of(tx: Transaction, invoice: Invoice) -> list[CreditNote]:
    notes = tx.execute(
        select(credit_notes).where(credit_notes.c.invoice == invoice.id).order_by(credit_notes.c.id)
    ).all()
    named: dict[int, list[str]] = {}
    wanted = select(credit_note_lines).where(credit_note_lines.c.credit_note.in_([note.id for note in notes]))
    for line in tx.execute(wanted.order_by(credit_note_lines.c.line)):
        named.setdefault(line.credit_note, []).append(line.line)
    return [note_of(note, tuple(named.get(note.id, ()))) for note in notes]


def note_of(row: Row[Any], lines: tuple[str, ...]) -> CreditNote:
    return CreditNote(
        row.id,
        row.invoice,
        number_label("C", row.department, row.number),
        row.reference,
        row.amount_fen,
        row.reason,
        row.made_by,
        row.made_at,
        row.log_index,
        lines,
    )
