"""Finds a stored answer for those who may see it: those whose list of grants has the grant of the answer.
What was released stays released, so the end of a grant takes no answer from its team."""

from typing import Any
from uuid import UUID

from sqlalchemy import Row, select

from sandbox.database import Transaction
from sandbox.errors import NotFound
from sandbox.grants import list_grants
from sandbox.identity import Principal
from sandbox.releases.tables import questions


def seen_answer(tx: Transaction, principal: Principal, number: UUID) -> Row[Any]:
    """The question's row; its answer is there. Raises `NotFound`."""
    row = tx.execute(select(questions).where(questions.c.id == number)).first()
    seen = row is not None and row.grant in {grant.id for grant in list_grants(tx, principal)}
    if row is None or not seen or row.answer is None:
        raise NotFound("There is no such answer that you may see.", zh="没有你可以查看的这个回答。")
    return row
