"""Reassigns the seat of a reviewer who does not go on.
After the due date any officer who may review it can do so."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import delete, select, update

from sandbox.audit import Event, append
from sandbox.database import Transaction
from sandbox.errors import Conflict
from sandbox.identity import Principal
from sandbox.jobs import load_run
from sandbox.reviews.context import ReviewContext
from sandbox.reviews.model import WAITING, Review, ReviewState, Round
from sandbox.reviews.permit import refusals_logged, require_reviewer
from sandbox.reviews.read import load_review, reviewers_told
from sandbox.reviews.rules import missing_reviewers
from sandbox.reviews.tables import review_votes, reviews


def give_seats_on(
    context: ReviewContext, *, officer: Principal, id: UUID, now: datetime | None = None
) -> Review:
    """Free the seats of those who have not voted on all that is wanted of them.
    Their votes fall, and so does every final vote: whoever takes a seat votes blind first. The log names
    them; the answer does not, while the round is blind.

    Raises `Refused`, `NotFound`, `Conflict` (it does not wait, is not due yet, or nobody is missing).
    """
    with refusals_logged(context.database), context.database.transaction() as tx:
        review = load_review(tx, id, lock=True)
        require_reviewer(tx, context.gate, officer, review, load_run(tx, review.run))
        if review.state not in WAITING:
            raise Conflict(
                f"The review is {review.state.value}.",
                remedy="Load the page again.",
                zh="该审核已结束。",
                remedy_zh="请刷新页面。",
            )
        if not review.overdue(now or datetime.now(UTC)):
            raise Conflict(
                "Seats can be given on once the review is overdue.",
                code="not_due",
                remedy="Wait for the due date.",
                zh="逾期之后才可让出审核席位。",
                remedy_zh="请等到截止日期之后。",
            )
        missing = missing_reviewers(review.paths, review.votes, state=review.state)
        if not missing:
            raise Conflict(
                "Nobody who holds a seat is missing.",
                code="nobody_missing",
                zh="没有未完成投票的审核人。",
                remedy="Vote, or let another officer vote.",
                remedy_zh="请投票，或请其他数据专员投票。",
            )
        _free(tx, review, missing, by=officer.id)
        return load_review(tx, id)


def seats_of(tx: Transaction, account: str) -> list[Review]:
    """The reviews that wait for a vote of the account, because it holds a seat in them."""
    waiting = (
        select(reviews.c.id)
        .distinct()
        .join(review_votes, review_votes.c.review == reviews.c.id)
        .where(
            review_votes.c.reviewer == account,
            reviews.c.state.in_([state.value for state in WAITING]),
        )
    )
    held = [load_review(tx, id) for id in list(tx.execute(waiting).scalars())]
    return [
        review
        for review in held
        if account in missing_reviewers(review.paths, review.votes, state=review.state)
    ]


def free_seats(tx: Transaction, account: str, *, by: str) -> None:
    """Free the seats of somebody who leaves, before the due date, too. Another reviewer votes blind first."""
    for held in seats_of(tx, account):
        _free(tx, load_review(tx, held.id, lock=True), (account,), by=by)


def _free(tx: Transaction, review: Review, missing: Sequence[str], *, by: str) -> None:
    tx.execute(
        delete(review_votes).where(
            review_votes.c.review == review.id,
            (review_votes.c.round == Round.FINAL.value) | review_votes.c.reviewer.in_(missing),
        )
    )
    tx.execute(update(reviews).where(reviews.c.id == review.id).values(state=ReviewState.OPEN.value))
    append(
        tx,
        Event(
            "review.seat_given_on",
            by,
            f"review:{review.id}",
            {"run": str(review.run), "reviewers": list(missing)},
        ),
        to=reviewers_told(tx, review.id),
    )
