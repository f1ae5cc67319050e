"""Makes all invoices of a customer who ended final, the month that still runs among them.

What is credited afterwards (a call that a dead portal never sent) stands on the invoice of a later month, as
always.
"""

from datetime import datetime

from sqlalchemy import func, select, text

from marketplace.invoices.draft_invoice import Wanted, draft_invoice
from marketplace.invoices.finalise_invoice import make_final
from marketplace.invoices.find import lock_invoice
from marketplace.invoices.invoice_rules import InvoiceRules
from marketplace.invoices.model import OPEN
from marketplace.invoices.tables import invoices
from sandbox.database import Database

# months that differ from what is invoiced, whether they are over or not; those whose invoice is final are
# taken in by a later one
DIFFERING = text(
    """
    SELECT DISTINCT held.department, summed.month
    FROM market.months AS summed
    JOIN market.licences AS held ON held.id = summed.licence
    LEFT JOIN market.invoices AS own ON own.organisation = held.organisation
         AND own.department = held.department AND own.month = summed.month
    LEFT JOIN (SELECT licence, month, sum(amount_fen) AS fen FROM market.invoice_parts
               GROUP BY licence, month) AS settled
         ON settled.licence = summed.licence AND settled.month = summed.month
    WHERE held.organisation = :organisation
      AND summed.charged_fen + summed.one_off_fen <> coalesce(settled.fen, 0)
      AND (own.status IS NULL OR own.status IN ('draft', 'grace'))
    ORDER BY summed.month, held.department
    """
)


def finalise_customer(database: Database, organisation: str, *, rules: InvoiceRules, by: str) -> int:
    """How many became final. Raises `Conflict` if lines and running sums do not agree."""
    with database.transaction() as tx:
        now: datetime = tx.execute(select(func.now())).scalar_one()
        found = tx.execute(DIFFERING, {"organisation": organisation}).all()
    for row in found:
        wanted = Wanted(row.month, organisation, row.department)
        draft_invoice(database, wanted, rules=rules, now=now, by=by)
    with database.transaction() as tx:
        still_open = select(invoices.c.id).where(
            invoices.c.organisation == organisation, invoices.c.status.in_(OPEN)
        )
        ids = list(tx.scalars(still_open.order_by(invoices.c.month, invoices.c.department)))
    return sum(finalise_now(database, each, rules=rules, by=by) for each in ids)


def finalise_now(database: Database, invoice_id: str, *, rules: InvoiceRules, by: str) -> bool:
    """False if it was moved on in the meantime."""
    with database.transaction() as tx:
        invoice = lock_invoice(tx, invoice_id)
        if invoice.status not in OPEN:
            return False
        make_final(tx, invoice, rules=rules, by=by)
    return True
