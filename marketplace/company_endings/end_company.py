"""Ends a company in one transaction: orders that wait, licences, keys, service accounts, sandbox keys and
invitations end; what it bought stays readable for its owners.

First everything is held, in the order in which other deeds hold it, then it is changed, and last it is
written to the log: whoever holds a row and waits for the log waits for nobody who waits for the row. The
licences are held in the order of their numbers, so a call is committed before the end, or refused. What
slipped in beside the end (an order that was being approved) is ended by the next run of the job.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, select, update

from marketplace.company_endings.find import ending_of_row, find_ending
from marketplace.company_endings.model import ENDING_STATUSES, Ending
from marketplace.company_endings.rules import EndingRules
from marketplace.company_endings.tables import company_endings
from marketplace.customers.invitations import entry as invitation_entry
from marketplace.customers.tables import companies, invitations
from marketplace.keys.revoke_key import end_keys, hold_keys
from marketplace.keys.sandbox_keys import end_sandbox_keys, hold_sandbox_keys
from marketplace.licences.end_licence import write_end
from marketplace.licences.find import licence_of
from marketplace.licences.tables import licences
from marketplace.lifecycle import check_step
from marketplace.orders.find import order_of
from marketplace.orders.model import Order
from marketplace.orders.steps import move_order
from marketplace.orders.tables import orders
from marketplace.service_accounts.manage import end_service_account
from marketplace.service_accounts.manage import entry as service_account_entry
from marketplace.service_accounts.tables import service_accounts
from sandbox.audit import Event, append
from sandbox.database import Transaction
from sandbox.errors import Conflict


def end_company(
    tx: Transaction, organisation: str, *, rules: EndingRules, by: str, before: Sequence[Event] = ()
) -> Ending:
    """End a company of which a notice stands; the caller holds it, has decided that it may be, and has
    written nothing to the log: `before` is written before what ends. Raises `Conflict`."""
    ending = find_ending(tx, organisation, lock=True)
    if ending is None:
        raise Conflict(
            "No notice is given.",
            code="no_notice",
            remedy="Give notice first.",
            zh="没有发出过终止通知。",
            remedy_zh="请先发出通知。",
        )
    step = check_step(ENDING_STATUSES, thing="company", now=ending.status, then="ended")
    waiting = hold_all(tx, organisation)
    now: datetime = tx.execute(select(func.now())).scalar_one()
    tx.execute(update(companies).where(companies.c.organisation == organisation).values(ended_at=now))
    row = tx.execute(
        update(company_endings)
        .where(company_endings.c.id == ending.id)
        .values(status="ended", ended_at=now, export_until=now + rules.export)
        .returning(*company_endings.c)
    ).one()
    ended = end_held(tx, ending, waiting, by=by, before=before)
    payload = {"reason": ending.reason, "by_operator": ending.by_operator, **ended}
    append(tx, Event(kind=step.event, actor=by, subject=f"company:{organisation}", payload=payload))
    return ending_of_row(row)


def end_all(tx: Transaction, ending: Ending, *, by: str) -> dict[str, int]:
    """End what a company has that could still open something; how many of each. The caller holds the
    company's end."""
    return end_held(tx, ending, hold_all(tx, ending.organisation), by=by)


def hold_all(tx: Transaction, organisation: str) -> list[Order]:
    """Hold all that ends with a company: its orders, service accounts, licences (also those that are over: a
    service account's keys are held under them), keys, sandbox keys and invitations, each in the order of
    their numbers. Nothing is in the log of this transaction yet. Gives the orders that wait."""
    rows = tx.execute(
        select(orders)
        .where(waiting_orders(organisation))
        .order_by(orders.c.id)
        .with_for_update(key_share=True)
    ).all()
    programs = select(service_accounts.c.id).where(live_programs(organisation))
    tx.execute(programs.order_by(service_accounts.c.id).with_for_update())
    held = select(licences.c.id).where(licences.c.organisation == organisation)
    tx.execute(held.order_by(licences.c.id).with_for_update(key_share=True))
    hold_keys(tx, organisation)
    hold_sandbox_keys(tx, organisation)
    invited = select(invitations.c.id).where(open_invitations(organisation))
    tx.execute(invited.order_by(invitations.c.id).with_for_update())
    company = select(companies.c.organisation).where(companies.c.organisation == organisation)
    tx.execute(company.with_for_update(key_share=True))
    return [order_of(row) for row in rows]


def end_held(
    tx: Transaction, ending: Ending, waiting: list[Order], *, by: str, before: Sequence[Event] = ()
) -> dict[str, int]:
    """End what `hold_all` holds, and then write it to the log, after `before`; how many of each."""
    organisation = ending.organisation
    reason = f"the company ended: {ending.reason}" if ending.reason else "the company ended"
    ended = {
        "service_accounts": end_programs(tx, organisation, by=by, reason=reason),
        "licences": end_licences(tx, ending, by=by, reason=reason),
        "keys": end_keys(tx, organisation, by=by, reason=reason),
        "sandbox_keys": end_sandbox_keys(tx, organisation, by=by),
        "invitations": end_invitations(tx, organisation, by=by),
    }
    for event in before:
        append(tx, event)
    for order in waiting:
        move_order(tx, order, "withdrawn", by=by, detail={"reason": reason})
    for event in [each for events in ended.values() for each in events]:
        append(tx, event)
    return {"orders": len(waiting), **{name: len(events) for name, events in ended.items()}}


def waiting_orders(organisation: str) -> ColumnElement[bool]:
    return and_(orders.c.organisation == organisation, orders.c.status.in_(("placed", "offered")))


def live_programs(organisation: str) -> ColumnElement[bool]:
    return and_(service_accounts.c.organisation == organisation, service_accounts.c.status == "live")


def live_licences(organisation: str) -> ColumnElement[bool]:
    return and_(licences.c.organisation == organisation, licences.c.status.in_(("live", "suspended")))


def open_invitations(organisation: str) -> ColumnElement[bool]:
    return and_(invitations.c.organisation == organisation, invitations.c.status == "open")


def end_programs(tx: Transaction, organisation: str, *, by: str, reason: str) -> list[Event]:
    live = select(service_accounts.c.id).where(live_programs(organisation))
    found = list(tx.scalars(live.order_by(service_accounts.c.id)))
    for client_id in found:
        end_service_account(tx, client_id)
    kind, payload = "service_account.revoked", {"reason": reason}
    return [service_account_entry(kind, client_id, by=by, payload=payload) for client_id in found]


def end_licences(tx: Transaction, ending: Ending, *, by: str, reason: str) -> list[Event]:
    """As the holder ends them, or as they are ended with a reason by an operator; what is over, expires."""
    now: datetime = tx.execute(select(func.now())).scalar_one()
    wanted = select(licences).where(live_licences(ending.organisation)).order_by(licences.c.id)
    events = []
    for licence in [licence_of(row) for row in tx.execute(wanted)]:
        if now >= licence.over_at:
            over = write_end(tx, licence, "expired", by="marketplace", reason="the licence has expired")
            events.append(over)
        else:
            status = "revoked" if ending.by_operator else "ended"
            events.append(write_end(tx, licence, status, by=by, reason=reason))
    return events


def end_invitations(tx: Transaction, organisation: str, *, by: str) -> list[Event]:
    taken = (
        update(invitations)
        .where(open_invitations(organisation))
        .values(status="withdrawn")
        .returning(invitations.c.id, invitations.c.roles)
    )
    return [
        invitation_entry("withdrawn", row.id, by=by, organisation=organisation, roles=row.roles)
        for row in tx.execute(taken).all()
    ]
