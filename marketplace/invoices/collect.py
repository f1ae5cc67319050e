"""Collects the lines of an invoice: sums them in the database, and says which lines they are.

One statement reads lines and running sums, so both are of one moment. For each licence the groups that it
sees are all up to some number (`tables.py`), and no call waits for it. A month whose lines are not its
running sum is refused.
"""

from typing import Any

from sqlalchemy import delete, text

from marketplace.invoices.tables import invoice_items, invoice_parts
from sandbox.database import Transaction, lock_name
from sandbox.errors import Conflict

# `settled`: what other invoices hold. An earlier month is taken if its own invoice is final and something
# came late; only one invoice that is not final holds such adjustments, so that their spans never overlap.
COLLECT = text(
    """
    WITH settled AS (
        SELECT part.licence, part.month, max(part.upto_group) AS upto, sum(part.amount_fen) AS fen
        FROM market.invoice_parts AS part JOIN market.invoices AS other ON other.id = part.invoice
        WHERE other.organisation = :organisation AND other.department = :department AND other.id <> :invoice
        GROUP BY part.licence, part.month
    ), due AS MATERIALIZED (
        SELECT summed.licence, summed.month, summed.charged_fen + summed.one_off_fen AS fen,
               coalesce(settled.upto, -1) AS after, coalesce(settled.fen, 0) AS settled_fen
        FROM market.months AS summed
        JOIN market.licences AS held ON held.id = summed.licence
        LEFT JOIN settled ON settled.licence = summed.licence AND settled.month = summed.month
        WHERE held.organisation = :organisation AND held.department = :department
          AND (summed.month = :month
               OR summed.month < :month
                  AND summed.charged_fen + summed.one_off_fen <> coalesce(settled.fen, 0)
                  AND EXISTS (
                      SELECT FROM market.invoices AS own
                      WHERE own.organisation = :organisation AND own.department = :department
                        AND own.month = summed.month AND own.status IN ('final', 'paid'))
                  AND NOT EXISTS (
                      SELECT FROM market.invoices AS other
                      JOIN market.invoice_parts AS late
                        ON late.invoice = other.id AND late.month <> other.month
                      WHERE other.organisation = :organisation AND other.department = :department
                        AND other.id <> :invoice AND other.status IN ('draft', 'grace')))
    ), grouped AS MATERIALIZED (
        SELECT line.licence, line.month, due.after, line.product, line.reason,
               line.compensates IS NOT NULL AS credit, line.unit,
               max(coalesce(line.group_id, 0)) AS upto, count(*) AS lines, sum(line.calls) AS calls,
               sum(line.quantity) AS quantity, sum(line.amount_fen) AS fen
        FROM due JOIN market.usage_lines AS line
          ON line.licence = due.licence AND line.month = due.month AND coalesce(line.group_id, 0) > due.after
        GROUP BY line.licence, line.month, due.after, line.product, line.reason, credit, line.unit
    ), parts AS (
        INSERT INTO market.invoice_parts (invoice, licence, month, after_group, upto_group, amount_fen)
        SELECT :invoice, licence, month, after, max(upto), sum(fen)
        FROM grouped GROUP BY licence, month, after
        RETURNING licence, month, amount_fen
    ), items AS (
        INSERT INTO market.invoice_items
            (invoice, licence, product, month, reason, credit, unit, lines, calls, quantity, amount_fen)
        SELECT :invoice, licence, product, month, reason, credit, unit, lines, calls, quantity, fen
        FROM grouped ORDER BY month, licence, reason, credit, unit
    )
    SELECT coalesce((SELECT sum(amount_fen) FROM parts), 0) AS total_fen,
           (SELECT string_agg(due.licence || ' ' || due.month, ', ')
            FROM due LEFT JOIN parts ON parts.licence = due.licence AND parts.month = due.month
            WHERE due.fen <> due.settled_fen + coalesce(parts.amount_fen, 0)) AS differing
    """
)


def lock_customer(tx: Transaction, organisation: str, department: str) -> None:
    """Whatever changes the invoices of an organisation to a department happens in turn."""
    lock_name(tx, f"market.invoices {organisation} {department}")


def collect(tx: Transaction, *, invoice: str, organisation: str, department: str, month: str) -> int:
    """Take all lines that belong on an invoice that is not final, and give its total in fen.
    The caller holds `lock_customer`. Raises `Conflict` if lines and running sums do not agree."""
    tx.execute(delete(invoice_items).where(invoice_items.c.invoice == invoice))
    tx.execute(delete(invoice_parts).where(invoice_parts.c.invoice == invoice))
    asked: dict[str, Any] = {
        "invoice": invoice,
        "organisation": organisation,
        "department": department,
        "month": month,
    }
    sums = tx.execute(COLLECT, asked).one()
    if sums.differing:
        raise Conflict(
            "The lines of this month and its running sum do not agree.",
            code="unreconciled",
            remedy="Nothing is invoiced from them. Read the reconciliation of the month.",
            zh="本月的计量记录与累计金额不一致。",
            remedy_zh="未据此开具账单。请查看该月的对账报告。",
            internal=f"licence and month: {sums.differing}",
        )
    return int(sums.total_fen)
