"""Does what is due with invoices: drafts after a month's end, then grace, then final, by date.

Each step is a transaction that looks again at what it moves. So a step that was cut off is done by the next
run, several portals can do it at once, and doing it again changes nothing.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from sqlalchemy import Column, func, select

from marketplace.invoices.draft_invoice import draft_invoice, stale_invoices
from marketplace.invoices.finalise_invoice import enter_grace, finalise_by_date
from marketplace.invoices.invoice_rules import InvoiceRules
from marketplace.invoices.tables import invoices
from sandbox.database import Database
from sandbox.errors import Conflict
from sandbox.identity import Principal
from sandbox.policy import Gate, Resource

log = logging.getLogger("cihu.portal")
BY_DATE = "marketplace"


@dataclass
class InvoiceRun:
    """How many invoices were made, entered their grace, became final. `unreconciled`: those that were not,
    as month, organisation and department, because lines and running sums differ."""

    drafted: int = 0
    in_grace: int = 0
    final: int = 0
    unreconciled: list[str] = field(default_factory=list)


def invoice_months(database: Database, *, rules: InvoiceRules, by: str = BY_DATE) -> InvoiceRun:
    """Do what is due now."""
    run = InvoiceRun()
    with database.transaction() as tx:
        now: datetime = tx.execute(select(func.now())).scalar_one()
        wanted = stale_invoices(tx, now)
    for each in wanted:
        try:
            run.drafted += draft_invoice(database, each, rules=rules, now=now, by=by)
        except Conflict as error:
            run.unreconciled.append(f"{each.month} {each.organisation} {each.department}")
            log.warning("an invoice is not made: %s: %s", error.code, error.internal)
    for invoice in due(database, "draft", invoices.c.grace_at):
        run.in_grace += moved(run, invoice, partial(enter_grace, database, invoice, by=by))
    for invoice in due(database, "grace", invoices.c.final_at):
        run.final += moved(run, invoice, partial(finalise_by_date, database, invoice, rules=rules, by=by))
    return run


def moved(run: InvoiceRun, invoice: str, move: Callable[[], bool]) -> bool:
    try:
        return move()
    except Conflict as error:
        run.unreconciled.append(invoice)
        log.warning("an invoice is not moved on: %s: %s", error.code, error.internal)
        return False


def due(database: Database, status: str, at: Column[datetime]) -> list[str]:
    with database.transaction() as tx:
        wanted = select(invoices.c.id).where(invoices.c.status == status, at <= func.now())
        return [row.id for row in tx.execute(wanted.order_by(invoices.c.month, invoices.c.id))]


def run_invoices(database: Database, *, gate: Gate, rules: InvoiceRules, principal: Principal) -> InvoiceRun:
    """The same, asked for by an operator. Raises `Forbidden`."""
    gate.require(principal, "run_invoices", Resource("Invoices", "all", {}))
    return invoice_months(database, rules=rules, by=principal.id)
