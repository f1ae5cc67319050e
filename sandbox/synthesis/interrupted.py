"""Closes the purchases of stand-in rows that the end of a vault cut off, when a vault starts.
Their loss stays spent."""

from sqlalchemy import update

from sandbox.audit import Event, append
from sandbox.catalog.tables import stand_ins
from sandbox.database import Database


def close_interrupted(database: Database) -> int:
    """Every purchase that is still `asked` becomes `interrupted`, with its log entry; how many there were."""
    with database.transaction() as tx:
        cut = (
            tx.execute(
                update(stand_ins)
                .where(stand_ins.c.status == "asked")
                .values(status="interrupted")
                .returning(stand_ins.c.id)
            )
            .scalars()
            .all()
        )
        for id in sorted(cut):
            append(tx, Event("stand_in.interrupted", "vault", f"stand-in:{id}", {}))
    return len(cut)
