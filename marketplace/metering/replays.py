"""Tells which retries may still be answered.

A retry with the same Idempotency-Key is handed what the first call was to get, by whichever portal it comes
to. Its line is not credited while that answer may still be sent; it is confirmed once the answer was sent. So
a call of which first and retries all died is credited, and one that was handed out is not.
"""

from datetime import timedelta

from sqlalchemy import ColumnElement, delete, exists, func, not_, or_, select

from marketplace.metering.tables import replays, workers
from sandbox.database import Transaction

SETTLED = or_(replays.c.sequence <= workers.c.confirmed, workers.c.ahead.contains(replays.c.sequence))


def open_replay(usage: ColumnElement[str] | str, *, died_after: timedelta) -> ColumnElement[bool]:
    """Whether a retry of the line may still be answered: by a portal process that was seen since
    `died_after`, and has not settled the retry."""
    seen = workers.c.seen_at >= func.clock_timestamp() - died_after
    return exists(
        select(1)
        .select_from(replays)
        .join(workers, workers.c.id == replays.c.worker)
        .where(replays.c.usage == usage, not_(SETTLED), seen)
        .correlate_except(replays, workers)
    )


def forget_settled(tx: Transaction) -> None:
    """Drop what no longer tells anything: retries that were settled without an answer, and those of workers
    that are swept."""
    settled = exists().where(workers.c.id == replays.c.worker, or_(SETTLED, workers.c.swept_at.is_not(None)))
    tx.execute(delete(replays).where(settled))
