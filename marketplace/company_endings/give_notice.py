"""Gives notice that a company ends, takes it back, or ends it at once as an operator."""

from datetime import date, datetime, time, timedelta

from sqlalchemy import func, insert, select, update

from marketplace.company_endings.end_company import end_company
from marketplace.company_endings.find import ending_of_row, find_ending
from marketplace.company_endings.model import ENDING_STATUSES, Ending
from marketplace.company_endings.rules import EndingRules
from marketplace.company_endings.tables import company_endings
from marketplace.customers.find import ending_lock, find_company, no_company
from marketplace.customers.model import Company
from marketplace.lifecycle import check_step
from sandbox.audit import Event, append
from sandbox.city_time import CITY_TIME, city_date
from sandbox.database import Database, Transaction, lock_name
from sandbox.errors import Conflict, InvalidInput
from sandbox.identity import Principal
from sandbox.policy import Gate


def give_notice(
    database: Database,
    *,
    gate: Gate,
    rules: EndingRules,
    principal: Principal,
    reason: str = "",
    last_day: date | None = None,
) -> Ending:
    """An owner's notice: the company ends after its last day (of the city), by default the first one that is
    possible. Until then everything goes on.
    Raises `Forbidden`, `NotFound`, `InvalidInput`, `Conflict` if notice is given already."""
    with database.transaction() as tx:
        company = held_company(tx, principal.organisation)
        gate.require(principal, "end_own_company", company.resource)
        if find_ending(tx, company.organisation) is not None:
            raise notice_stands()
        now: datetime = tx.execute(select(func.now())).scalar_one()
        made = enter_notice(
            tx,
            company.organisation,
            by=principal.id,
            reason=reason.strip(),
            ends_at=end_of(last_day, now=now, rules=rules),
            by_operator=False,
        )
        append(tx, notice_event(made))
        return made


def withdraw_notice(database: Database, *, gate: Gate, principal: Principal) -> None:
    """Raises `Forbidden`, `NotFound`, `Conflict` without a notice."""
    with database.transaction() as tx:
        company = held_company(tx, principal.organisation)
        gate.require(principal, "end_own_company", company.resource)
        ending = find_ending(tx, company.organisation, lock=True)
        if ending is None:
            raise Conflict(
                "No notice is given.",
                code="no_notice",
                remedy="There is nothing to take back.",
                zh="没有终止通知。",
                remedy_zh="没有可撤回的通知。",
            )
        step = check_step(ENDING_STATUSES, thing="notice", now=ending.status, then="withdrawn")
        tx.execute(
            update(company_endings).where(company_endings.c.id == ending.id).values(status="withdrawn")
        )
        append(tx, Event(kind=step.event, actor=principal.id, subject=f"company:{company.organisation}"))


def end_as_operator(
    database: Database,
    *,
    gate: Gate,
    rules: EndingRules,
    principal: Principal,
    organisation: str,
    reason: str,
) -> Ending:
    """End a company at once, whether notice was given or not; its open invoices are finalised by the job.
    Raises `Forbidden`, `NotFound`, `InvalidInput` without a reason."""
    if not reason.strip():
        raise InvalidInput(
            "A company is not ended without a reason.",
            code="reason_missing",
            remedy="Say why; the company will read it.",
            zh="终止企业的使用须说明理由。",
            remedy_zh="请写明理由，该企业可以看到。",
        )
    with database.transaction() as tx:
        company = held_company(tx, organisation)
        gate.require(principal, "end_company", company.resource)
        now: datetime = tx.execute(select(func.now())).scalar_one()
        standing = find_ending(tx, organisation, lock=True)
        notice: tuple[Event, ...] = ()
        if standing is None:
            standing = enter_notice(
                tx, organisation, by=principal.id, reason=reason.strip(), ends_at=now, by_operator=True
            )
            notice = (notice_event(standing),)
        else:
            tx.execute(
                update(company_endings)
                .where(company_endings.c.id == standing.id)
                .values(ends_at=now, reason=reason.strip(), noticed_by=principal.id, by_operator=True)
            )
        # the notice is logged with the end, when everything is held: see end_company.py
        return end_company(tx, organisation, rules=rules, by=principal.id, before=notice)


def held_company(tx: Transaction, organisation: str) -> Company:
    """The company, while whatever is decided on its end waits. Raises `NotFound`."""
    lock_name(tx, ending_lock(organisation))
    company = find_company(tx, organisation)
    if company is None:
        raise no_company(organisation)
    return company


def enter_notice(
    tx: Transaction, organisation: str, *, by: str, reason: str, ends_at: datetime, by_operator: bool
) -> Ending:
    """The caller appends its `notice_event`."""
    return ending_of_row(
        tx.execute(
            insert(company_endings)
            .values(
                organisation=organisation,
                status="noticed",
                reason=reason,
                noticed_by=by,
                ends_at=ends_at,
                by_operator=by_operator,
            )
            .returning(*company_endings.c)
        ).one()
    )


def notice_event(ending: Ending) -> Event:
    return Event(
        kind=ENDING_STATUSES["noticed"].event,
        actor=ending.noticed_by,
        subject=f"company:{ending.organisation}",
        payload={
            "reason": ending.reason,
            "ends_at": ending.ends_at.isoformat(),
            "by_operator": ending.by_operator,
        },
    )


def end_of(last_day: date | None, *, now: datetime, rules: EndingRules) -> datetime:
    """When a company ends that notice is given of: pure. Raises `InvalidInput`."""
    first, latest = city_date(now + rules.notice), city_date(now + rules.longest_notice)
    chosen = last_day or first
    if not first <= chosen <= latest:
        raise InvalidInput(
            f"The last day cannot be {chosen.isoformat()}.",
            code="notice_too_short" if chosen < first else "notice_too_long",
            remedy=f"Choose a day from {first.isoformat()} to {latest.isoformat()}.",
            zh=f"最后一日不能是 {chosen.isoformat()}。",
            remedy_zh=f"请选择 {first.isoformat()} 至 {latest.isoformat()} 之间的日期。",
        )
    return datetime.combine(chosen + timedelta(days=1), time(), CITY_TIME)


def notice_stands() -> Conflict:
    return Conflict(
        "Notice is given already.",
        code="notice_given",
        remedy="Take it back first to choose another day.",
        zh="已经通知终止。",
        remedy_zh="如需更改日期，请先撤回通知。",
    )
