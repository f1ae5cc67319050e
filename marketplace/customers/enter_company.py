"""Enters or changes the record of a company; another name or code is verified anew."""

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from marketplace.customers.find import company_of, find_company
from marketplace.customers.model import Company, read_credit_code
from marketplace.customers.record import CompanyRecord, read_time_zone
from marketplace.customers.tables import companies
from sandbox import notices
from sandbox.audit import Event, append
from sandbox.database import Database, Transaction, lock_name
from sandbox.errors import Conflict
from sandbox.identity import Principal
from sandbox.identity.organisations import mark_unverified
from sandbox.policy import Gate, Resource


def enter_company(database: Database, *, gate: Gate, principal: Principal, record: CompanyRecord) -> Company:
    """Raises `Forbidden`, `InvalidInput`, `Conflict` if another company has the code."""
    organisation = principal.organisation
    gate.require(
        principal, "enter_company", Resource("Company", organisation, {"organisation": organisation})
    )
    values = values_of(record)
    with database.transaction() as tx:
        require_free_code(tx, values["credit_code"], organisation=organisation)
        before = find_company(tx, organisation)
        same = before is not None and (before.name, before.credit_code) == (
            values["name"],
            values["credit_code"],
        )
        status = before.status if before and same and before.status == "verified" else "entered"
        decided = {} if status == "verified" else {"decided_by": None, "decided_at": None, "reason": None}
        row = values | decided | {"status": status, "entered_by": principal.id}
        entered = company_of(
            tx.execute(
                insert(companies)
                .values(organisation=organisation, **row)
                .on_conflict_do_update(
                    index_elements=[companies.c.organisation], set_=row | {"entered_at": func.now()}
                )
                .returning(*companies.c)
            ).one()
        )
        mark_unverified(tx, organisation, unverified=entered.unverified)
        append(
            tx,
            Event(
                kind="company.entered",
                actor=principal.id,
                subject=f"company:{organisation}",
                payload={"credit_code": values["credit_code"], "status": status},
            ),
            to=[notices.OPERATORS] if status == "entered" else (),
        )
        return entered


def values_of(record: CompanyRecord) -> dict[str, str]:
    """The columns of a record, read. Raises `InvalidInput`."""
    return record.model_dump() | {
        "credit_code": read_credit_code(record.credit_code),
        "time_zone": read_time_zone(record.time_zone),
    }


def hold_codes(tx: Transaction) -> None:
    """Entries and verifications of one code queue here."""
    lock_name(tx, "market.companies")


def require_free_code(tx: Transaction, credit_code: str, *, organisation: str) -> None:
    """Raises `Conflict` if another organisation is verified with this code: what nobody has verified keeps
    nobody's code from them."""
    hold_codes(tx)
    other = tx.execute(
        select(companies.c.organisation).where(
            companies.c.credit_code == credit_code,
            companies.c.organisation != organisation,
            companies.c.status == "verified",
        )
    ).first()
    if other is not None:
        raise Conflict(
            "Another organisation is verified with this code.",
            code="credit_code_taken",
            remedy="Check the code; if it is yours, tell the operator.",
            zh="该统一社会信用代码已由其他单位登记。",
            remedy_zh="请核对；如确属本单位，请联系运营人员。",
        )
