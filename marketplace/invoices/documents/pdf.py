"""Sets an invoice on paper. The same contents give the same bytes."""

from pathlib import Path
from zoneinfo import ZoneInfo

from marketplace.invoices.documents.contents import Contents
from marketplace.invoices.documents.csv_files import title
from marketplace.invoices.documents.messages import MESSAGES, Language, in_yuan, word
from marketplace.typesetting import typeset

TEMPLATE = Path(__file__).parent / "invoice.typ"


def invoice_pdf(contents: Contents, language: Language) -> bytes:
    return typeset(TEMPLATE, shown(contents, language))


def shown(contents: Contents, language: Language) -> dict[str, object]:
    """What the template reads: texts alone."""
    invoice = contents.invoice
    zone = ZoneInfo(invoice.time_zone)
    return {
        "language": language,
        "words": {name: word(name, language) for name in MESSAGES},
        # a payment changes nothing of it
        "status": word("status.final" if invoice.number else f"status.{invoice.status}", language),
        "number": invoice.label or "–",
        "month": f"{invoice.month} ({invoice.time_zone})",
        "purchase_order": invoice.purchase_order or "–",
        "final_at": invoice.final_at.astimezone(zone).date().isoformat(),
        "due_at": invoice.due_at.astimezone(zone).date().isoformat() if invoice.due_at else "–",
        "customer": invoice.customer,
        "seller": invoice.seller,
        "items": [
            [
                f"{item.licence} · {title(contents, item.product, language)}",
                item.month + ("" if item.month == invoice.month else " " + word("adjustment", language)),
                word(f"reason.{item.reason}", language)
                + (f" ({word('credit', language)})" if item.credit else ""),
                str(item.lines),
                f"{item.quantity} {word(f'unit.{item.unit}', language)}",
                in_yuan(item.amount_fen),
            ]
            for item in contents.items
        ],
        "total": in_yuan(invoice.total_fen),
        "digest": invoice.sha256 or "–",
    }
