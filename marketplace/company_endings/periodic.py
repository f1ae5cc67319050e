"""Ends companies whose notice is over, finalises their invoices, and closes them when the time of their
export is over: every minute, in one portal at a time."""

import logging
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import exists, func, or_, select, update

from marketplace.company_endings.end_company import (
    end_all,
    end_company,
    live_licences,
    live_programs,
    open_invitations,
    waiting_orders,
)
from marketplace.company_endings.find import ending_of_row, find_ending
from marketplace.company_endings.model import ENDING_STATUSES, Ending
from marketplace.company_endings.rules import EndingRules
from marketplace.company_endings.tables import company_endings
from marketplace.customers.find import ending_lock
from marketplace.customers.invitations import lock_members
from marketplace.customers.members import members_of
from marketplace.invoices.finalise_customer import finalise_customer
from marketplace.invoices.invoice_rules import InvoiceRules
from marketplace.keys.sandbox_keys import live_sandbox_keys
from marketplace.lifecycle import check_step
from sandbox.audit import Event, append
from sandbox.chores import Chore
from sandbox.database import Database, lock_name, try_lock_name
from sandbox.errors import CihuError, Conflict
from sandbox.identity import disable_accounts
from sandbox.identity.model import COMPANY_ROLES

SECONDS = 60.0
BY_DATE = "marketplace"
log = logging.getLogger("cihu.portal")


class EndingJob(Chore):
    def __init__(
        self, database: Database, rules: EndingRules, invoice_rules: InvoiceRules, *, seconds: float = SECONDS
    ) -> None:
        super().__init__(seconds=seconds, name="ending companies", log=log)
        self.database, self.rules, self.invoice_rules = database, rules, invoice_rules

    def run(self) -> None:
        """Once; nothing if another portal is at it. What fails for one company is tried again a minute later,
        and holds no other back."""
        with self.database.transaction() as lock:
            if not try_lock_name(lock, "market.company endings job"):
                return
            for ending in self.standing():
                self.move_on(ending)

    def standing(self) -> list[Ending]:
        """Those that are due, and those that ended and whose time is not over."""
        now = func.clock_timestamp()
        due = (company_endings.c.status == "noticed") & (company_endings.c.ends_at <= now)
        wanted = select(company_endings).where(or_(due, company_endings.c.status == "ended"))
        with self.database.transaction() as tx:
            return [ending_of_row(row) for row in tx.execute(wanted.order_by(company_endings.c.id))]

    def move_on(self, ending: Ending) -> None:
        """Each step by itself: invoices that cannot become final keep no account open. Until they are final
        the company is not closed, and is looked after."""
        if ending.status == "noticed":
            self.attempt(ending, lambda: self.end(ending))
            with self.database.transaction() as tx:
                held = find_ending(tx, ending.organisation)
            if held is None or held.status != "ended":
                return
            ending = held
        organisation = ending.organisation
        rested = self.attempt(ending, lambda: self.end_rest(ending))
        final = self.attempt(
            ending,
            lambda: finalise_customer(self.database, organisation, rules=self.invoice_rules, by=BY_DATE),
        )
        self.attempt(ending, lambda: self.close_if_over(ending, settled=rested and final))

    def attempt(self, ending: Ending, step: Callable[[], object]) -> bool:
        """Whether the step was done; what fails is tried again a minute later."""
        try:
            step()
        except CihuError as error:
            log.warning("the end of %s is put off: %s", ending.organisation, error.code)
            return False
        except Exception:  # whatever it was, no other company waits for it
            log.exception("the end of %s is put off", ending.organisation)
            return False
        return True

    def end(self, ending: Ending) -> Ending:
        with self.database.transaction() as tx:
            lock_name(tx, ending_lock(ending.organisation))
            held = find_ending(tx, ending.organisation, lock=True)
            now: datetime = tx.execute(select(func.clock_timestamp())).scalar_one()
            if held is None or held.status != "noticed" or held.ends_at > now:
                raise Conflict(
                    "The notice was taken back.",
                    code="no_notice",
                    remedy="Nothing is to be done.",
                    zh="通知已撤回。",
                    remedy_zh="无须处理。",
                )
            return end_company(tx, ending.organisation, rules=self.rules, by=BY_DATE)

    def end_rest(self, ending: Ending) -> None:
        """What an order that was being decided left behind, or anything else that is still live."""
        mine = ending.organisation
        left = or_(
            exists().where(live_licences(mine)),
            exists().where(waiting_orders(mine)),
            exists().where(live_programs(mine)),
            exists().where(live_sandbox_keys(mine)),
            exists().where(open_invitations(mine)),
        )
        with self.database.transaction() as tx:
            if tx.execute(select(left)).scalar_one():
                lock_name(tx, ending_lock(mine))
                end_all(tx, ending, by=BY_DATE)

    def close_if_over(self, ending: Ending, *, settled: bool) -> None:
        """Once the time of the export is over, close the accounts that are a company's only; whoever holds an
        office keeps theirs. `settled`: nothing else is to be done, and the company is closed."""
        with self.database.transaction() as tx:
            now: datetime = tx.execute(select(func.clock_timestamp())).scalar_one()
            if ending.export_until is None or now < ending.export_until:
                return
            lock_members(tx, ending.organisation)
            own = [
                member["account"]
                for member in members_of(tx, ending.organisation)
                if member["disabled_at"] is None and set(member["roles"]) <= set(COMPANY_ROLES)
            ]
            step = check_step(ENDING_STATUSES, thing="company", now=ending.status, then="closed")
            if settled:
                tx.execute(
                    update(company_endings).where(company_endings.c.id == ending.id).values(status="closed")
                )
            disable_accounts(tx, account_ids=own, reason="the company ended", by=BY_DATE)
            if settled:
                subject = f"company:{ending.organisation}"
                append(tx, Event(step.event, BY_DATE, subject, {"accounts": len(own)}))
