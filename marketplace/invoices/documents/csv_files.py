"""Writes an invoice's items and usage lines as CSV: UTF-8 with a byte order mark, so that spreadsheets read
the Chinese; CRLF (RFC 4180)."""

from collections.abc import Iterator

from sqlalchemy import text

from marketplace.invoices.documents.contents import Contents
from marketplace.invoices.documents.messages import Language, in_yuan, word
from marketplace.invoices.find import see_invoice
from marketplace.invoices.line_conditions import IN_PART
from sandbox.database import Database
from sandbox.identity import Principal
from sandbox.policy import Gate
from sandbox.spreadsheet_cells import guarded_csv

ITEM_COLUMNS = (
    "month",
    "licence",
    "product",
    "why",
    "credit",
    "adjustment",
    "lines",
    "calls",
    "quantity",
    "unit",
    "amount",
    "amount_fen",
)
LINE_COLUMNS = (
    "line",
    "month",
    "licence",
    "product",
    "release",
    "at",
    "why",
    "calls",
    "quantity",
    "unit",
    "price_fen",
    "amount_fen",
    "request_id",
    "compensates",
    "log_index",
)
PAGE = 5000
LINES = text(
    f"""
    SELECT line.id, line.month, line.licence, line.product, line.release, line.at, line.reason, line.calls,
           line.quantity, line.unit, line.price_fen, line.amount_fen, line.request_id, line.compensates,
           coalesce(line.log_index, seal.log_index) AS entry
    FROM market.invoice_parts AS part
    JOIN market.usage_lines AS line ON {IN_PART}
    LEFT JOIN market.usage_groups AS own ON own.id = line.group_id
    LEFT JOIN market.usage_seals AS seal ON seal.id = own.seal
    WHERE part.invoice = :invoice AND (line.month, line.id) > (:month, :id)
    ORDER BY line.month, line.id LIMIT :page
    """
)


def items_csv(contents: Contents, language: Language) -> str:
    """The items and the total."""
    invoice = contents.invoice
    rows = [
        [
            item.month,
            item.licence,
            title(contents, item.product, language),
            word(f"reason.{item.reason}", language),
            word("credit", language) if item.credit else "",
            word("adjustment", language) if item.month != invoice.month else "",
            item.lines,
            item.calls,
            item.quantity,
            word(f"unit.{item.unit}", language),
            in_yuan(item.amount_fen),
            item.amount_fen,
        ]
        for item in contents.items
    ]
    total = [word("total", language), *[""] * 9, in_yuan(invoice.total_fen), invoice.total_fen]
    return "\ufeff" + guarded_csv([[word(name, language) for name in ITEM_COLUMNS], *rows, total])


def lines_csv(
    database: Database, *, gate: Gate, principal: Principal, invoice_id: str, language: Language
) -> Iterator[str]:
    """The usage lines that the invoice is the sum of, a page at a time: there may be millions.
    Raises `NotFound`, `Forbidden` before the first."""
    with database.transaction() as tx:
        invoice = see_invoice(tx, gate=gate, principal=principal, invoice_id=invoice_id)
    return pages(database, invoice.id, language)


def pages(database: Database, invoice_id: str, language: Language) -> Iterator[str]:
    yield "\ufeff" + guarded_csv([[word(name, language) for name in LINE_COLUMNS]])
    month = last = ""
    while True:
        asked = {"invoice": invoice_id, "month": month, "id": last, "page": PAGE}
        with database.transaction() as tx:
            found = tx.execute(LINES, asked).all()
        if not found:
            return
        month, last = found[-1].month, found[-1].id
        yield guarded_csv(
            [
                *row[:5],
                row.at.isoformat(),
                word(f"reason.{row.reason}", language),
                row.calls,
                format(row.quantity.normalize(), "f"),
                word(f"unit.{row.unit}", language),
                row.price_fen,
                row.amount_fen,
                row.request_id,
                row.compensates,
                row.entry,
            ]
            for row in found
        )


def title(contents: Contents, product: str, language: Language) -> str:
    return contents.titles.get(product, (product, product))[language == "en"]
