"""Ends a licence: its holder at once or on a day, the seller with notice or, for misuse, at once; or it
expires."""

from datetime import date, datetime, time, timedelta

from sqlalchemy import func, select, update

from marketplace.licences.find import lock_licence, may_know, no_licence
from marketplace.licences.model import LICENCE_STATUSES, Licence
from marketplace.licences.tables import licences
from marketplace.lifecycle import check_step
from marketplace.offers.price_rules import PriceRules
from sandbox import notices
from sandbox.audit import Event, append
from sandbox.city_time import CITY_TIME, city_date
from sandbox.database import Database, Transaction
from sandbox.errors import InvalidInput
from sandbox.identity import Principal
from sandbox.policy import Gate, Resource, hidden_from_strangers


def revoke_licence(
    database: Database, *, gate: Gate, principal: Principal, licence_id: int, reason: str
) -> None:
    """End a licence: the next call by any of its keys is refused.
    Raises `Forbidden`, `NotFound`, `Conflict`."""
    require_reason(reason)
    with database.transaction() as tx:
        licence = lock_licence(tx, licence_id)
        with hidden_from_strangers(no_licence(licence_id), seen=may_know(principal, licence)):
            gate.require(principal, "revoke_licence", Resource("Licence", str(licence.id), licence.cedar))
        end(tx, licence, "revoked", by=principal.id, reason=reason.strip())


def require_reason(reason: str) -> str:
    """Raises `InvalidInput` without one."""
    if not reason.strip():
        raise InvalidInput(
            "A licence is not ended without a reason.",
            remedy="Say why; the other side will read it.",
            zh="终止或中止许可须说明理由。",
            remedy_zh="请写明理由，对方会看到。",
        )
    return reason.strip()


def end_licence(
    database: Database,
    *,
    gate: Gate,
    rules: PriceRules,
    principal: Principal,
    licence_id: int,
    reason: str,
    last_day: date | None = None,
) -> datetime:
    """End a licence before its time; gives when. Its holder may at once, the seller after the notice in
    policies/prices.yaml (at once is `revoke_licence`, for misuse).
    Raises `Forbidden`, `NotFound`, `Conflict`, `InvalidInput`."""
    why = require_reason(reason)
    with database.transaction() as tx:
        licence = lock_licence(tx, licence_id)
        with hidden_from_strangers(no_licence(licence_id), seen=may_know(principal, licence)):
            gate.require(principal, "end_licence", Resource("Licence", str(licence.id), licence.cedar))
        now: datetime = tx.execute(select(func.now())).scalar_one()
        by_holder = principal.organisation == licence.organisation
        if by_holder and last_day is None:
            end(tx, licence, "ended", by=principal.id, reason=why)
            return now
        ends_at = end_of_notice(
            now=now,
            last_day=last_day,
            notice=timedelta() if by_holder else rules.end_notice,
            until=licence.ends_at,
        )
        tx.execute(
            update(licences)
            .where(licences.c.id == licence.id)
            .values(ends_at=ends_at, notice_by=principal.id, notice_at=now, notice_reason=why)
        )
        append(
            tx,
            Event(
                kind="licence.notice_given",
                actor=principal.id,
                subject=f"licence:{licence.id}",
                payload={"reason": why, "ends_at": ends_at.isoformat()},
            ),
            to=[notices.developers(licence.organisation)],
        )
        return ends_at


def end_of_notice(*, now: datetime, last_day: date | None, notice: timedelta, until: datetime) -> datetime:
    """When a licence ends that notice is given of: pure. Raises `InvalidInput` if that is too early, or not
    before it ends anyhow."""
    first = city_date(now + notice)
    last = last_day or first
    ends_at = datetime.combine(last + timedelta(days=1), time(), CITY_TIME)
    if last < first or ends_at >= until:
        raise InvalidInput(
            f"This licence cannot end on {last.isoformat()}.",
            code="notice_too_short" if last < first else "ends_before",
            remedy=f"Its last day can be {first.isoformat()} or later, and before it ends by itself.",
            zh=f"许可不能在 {last.isoformat()} 终止。",
            remedy_zh=f"最后一日不得早于 {first.isoformat()}，且须早于其到期日。",
        )
    return ends_at


def expire_if_over(tx: Transaction, licence: Licence, now: datetime) -> bool:
    """Whether the licence, which the caller holds locked, is over; writes it down the first time."""
    if licence.status in ("live", "suspended") and now >= licence.over_at:
        end(tx, licence, "expired", by="marketplace", reason="the licence has expired")
        return True
    return licence.status == "expired"


def end(tx: Transaction, licence: Licence, status: str, *, by: str, reason: str) -> None:
    ended = write_end(tx, licence, status, by=by, reason=reason)
    append(tx, ended, to=[notices.developers(licence.organisation)])


def write_end(tx: Transaction, licence: Licence, status: str, *, by: str, reason: str) -> Event:
    """End a licence that the caller holds; gives the entry, which the caller appends."""
    step = check_step(LICENCE_STATUSES, thing="licence", now=licence.status, then=status)
    tx.execute(
        update(licences)
        .where(licences.c.id == licence.id)
        .values(status=status, ended_at=func.now(), ended_by=by, ended_reason=reason)
    )
    return Event(kind=step.event, actor=by, subject=f"licence:{licence.id}", payload={"reason": reason})
