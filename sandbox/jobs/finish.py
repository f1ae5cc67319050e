"""Ends a run for those who wait for it: its files' rows, its state and its log entry, at once and at the
moment of disclosure."""

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import select, update

from sandbox import notices
from sandbox.audit import Event, append
from sandbox.database import Database, Transaction
from sandbox.jobs.context import RunContext
from sandbox.jobs.model import Hint, Run, RunState
from sandbox.jobs.permit import revoked_grant
from sandbox.jobs.quarantine import folder, record_files
from sandbox.jobs.read import as_run, load_run
from sandbox.jobs.tables import runs
from sandbox.storage import ObjectVersion

MOST_INTERRUPTIONS = 1  # a run that was cut off so often is not begun anew


def finish(
    database: Database,
    id: UUID,
    stored: dict[str, ObjectVersion],
    keep: Callable[[Transaction], None] | None = None,
    hint: Hint = Hint.NOT_RUN,
) -> bool:
    """The run is finished, and these are its files; False if it was cancelled before. What the log tells
    of them is committed to, and opened to auditors alone. `keep`: what else is to be kept of it, in the
    same transaction. `hint` is disclosed, and logged, only for a run that has bits for it and whose grants
    were not revoked while it ran."""
    with database.transaction() as tx:
        run = load_run(tx, id, lock=True)
        if run.state is not RunState.RUNNING:
            return False
        told = revoked_grant(tx, run.inputs) is None
        record_files(tx, id, stored)
        if keep is not None:
            keep(tx)
        tx.execute(
            update(runs)
            .where(runs.c.id == id)
            .values(state=RunState.FINISHED.value, ended_at=datetime.now(UTC))
        )
        append(
            tx,
            Event(
                "run.finished",
                "vault",
                f"run:{id}",
                {
                    "files": [
                        {"path": path, "sha256": one.sha256, "size": one.size}
                        for path, one in sorted(stored.items())
                    ]
                },
            ),
            to=[notices.person(run.submitted_by)],
        )
        if run.hint_bits and told:
            _tell_hint(tx, run, hint)
    return True


def interrupted_runs(database: Database) -> list[Run]:
    """The runs that had started when the vault ended, in the order of their moments."""
    with database.transaction() as tx:
        return [
            as_run(row)
            for row in tx.execute(
                select(runs).where(runs.c.state == RunState.RUNNING.value).order_by(runs.c.told_at, runs.c.id)
            )
        ]


def finish_interrupted(context: RunContext, id: UUID) -> bool:
    """To be called at the declared moment of a run that the vault's end cut off:
    False if it was cancelled before.

    Nothing of such a run was disclosed, and nothing that it left is kept. So it is queued again, under the
    same number. A run that is cut off again ends as `interrupted`, or a program that crashes the vault
    could do so for ever.
    """
    context.quarantine.clear(folder(id))
    with context.database.transaction() as tx:
        run = load_run(tx, id, lock=True)
        if run.state is not RunState.RUNNING:
            return False
        again = run.interruptions < MOST_INTERRUPTIONS
        tx.execute(
            update(runs)
            .where(runs.c.id == id)
            .values(
                interruptions=run.interruptions + 1,
                **(
                    {"state": RunState.QUEUED.value, "started_at": None, "told_at": None}
                    if again
                    else {"state": RunState.INTERRUPTED.value, "ended_at": datetime.now(UTC)}
                ),
            )
        )
        event = Event("run.interrupted", "vault", f"run:{id}", {"again": again})
        append(tx, event, to=[] if again else [notices.person(run.submitted_by)])
        if run.hint_bits and not again and revoked_grant(tx, run.inputs) is None:
            _tell_hint(tx, run, Hint.NOT_RUN)
    return True


def _tell_hint(tx: Transaction, run: Run, hint: Hint) -> None:
    tx.execute(update(runs).where(runs.c.id == run.id).values(hint=hint.value))
    append(tx, Event("run.hinted", "vault", f"run:{run.id}", {"class": hint.value, "bits": run.hint_bits}))
