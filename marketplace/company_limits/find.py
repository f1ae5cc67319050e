"""Shows the limits of a company beside what it used of them this month, and who set them."""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import func, select

from marketplace.customers.find import find_company, no_company
from marketplace.customers.limits import NO_LIMITS, CompanyLimits, limits_set
from marketplace.licences.tables import licences
from marketplace.metering.months import month_of
from marketplace.metering.tables import company_places, months
from sandbox.database import Transaction
from sandbox.identity import Principal
from sandbox.policy import Gate, hidden_from_strangers


@dataclass(frozen=True)
class CompanyUse:
    """Limits, and what all licences of the company used in `month` (of the company's time zone). `bytes`
    counts rows and files from when a limit of them was set. `in_progress`: calls that portals answer now."""

    organisation: str
    month: str
    in_effect: CompanyLimits
    operator: CompanyLimits
    owner: CompanyLimits
    calls: int
    bytes: int
    in_progress: int


def company_use(tx: Transaction, *, gate: Gate, principal: Principal, organisation: str) -> CompanyUse:
    """Raises `NotFound`, also for whoever may not know of it."""
    company = find_company(tx, organisation)
    if company is None:
        raise no_company(organisation)
    seen = principal.organisation == organisation or bool(principal.roles & {"operator", "auditor"})
    with hidden_from_strangers(no_company(organisation), seen=seen):
        gate.require(principal, "view_company_limits", company.resource)
    month = month_of(datetime.now(UTC), company.time_zone)
    used = tx.execute(
        select(
            func.coalesce(func.sum(months.c.calls), 0).label("calls"),
            func.coalesce(func.sum(months.c.bytes), 0).label("bytes"),
        )
        .join(licences, licences.c.id == months.c.licence)
        .where(licences.c.organisation == organisation, months.c.month == month)
    ).one()
    # of a dead portal's places nothing is taken away here: the next call does it
    busy = select(func.coalesce(func.sum(company_places.c.places), 0)).where(
        company_places.c.organisation == organisation
    )
    found = limits_set(tx, organisation)
    operator, owner = found.get("operator", NO_LIMITS), found.get("owner", NO_LIMITS)
    return CompanyUse(
        organisation,
        month,
        operator.lower(owner),
        operator,
        owner,
        int(used.calls),
        int(used.bytes),
        int(tx.execute(busy).scalar_one()),
    )
