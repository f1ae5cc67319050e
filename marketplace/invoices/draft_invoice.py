"""Makes the invoices of months that are over, and takes in what came late while they are not final."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select, text, update

from marketplace.customers.find import time_zone_of
from marketplace.invoices.collect import collect, lock_customer
from marketplace.invoices.invoice_rules import InvoiceRules
from marketplace.invoices.model import INVOICE_STATUSES, OPEN
from marketplace.invoices.parties import customer_of, purchase_order_of, seller_of
from marketplace.invoices.tables import invoices
from marketplace.metering.months import month_before, month_of, month_span
from sandbox.audit import Event, append
from sandbox.database import Database, Transaction

# months that are over in every time zone of the organisation's licences, and differ from what is invoiced
STALE = text(
    """
    SELECT DISTINCT held.organisation, held.department, summed.month, own.status,
           (SELECT array_agg(DISTINCT other.time_zone) FROM market.licences AS other
            WHERE other.organisation = held.organisation AND other.department = held.department) AS zones
    FROM market.months AS summed
    JOIN market.licences AS held ON held.id = summed.licence
    LEFT JOIN market.invoices AS own ON own.organisation = held.organisation
         AND own.department = held.department AND own.month = summed.month
    LEFT JOIN (SELECT licence, month, sum(amount_fen) AS fen FROM market.invoice_parts
               GROUP BY licence, month) AS settled
         ON settled.licence = summed.licence AND settled.month = summed.month
    WHERE summed.charged_fen + summed.one_off_fen <> coalesce(settled.fen, 0)
      AND own.status IS DISTINCT FROM 'void'
      AND summed.month <= to_char(:now AT TIME ZONE 'UTC' + interval '1 day', 'YYYY-MM')
    ORDER BY summed.month, held.organisation, held.department
    """
)


@dataclass(frozen=True, order=True)
class Wanted:
    """An invoice to make or to collect again."""

    month: str
    organisation: str
    department: str


def stale_invoices(tx: Transaction, now: datetime) -> list[Wanted]:
    """The invoices that something belongs on, earliest months first: what came late to a final month belongs
    on that of the last month that is over."""
    return sorted(set(wanted_invoices(tx, now)))


def wanted_invoices(tx: Transaction, now: datetime) -> Iterator[Wanted]:
    for row in tx.execute(STALE, {"now": now}):
        last_over = month_before(min(month_of(now, zone) for zone in row.zones))
        if row.month > last_over:
            continue
        of_month = row.month if row.status is None or row.status in OPEN else last_over
        if of_month != row.month and status_of(tx, row.organisation, row.department, of_month) not in (
            None,
            *OPEN,
        ):
            continue  # it waits for the next month's end
        yield Wanted(of_month, row.organisation, row.department)


def status_of(tx: Transaction, organisation: str, department: str, month: str) -> str | None:
    return tx.execute(
        select(invoices.c.status).where(
            invoices.c.organisation == organisation,
            invoices.c.department == department,
            invoices.c.month == month,
        )
    ).scalar()


def draft_invoice(database: Database, wanted: Wanted, *, rules: InvoiceRules, now: datetime, by: str) -> bool:
    """Make the invoice, or collect it again if it is there and not final; whether it was made.
    Raises `Conflict` if its lines do not agree with the running sums."""
    with database.transaction() as tx:
        lock_customer(tx, wanted.organisation, wanted.department)
        found = tx.execute(
            select(invoices.c.id, invoices.c.status).where(
                invoices.c.organisation == wanted.organisation,
                invoices.c.department == wanted.department,
                invoices.c.month == wanted.month,
            )
        ).one_or_none()
        if found is not None and found.status not in OPEN:
            return False
        invoice = found.id if found else insert_draft(tx, wanted, rules=rules, now=now)
        total = collect(
            tx,
            invoice=invoice,
            organisation=wanted.organisation,
            department=wanted.department,
            month=wanted.month,
        )
        tx.execute(update(invoices).where(invoices.c.id == invoice).values(total_fen=total))
        if found is None:
            append(
                tx,
                Event(
                    kind=INVOICE_STATUSES["draft"].event,
                    actor=by,
                    subject=f"invoice:{invoice}",
                    payload={
                        "month": wanted.month,
                        "department": wanted.department,
                        "organisation": wanted.organisation,
                        "total_fen": total,
                    },
                ),
            )
    return found is None


def insert_draft(tx: Transaction, wanted: Wanted, *, rules: InvoiceRules, now: datetime) -> str:
    """The buyer always has the days of grace, also where the invoice is made late."""
    zone = time_zone_of(tx, wanted.organisation)
    grace_at = max(month_span(wanted.month, zone)[1] + rules.draft, now)
    before = tx.execute(
        select(invoices.c.purchase_order)
        .where(invoices.c.organisation == wanted.organisation, invoices.c.department == wanted.department)
        .order_by(invoices.c.month.desc())
        .limit(1)
    ).scalar()
    invoice = secrets.token_hex(16)
    tx.execute(
        insert(invoices).values(
            id=invoice,
            organisation=wanted.organisation,
            department=wanted.department,
            month=wanted.month,
            time_zone=zone,
            status="draft",
            total_fen=0,
            purchase_order=before or purchase_order_of(tx, wanted.organisation),
            customer=customer_of(tx, wanted.organisation),
            seller=seller_of(tx, wanted.department, rules),
            grace_at=grace_at,
            final_at=grace_at + rules.grace,
        )
    )
    return invoice
