"""Finds how a company ends: rows of the table as values."""

from typing import Any

from sqlalchemy import Row, select

from marketplace.company_endings.model import Ending
from marketplace.company_endings.tables import company_endings
from sandbox.database import Transaction


def ending_of_row(row: Row[Any]) -> Ending:
    return Ending(**row._mapping)


def find_ending(tx: Transaction, organisation: str, *, lock: bool = False) -> Ending | None:
    """The notice that stands, or how the company ended. None of those that were taken back."""
    wanted = select(company_endings).where(
        company_endings.c.organisation == organisation, company_endings.c.status != "withdrawn"
    )
    row = tx.execute(wanted.with_for_update() if lock else wanted).one_or_none()
    return ending_of_row(row) if row else None
