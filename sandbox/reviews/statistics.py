"""Counts how reviews were decided, and why, over the decided ones: a vote that still waits is nobody's to
see."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select

from sandbox.database import Transaction
from sandbox.reviews.model import WAITING, ReviewState
from sandbox.reviews.tables import review_votes, reviews


def review_statistics(tx: Transaction) -> dict[str, Any]:
    """How many wait and are overdue; of the decided, how many by outcome, the median days,
    and how often each reason was given (once a review and file, however many reviewers gave it)."""
    waiting = reviews.c.state.in_([state.value for state in WAITING])
    decided = reviews.c.state == ReviewState.DECIDED.value
    days = func.extract("epoch", reviews.c.decided_at - reviews.c.requested_at) / 86400
    outcomes = {
        row.outcome: row.number
        for row in tx.execute(
            select(reviews.c.outcome, func.count().label("number")).where(decided).group_by(reviews.c.outcome)
        )
    }
    median = tx.scalar(select(func.percentile_cont(0.5).within_group(days)).where(decided))
    given = (
        select(
            review_votes.c.review, review_votes.c.path, func.unnest(review_votes.c.reasons).label("reason")
        )
        .join(reviews, reviews.c.id == review_votes.c.review)
        .where(decided)
        .distinct()
        .subquery()
    )
    reasons = {
        row.reason: row.number
        for row in tx.execute(
            select(given.c.reason, func.count().label("number"))
            .group_by(given.c.reason)
            .order_by(func.count().desc(), given.c.reason)
        )
    }
    return {
        "waiting": tx.scalar(select(func.count()).select_from(reviews).where(waiting)),
        "overdue": tx.scalar(
            select(func.count()).select_from(reviews).where(waiting, reviews.c.due_at < datetime.now(UTC))
        ),
        "outcomes": outcomes,
        "median_days": None if median is None else round(float(median), 2),
        "reasons": reasons,
    }
