"""Does what is due with invoices every few minutes, and compares the last month once a day, in one portal at
a time."""

import logging
from datetime import datetime

from sqlalchemy import func, select

from marketplace.invoices.invoice_months import invoice_months
from marketplace.invoices.invoice_rules import InvoiceRules
from marketplace.invoices.reconcile import is_reconciled, keep_reconciliation
from marketplace.metering.months import month_before, month_of
from sandbox.chores import Chore
from sandbox.city_time import CITY_TIME_ZONE
from sandbox.database import Database, try_lock_name

SECONDS = 300.0
log = logging.getLogger("cihu.portal")


class InvoiceJob(Chore):
    def __init__(self, database: Database, rules: InvoiceRules, *, seconds: float = SECONDS) -> None:
        super().__init__(seconds=seconds, name="invoices", log=log)
        self.database, self.rules = database, rules

    def run(self) -> None:
        """Once; nothing if another portal is at it."""
        with self.database.transaction() as lock:
            if not try_lock_name(lock, "market.invoices job"):
                return
            invoice_months(self.database, rules=self.rules)
            now: datetime = lock.execute(select(func.clock_timestamp())).scalar_one()
            month = month_before(month_of(now, CITY_TIME_ZONE))
            if is_reconciled(lock, month):
                return
            if count := keep_reconciliation(self.database, month):
                log.warning("the reconciliation of %s has %s differences", month, count)
