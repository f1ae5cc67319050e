"""Turns the failure of a question after data was touched into one answer: always the same, because what
failed could depend on a row.

One thing is reported as it is: that the grant or the account ended while the question ran. It is public to
the caller, and depends on no row.
"""

from uuid import UUID

from sqlalchemy import update

from sandbox.audit import Event, append
from sandbox.database import Database
from sandbox.errors import CihuError, Forbidden, NotAuthenticated, Unavailable
from sandbox.identity import Principal
from sandbox.policy import Refused, refusal_event
from sandbox.releases.tables import questions


def failed(database: Database, principal: Principal, id: UUID, failure: Exception) -> CihuError:
    """Note a failure, at the moment at which an answer would have left (response_time.py),
    and return the error that is shown.

    The cause is shown to nobody but the operator, by its type alone. The loss stays spent.
    """
    with database.transaction() as tx:
        tx.execute(update(questions).where(questions.c.id == id).values(status="failed"))
        append(tx, Event("query.failed", principal.id, f"question:{id}", {}))
        if isinstance(failure, Refused):
            append(tx, refusal_event(failure.decision))
    if isinstance(failure, Refused | NotAuthenticated):
        return ended_meanwhile(failure)
    return Unavailable(
        "The question failed. Its loss stays spent, because a failure can depend on the data.",
        code="query_failed",
        remedy="Tell the operator the question's number.",
        zh="此问失败。其花费不退，因为失败可能与数据有关。",
        remedy_zh="请把问题编号告诉运营人员。",
        internal=f"question {id}: {type(failure).__name__}",
    )


def ended_meanwhile(refusal: Refused | NotAuthenticated) -> Forbidden:
    """A decision that was for the asker before data was touched,
    and against them when the answer was to leave."""
    return Forbidden(
        f"{refusal.message} This was decided again before the answer could leave, so none does. "
        "What was reserved for the question stays spent.",
        code=refusal.code,
        remedy=refusal.remedy,
        zh=f"{refusal.zh or refusal.message}结果放行之前会再次判定，因此没有结果。为此问预留的预算不退。",
        remedy_zh=refusal.remedy_zh,
    )
