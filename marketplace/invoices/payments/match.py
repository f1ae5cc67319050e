"""Says which invoice a transfer is for, and whether it is what is due. Pure."""

import re
from dataclasses import dataclass

# as `model.number_label` writes it; payers leave out zeros, spaces and capitals
LABEL = re.compile(r"(?<![a-z0-9])([a-z][a-z0-9-]{0,40})-\s?I(\d{1,9})(?!\d)", re.IGNORECASE)


@dataclass(frozen=True)
class InvoiceName:
    department: str
    number: int


def named_invoices(memo: str) -> list[InvoiceName]:
    """The invoices whose numbers stand in a memo, each once."""
    found = (InvoiceName(match[1].lower(), int(match[2])) for match in LABEL.finditer(memo))
    return list(dict.fromkeys(found))


def outcome_of(amount_fen: int, due_fen: int) -> str:
    """`exact`, `partial` or `over`, by what was due before it came."""
    if amount_fen == due_fen:
        return "exact"
    if due_fen > 0:
        return "partial" if amount_fen < due_fen else "over"
    return "partial" if due_fen < amount_fen < 0 else "over"
