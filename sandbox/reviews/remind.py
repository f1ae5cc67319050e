"""Reminds of overdue reviews. The vault looks every minute, and writes each into the log once."""

from datetime import UTC, datetime

from sqlalchemy import select, update

from sandbox.audit import Event, append
from sandbox.database import Database
from sandbox.reviews.model import WAITING
from sandbox.reviews.read import reviewers_told
from sandbox.reviews.tables import reviews


def remind(database: Database, *, now: datetime | None = None) -> int:
    """Write a notice of each review that has become overdue. Returns how many.
    Officers who were told that the outputs wait get a notice of it, too."""
    now = now or datetime.now(UTC)
    with database.transaction() as tx:
        late = tx.execute(
            select(reviews.c.id, reviews.c.run, reviews.c.due_at)
            .where(
                reviews.c.state.in_([state.value for state in WAITING]),
                reviews.c.due_at < now,
                reviews.c.reminded_at.is_(None),
            )
            .order_by(reviews.c.due_at)
            .with_for_update(skip_locked=True)
        ).all()
        for one in late:
            tx.execute(update(reviews).where(reviews.c.id == one.id).values(reminded_at=now))
            append(
                tx,
                Event(
                    "review.overdue",
                    "vault",
                    f"review:{one.id}",
                    {"run": str(one.run), "due_at": one.due_at.isoformat()},
                ),
                to=reviewers_told(tx, one.id),
            )
        return len(late)
