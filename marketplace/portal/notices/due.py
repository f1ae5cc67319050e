"""Tells what comes due by the clock in the market: an invoice that is late, a licence that ends soon, a quota
or a company's limit that is nearly used, a network that is new to a key. Each is told once: its id is derived
from what it tells."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import exists, func, literal, select

from marketplace.customers.limits import NO_LIMITS, company_limits, limits_set
from marketplace.customers.tables import companies
from marketplace.invoices.tables import invoices
from marketplace.keys.networks import new_networks
from marketplace.licences.find import licence_of
from marketplace.licences.tables import licences
from marketplace.metering.months import month_of
from marketplace.metering.tables import months
from sandbox import notices
from sandbox.database import Transaction
from sandbox.notices.tables import notices as told

WARNED_BEFORE = timedelta(days=14)
NEAR_PERCENT = 80
NEW_FOR = timedelta(days=1)
"""A new network that nobody looked at for so long, because no portal ran, is told no more."""
ACTOR = "marketplace"


def tell_due(tx: Transaction, now: datetime) -> None:
    """Tell all of them, in the caller's transaction."""
    _overdue_invoices(tx, now)
    _ending_licences(tx, now)
    _near_quotas(tx, now)
    _near_limits(tx, now)
    _new_networks(tx, now)


def _overdue_invoices(tx: Transaction, now: datetime) -> None:
    """An invoice stays late for as long as nobody pays it: what was told is not even read again."""
    late = select(invoices.c.id, invoices.c.organisation).where(
        invoices.c.status == "final",
        invoices.c.due_at < now,
        invoices.c.total_fen > 0,
        ~exists().where(told.c.id == literal("invoice.overdue:") + invoices.c.id),
    )
    for row in tx.execute(late).all():
        _tell(tx, "invoice.overdue", row.id, to=[notices.finance(row.organisation)])


def _ending_licences(tx: Transaction, now: datetime) -> None:
    """One that was given for a shorter time ends soon from its first day: nobody is told."""
    ending = select(licences.c.id, licences.c.organisation, licences.c.ends_at).where(
        licences.c.status == "live",
        licences.c.ends_at > now,
        licences.c.ends_at <= now + WARNED_BEFORE,
        licences.c.starts_at <= licences.c.ends_at - WARNED_BEFORE,
    )
    for row in tx.execute(ending).all():
        _tell(
            tx, "licence.expiring", row.id, row.ends_at.isoformat(), to=[notices.developers(row.organisation)]
        )


def _near_quotas(tx: Transaction, now: datetime) -> None:
    used = (
        select(licences, months.c.calls, months.c.month)
        .join(months, months.c.licence == licences.c.id)
        .where(
            licences.c.status == "live",
            months.c.calls > 0,
            months.c.month >= month_of(now - timedelta(days=1), "UTC"),
        )
    )
    for row in tx.execute(used).all():
        licence = licence_of(row)
        if row.month != month_of(now, licence.time_zone):
            continue
        if row.calls * 100 >= licence.terms.calls_per_month * NEAR_PERCENT:
            _tell(tx, "licence.near_quota", row.id, str(row.month), to=[notices.developers(row.organisation)])


def _near_limits(tx: Transaction, now: datetime) -> None:
    limited = select(company_limits.c.organisation, companies.c.time_zone).join(
        companies, companies.c.organisation == company_limits.c.organisation
    )
    for organisation, time_zone in tx.execute(limited.distinct()).all():
        month = month_of(now, time_zone)
        found = limits_set(tx, organisation)
        most = found.get("operator", NO_LIMITS).lower(found.get("owner", NO_LIMITS))
        used = tx.execute(
            select(func.coalesce(func.sum(months.c.calls), 0), func.coalesce(func.sum(months.c.bytes), 0))
            .join(licences, licences.c.id == months.c.licence)
            .where(licences.c.organisation == organisation, months.c.month == month)
        ).one()
        pairs = ((used[0], most.calls_per_month), (used[1], most.bytes_per_month))
        if any(limit is not None and each * 100 >= limit * NEAR_PERCENT for each, limit in pairs):
            _tell(
                tx,
                "company.near_limit",
                organisation,
                str(month),
                to=[notices.developers(organisation), notices.finance(organisation)],
            )


def _new_networks(tx: Transaction, now: datetime) -> None:
    """To its company, and to the department whose risk watch shows it; the network itself stands there."""
    for each in new_networks(tx, since=now - NEW_FOR, department=None):
        _tell(
            tx,
            "licence.new_network",
            each.licence,
            str(each.key),
            each.network,
            each.first_seen.isoformat(),
            to=[notices.developers(each.organisation), notices.officers(each.department)],
        )


def _tell(tx: Transaction, event: str, name: object, *period: str, to: Iterable[str]) -> None:
    """Once for each thing and period; the thing's noun is the event's."""
    noun, id = event.partition(".")[0], ":".join((event, str(name), *period))
    notices.tell(tx, id=id, event=event, about=f"{noun}:{name}", actor=ACTOR, to=to)
