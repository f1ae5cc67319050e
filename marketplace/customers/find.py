"""Finds companies: rows of the table as values."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Row, select

from marketplace.customers.model import Company
from marketplace.customers.tables import companies
from sandbox.city_time import CITY_TIME_ZONE
from sandbox.database import Transaction, lock_name
from sandbox.errors import NotFound


def find_company(tx: Transaction, organisation: str) -> Company | None:
    wanted = select(companies).where(companies.c.organisation == organisation)
    row = tx.execute(wanted).one_or_none() if "\0" not in organisation else None
    return company_of(row) if row else None


def company_names(tx: Transaction, organisations: Iterable[str]) -> dict[str, str]:
    """The names that companies gave, by organisation; an organisation without a record is not in it."""
    wanted = select(companies.c.organisation, companies.c.name)
    found = tx.execute(wanted.where(companies.c.organisation.in_(sorted(set(organisations)))))
    return {row.organisation: row.name for row in found}


def no_company(organisation: str) -> NotFound:
    return NotFound(
        f"{organisation[:70]!r} has entered no company record.",
        remedy="An owner, a buyer or finance of the organisation enters it: POST /api/v1/company.",
        zh=f"“{organisation[:70]}”尚未登记企业信息。",
        remedy_zh="请由本单位的负责人、采购人员或财务人员登记：POST /api/v1/company。",
    )


def ending_lock(organisation: str) -> str:
    """The name under which is decided on the end of a company."""
    return f"market.company ending {organisation}"


def share_ending(tx: Transaction, organisation: str) -> None:
    """The company does not end until this transaction is over. Taken before the company is read for the
    gate: what is made for it is there before its end, and ends with it, or is refused."""
    lock_name(tx, ending_lock(organisation), shared=True)


def all_companies(tx: Transaction) -> list[Company]:
    """Those that wait for an operator first."""
    wanted = select(companies).order_by(companies.c.status != "entered", companies.c.entered_at)
    return [company_of(row) for row in tx.execute(wanted)]


def time_zone_of(tx: Transaction, organisation: str) -> str:
    """In which its months begin: of its record, else the city's."""
    company = find_company(tx, organisation)
    return company.time_zone if company else CITY_TIME_ZONE


def company_of(row: Row[Any]) -> Company:
    return Company(**row._mapping)
