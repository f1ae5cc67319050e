"""How does a run end for those who wait for it? Its files' rows, its state and its log entry, at once and at the told moment."""

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import select, update

from sandbox.audit import Event, append
from sandbox.database import Database, Transaction
from sandbox.jobs.desk import RunDesk
from sandbox.jobs.model import Hint, RunState
from sandbox.jobs.outbox import Collected
from sandbox.jobs.permit import revoked_grant
from sandbox.jobs.quarantine import files_of, folder, put_files, record_files
from sandbox.jobs.read import load_run
from sandbox.jobs.sealed_run import Ending
from sandbox.jobs.tables import runs
from sandbox.storage import ObjectVersion

INTERRUPTED = Ending("interrupted", None, 0.0, b"", Collected())


def finish(database: Database, id: UUID, stored: dict[str, ObjectVersion],
           keep: Callable[[Transaction], None] | None = None, hint: Hint = Hint.NOT_RUN) -> bool:
    """The run is finished, and these are its files; False if it was cancelled before. What the log tells of them is
    committed to, and opened to auditors alone. `keep`: what else is to be kept of it, in the same transaction. `hint` is told,
    and logged, only of a run that has bits for it and whose grants were not revoked while it ran."""
    with database.transaction() as tx:
        run = load_run(tx, id, lock=True)
        if run.state is not RunState.RUNNING:
            return False
        told = revoked_grant(tx, run.inputs) is None
        record_files(tx, id, stored)
        if keep is not None:
            keep(tx)
        tx.execute(update(runs).where(runs.c.id == id).values(state=RunState.FINISHED.value, ended_at=datetime.now(UTC)))
        append(tx, Event("run.finished", "vault", f"run:{id}", {
            "files": [{"path": path, "sha256": one.sha256, "size": one.size} for path, one in sorted(stored.items())]}))
        if run.hint_bits and told:
            tx.execute(update(runs).where(runs.c.id == id).values(hint=hint.value))
            append(tx, Event("run.hinted", "vault", f"run:{id}", {"class": hint.value, "bits": run.hint_bits}))
    return True


def finish_interrupted(desk: RunDesk) -> int:
    """Finish the runs that had started when the vault died: none is ever started again. How many there were."""
    with desk.database.transaction() as tx:
        left = tx.scalars(select(runs.c.id).where(runs.c.state == RunState.RUNNING.value)).all()
    for id in left:
        desk.quarantine.clear(folder(id))
        if not finish(desk.database, id, put_files(desk.quarantine, id, files_of(INTERRUPTED))):
            desk.quarantine.clear(folder(id))  # its team called it off meanwhile
    return len(left)
