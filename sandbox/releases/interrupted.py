"""Closes the questions and officers' purchases that the end of a vault cut off: to be called when a vault
starts, before it answers anybody.

Their loss stays spent: how far each had come could depend on the data.
"""

from sqlalchemy import Table, update

from sandbox.audit import Event, append
from sandbox.database import Database
from sandbox.releases.tables import questions


def close_interrupted(
    database: Database, table: Table = questions, *, event: str = "query", subject: str = "question"
) -> int:
    """Every row of the table that is still `asked` becomes `interrupted`, with its log entry; how many there
    were. `event` begins the name of the entry, `subject` names what it is about."""
    with database.transaction() as tx:
        cut = (
            tx.execute(
                update(table)
                .where(table.c.status == "asked")
                .values(status="interrupted")
                .returning(table.c.id)
            )
            .scalars()
            .all()
        )
        for id in sorted(cut):
            append(tx, Event(f"{event}.interrupted", "vault", f"{subject}:{id}", {}))
    return len(cut)
