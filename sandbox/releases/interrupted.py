"""Closes the questions that the end of a vault cut off:
to be called when a vault starts, before it answers anybody.

Their loss stays spent: how far each had come could depend on the data.
"""

from sqlalchemy import update

from sandbox.audit import Event, append
from sandbox.database import Database
from sandbox.releases.tables import questions


def close_interrupted(database: Database) -> int:
    """Every question that is still `asked` becomes `interrupted`, with its log entry; how many there were."""
    with database.transaction() as tx:
        cut = (
            tx.execute(
                update(questions)
                .where(questions.c.status == "asked")
                .values(status="interrupted")
                .returning(questions.c.id)
            )
            .scalars()
            .all()
        )
        for id in sorted(cut):
            append(tx, Event("query.interrupted", "vault", f"question:{id}", {}))
    return len(cut)
