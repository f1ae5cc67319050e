"""Lists what a team's budget was spent on, and by whom: its own questions, for its own members."""

from typing import Any

from sqlalchemy import func, or_, select

from sandbox.database import Transaction
from sandbox.grants import Grant
from sandbox.grants.tables import grants
from sandbox.releases.tables import questions

NEWEST, SHOWN_CHARACTERS = 50, 500


def spending(tx: Transaction, grant: Grant) -> dict[str, Any]:
    """Each member's share of the account of `grant` (a team's on a dataset),
    and its newest charged questions.

    A question that failed or was cut off is in it: its loss stays spent. Free answers are not.
    """
    account = select(grants.c.id).where(grants.c.team == grant.team, grants.c.dataset == grant.dataset)
    numbers = list(tx.execute(account).scalars())
    charged = (
        or_(questions.c.grant.in_(numbers), questions.c.joined_grants.overlap(numbers)),
        questions.c.picorho > 0,
    )
    people = tx.execute(
        select(
            questions.c.asked_by,
            func.count().label("questions"),
            func.sum(questions.c.picorho).label("picorho"),
        )
        .where(*charged)
        .group_by(questions.c.asked_by)
        .order_by(func.sum(questions.c.picorho).desc(), questions.c.asked_by)
    )
    newest = tx.execute(
        select(
            questions.c.id,
            questions.c.asked_by,
            questions.c.asked_at,
            func.left(questions.c.sql, SHOWN_CHARACTERS).label("sql"),
            questions.c.picorho,
            questions.c.status,
            questions.c.grant,
        )
        .where(*charged)
        .order_by(questions.c.asked_at.desc(), questions.c.id)
        .limit(NEWEST)
    )
    return {
        "people": [
            {"who": row.asked_by, "questions": int(row.questions), "picorho": int(row.picorho)}
            for row in people
        ],
        "questions": [
            {
                "answer_id": str(row.id),
                "who": row.asked_by,
                "at": row.asked_at.isoformat(),
                "sql": row.sql,
                "picorho": int(row.picorho),
                "status": row.status,
                "grant": row.grant,
            }
            for row in newest
        ],
    }
