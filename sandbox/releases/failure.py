"""What happens when a question fails after data was touched? The same whatever it was: it could depend on a row."""

from uuid import UUID

from sqlalchemy import update

from sandbox.audit import Event, append
from sandbox.database import Database
from sandbox.errors import Unavailable
from sandbox.identity import Principal
from sandbox.releases.tables import questions


def failed(database: Database, principal: Principal, id: UUID, failure: Exception) -> Unavailable:
    """Note a failure, at the moment at which an answer would have left (moment.py), and give the one error there is.

    What it was is told to nobody but the operator, by its type alone; the loss stays spent.
    """
    with database.transaction() as tx:
        tx.execute(update(questions).where(questions.c.id == id).values(status="failed"))
        append(tx, Event("query.failed", principal.id, f"question:{id}", {}))
    return Unavailable("The question failed. Its loss stays spent, because a failure can depend on the data.",
                       code="query_failed", mend="Tell the operator the question's number.",
                       zh="此问失败。其花费不退,因为失败可能与数据有关。", mend_zh="请把问题编号告诉运营人员。",
                       internal=f"question {id}: {type(failure).__name__}")
