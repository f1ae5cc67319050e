"""Cancels a run: by a member of its team, until its end is disclosed. Its outputs are discarded."""

from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import update

from sandbox import notices
from sandbox.audit import Event, append
from sandbox.database import Database, Transaction
from sandbox.errors import Conflict
from sandbox.identity import Principal
from sandbox.jobs.model import Run, RunState
from sandbox.jobs.read import load_own_run, load_run
from sandbox.jobs.tables import runs

OPEN = (RunState.QUEUED, RunState.RUNNING)


def cancel(database: Database, *, principal: Principal, id: UUID) -> Run:
    """Raises `NotFound` for a run of another team, `Conflict` for a run whose end has been disclosed."""
    with database.transaction() as tx:
        run = load_own_run(tx, principal, id, lock=True)
        if run.state not in OPEN:
            raise Conflict(
                f"The run is {run.state.value} already.",
                remedy="Only a run that waits or runs can be cancelled.",
                zh="该运行已不能取消。",
                remedy_zh="只有排队中或运行中的可以取消。",
            )
        return end_as_cancelled(tx, run, by=principal.id, why="")


def end_as_cancelled(tx: Transaction, run: Run, *, by: str, why: str) -> Run:
    tx.execute(
        update(runs)
        .where(runs.c.id == run.id)
        .values(state=RunState.CANCELLED.value, ended_at=datetime.now(UTC))
    )
    append(
        tx,
        Event(
            "run.cancelled", by, f"run:{run.id}", {"was": run.state.value, **({"why": why} if why else {})}
        ),
        to=[notices.person(run.submitted_by)],
    )
    return load_run(tx, run.id)
