"""Sets the limits of a whole company: an operator as the city wants them, an owner lower ones.

They count from the next call on. Whoever sets the first ones marks the company's licences while it holds
them, so no call is at a licence that is not marked (as `metering/shared_months.py` does it for siblings).
"""

from dataclasses import asdict
from typing import Any

from sqlalchemy import Select, delete, select, text, update
from sqlalchemy.dialects.postgresql import insert

from marketplace.customers.find import find_company, no_company
from marketplace.customers.limits import (
    NO_LIMITS,
    CompanyLimits,
    SetBy,
    company_limits,
    limit_lock,
    limits_set,
)
from marketplace.licences.tables import licences
from sandbox.audit import Event, append
from sandbox.database import Database, Transaction, lock_name
from sandbox.errors import InvalidInput, Unavailable
from sandbox.identity import Principal
from sandbox.policy import Gate

TRIES = 10
ACTIONS: dict[SetBy, str] = {"operator": "set_company_limits", "owner": "lower_company_limits"}


def set_limits(
    database: Database,
    *,
    gate: Gate,
    principal: Principal,
    organisation: str,
    by: SetBy,
    limits: CompanyLimits,
    reason: str = "",
) -> None:
    """Set all limits of one side anew: what is None is no limit of this side.
    Raises `Forbidden`, `NotFound`, `InvalidInput` for an owner's limit that is above the operator's."""
    for _ in range(TRIES):
        with database.transaction() as tx:
            company = find_company(tx, organisation)
            if company is None:
                raise no_company(organisation)
            gate.require(principal, ACTIONS[by], company.resource)
            held = lock_licences(tx, organisation)
            lock_name(tx, limit_lock(organisation))
            if list(tx.scalars(licences_of(organisation))) != held:
                continue  # one was issued meanwhile: it is held, too, the next time
            write_limits(tx, organisation, by=by, limits=limits, account=principal.id, reason=reason.strip())
            return
    raise Unavailable("Licences are being issued to this company.", remedy="Try again in a minute.")


def licences_of(organisation: str) -> Select[Any]:
    return select(licences.c.id).where(licences.c.organisation == organisation).order_by(licences.c.id)


def lock_licences(tx: Transaction, organisation: str) -> list[int]:
    return list(tx.scalars(licences_of(organisation).with_for_update(key_share=True)))


def write_limits(
    tx: Transaction, organisation: str, *, by: SetBy, limits: CompanyLimits, account: str, reason: str
) -> None:
    before = limits_set(tx, organisation)
    if by == "owner" and (higher := limits.above(before.get("operator", NO_LIMITS))):
        raise limit_above(higher[0], getattr(before["operator"], higher[0]))
    values = {**asdict(limits), "account": account, "reason": reason}
    if limits == NO_LIMITS:
        own = (company_limits.c.organisation == organisation) & (company_limits.c.set_by == by)
        tx.execute(delete(company_limits).where(own))
    else:
        tx.execute(
            insert(company_limits)
            .values(organisation=organisation, set_by=by, **values)
            .on_conflict_do_update(
                index_elements=["organisation", "set_by"], set_={**values, "set_at": text("now()")}
            )
        )
    # written also where nothing changes: the portals hear of it, and read the limits again
    limited = bool(limits_set(tx, organisation))
    tx.execute(update(licences).where(licences.c.organisation == organisation).values(limited=limited))
    append(
        tx,
        Event(
            kind="company.limits_set",
            actor=account,
            subject=f"company:{organisation}",
            payload={"by": by, "reason": reason, "before": asdict(before.get(by, NO_LIMITS))}
            | asdict(limits),
        ),
    )


def limit_above(name: str, most: int) -> InvalidInput:
    return InvalidInput(
        f"{name} is above what the operator set, which is {most}.",
        code="limit_too_high",
        remedy=f"Set {most} or less; the operator can raise it.",
        zh=f"{name} 高于运营人员设定的 {most}。",
        remedy_zh=f"请设为 {most} 或更低；如需调高请联系运营人员。",
    )
