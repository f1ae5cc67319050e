"""Ends a run with the state that its reviewers decided. The log entry is theirs, in the same transaction."""

from uuid import UUID

from sqlalchemy import update

from sandbox.database import Transaction
from sandbox.errors import Conflict
from sandbox.jobs.model import STEPS, Run, RunState
from sandbox.jobs.read import load_run
from sandbox.jobs.tables import runs

REVIEWED = frozenset(step.after for step in STEPS if step.by == "reviewers")


def conclude(tx: Transaction, run_id: UUID, state: RunState) -> Run:
    """Set `returned`, `released` or `refused`.
    Raises `NotFound`, `Conflict` when the run's state does not lead there."""
    run = load_run(tx, run_id, lock=True)
    if state not in REVIEWED or (run.state, state) not in {(step.before, step.after) for step in STEPS}:
        raise Conflict(
            f"A run that is {run.state.value} cannot become {state.value}.", remedy="Load the page again."
        )
    tx.execute(update(runs).where(runs.c.id == run_id).values(state=state.value))  # its end was before
    return load_run(tx, run_id)
