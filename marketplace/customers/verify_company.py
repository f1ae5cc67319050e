"""Verifies a company's record, or refuses it with a reason: an operator compares it with the register."""

from sqlalchemy import func, select, update

from marketplace.customers.enter_company import hold_codes, require_free_code
from marketplace.customers.find import company_of, find_company, no_company
from marketplace.customers.model import COMPANY_STATUSES, Company
from marketplace.customers.tables import companies
from marketplace.lifecycle import check_step
from sandbox import notices
from sandbox.audit import Event, append
from sandbox.database import Database
from sandbox.errors import Conflict
from sandbox.identity import Principal
from sandbox.identity.organisations import mark_unverified
from sandbox.policy import Gate, Resource


def decide_company(
    database: Database,
    *,
    gate: Gate,
    principal: Principal,
    organisation: str,
    status: str,
    reason: str,
    seen: str | None = None,
) -> Company:
    """`status`: verified or refused. `seen`: the digest of the record that the operator looked at; the
    decision counts for that record alone. Raises `Forbidden`, `NotFound`, `Conflict`."""
    with database.transaction() as tx:
        gate.require(
            principal, "verify_company", Resource("Company", organisation, {"organisation": organisation})
        )
        hold_codes(tx)  # before the record: who enters one holds them in this order, too
        if find_company(tx, organisation) is None:
            raise no_company(organisation)
        held = company_of(
            tx.execute(
                select(companies).where(companies.c.organisation == organisation).with_for_update()
            ).one()
        )
        if seen is not None and seen != held.digest:
            raise Conflict(
                "The record was changed after you looked at it.",
                code="record_changed",
                remedy="Look at it again, and send the digest of what you see.",
                zh="该企业信息在您查看之后已被修改。",
                remedy_zh="请重新查看，并提交所见内容的摘要（digest）。",
            )
        if status == "verified":
            require_free_code(tx, held.credit_code, organisation=organisation)
        step = check_step(COMPANY_STATUSES, thing="company record", now=held.status, then=status)
        append(
            tx,
            Event(
                kind=step.event,
                actor=principal.id,
                subject=f"company:{organisation}",
                payload={"reason": reason, "record": held.digest},
            ),
            to=[notices.buyers(organisation)],
        )
        decided = (
            update(companies)
            .where(companies.c.organisation == organisation)
            .values(status=status, decided_by=principal.id, decided_at=func.now(), reason=reason or None)
            .returning(*companies.c)
        )
        company = company_of(tx.execute(decided).one())
        mark_unverified(tx, organisation, unverified=company.unverified)
        return company
