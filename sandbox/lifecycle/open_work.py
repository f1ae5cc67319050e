"""Sealed runs and reviews of a dataset that are not over."""

from sqlalchemy import func, select

from sandbox.database import Transaction
from sandbox.jobs.tables import runs
from sandbox.reviews.model import WAITING
from sandbox.reviews.tables import reviews


def open_work(tx: Transaction, dataset: str, number: int | None = None) -> tuple[int, int]:
    """How many runs of the dataset, or of one version, are queued or run; and how many reviews wait."""
    reads = runs.c.inputs.contains([{"dataset": dataset} | ({"version": number} if number else {})])
    running = select(func.count()).where(reads, runs.c.state.in_(["queued", "running"]))
    waiting = (
        select(func.count())
        .select_from(reviews.join(runs, runs.c.id == reviews.c.run))
        .where(reads, reviews.c.state.in_([state.value for state in WAITING]))
    )
    return int(tx.execute(running).scalar_one()), int(tx.execute(waiting).scalar_one())
