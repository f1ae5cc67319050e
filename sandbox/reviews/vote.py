"""Records a reviewer's vote: on every file at once, on the declarations that they saw.
The last missing vote decides."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import insert, update

from sandbox.audit import Event, append
from sandbox.catalog.grade import grade_of
from sandbox.database import Transaction
from sandbox.errors import Conflict, InvalidInput
from sandbox.identity import Principal
from sandbox.jobs import Run, load_run
from sandbox.reviews.checks import checked_review
from sandbox.reviews.context import ReviewContext
from sandbox.reviews.decide import decide
from sandbox.reviews.declarations import whole
from sandbox.reviews.model import WAITING, Review, ReviewState, Round, Vote
from sandbox.reviews.permit import refusals_logged, require_reviewer
from sandbox.reviews.read import load_review, versions_of
from sandbox.reviews.rules import after_votes, check_votes, needed, require_seat, rule_of
from sandbox.reviews.tables import review_votes, reviews


def vote(
    context: ReviewContext, *, officer: Principal, id: UUID, revision: int, votes: Sequence[Vote]
) -> Review:
    """Cast the votes of one reviewer. `revision` is that of the review which they looked at.

    Raises `Refused` and `Forbidden` (may not review this), `Conflict` (decided, changed since, taken, or
    voted already), `InvalidInput` (a vote that cannot stand), `Unavailable`; then nothing is cast.
    """
    if not all(whole(one.comment) for one in votes):
        raise InvalidInput("A comment holds something that is no text.", remedy="Write plain text.")
    checked_review(context, officer=officer, id=id)
    with refusals_logged(context.database), context.database.transaction() as tx:
        review = load_review(tx, id, lock=True)
        run = load_run(tx, review.run)
        require_reviewer(tx, context.gate, officer, review, run)
        if review.state not in WAITING:
            raise Conflict(
                f"The review is {review.state.value}.",
                remedy="Load the page again.",
                zh="该审核已结束。",
                remedy_zh="请刷新页面。",
            )
        if revision != review.revision or any(file.findings is None for file in review.files):
            raise Conflict(
                "The team has changed what it says of a file since you looked.",
                code="review_changed",
                remedy="Load the page again, and vote on what it says now.",
                zh="团队已修改文件说明。",
                remedy_zh="请刷新页面，按新的说明投票。",
            )
        round = Round.FINAL if review.state is ReviewState.CONSOLIDATING else Round.BLIND
        need = require_free_seat(tx, context, officer, review, run)
        earlier = {one.vote.path for one in review.votes if one.reviewer == officer.id and one.round is round}
        check_votes(votes, files=review.files, earlier=earlier, reasons=context.policy.reasons)
        tx.execute(
            insert(review_votes),
            [
                {
                    "review": id,
                    "reviewer": officer.id,
                    "path": one.path,
                    "round": round.value,
                    "vote": one.choice.value,
                    "organisation": officer.organisation,
                    "comment": one.comment.strip(),
                    "reasons": list(one.reasons),
                }
                for one in votes
            ],
        )
        cast = load_review(tx, id)
        following = after_votes(review.paths, cast.votes, state=review.state, need=need)
        voted = Event(
            "review.voted",
            officer.id,
            f"review:{id}",
            {
                "run": str(run.id),
                "round": round.value,
                "votes": [
                    {"path": one.path, "vote": one.choice.value, "reasons": list(one.reasons)}
                    for one in votes
                ],
            },
        )
        if following.outcome:
            decide(tx, context, cast, following.outcome, voted=voted)
        else:
            tx.execute(update(reviews).where(reviews.c.id == id).values(state=following.state.value))
            append(tx, voted)
        return load_review(tx, id)


def require_free_seat(
    tx: Transaction, context: ReviewContext, officer: Principal, review: Review, run: Run
) -> int:
    """How many reviewers the review needs, if this officer is or can become one of them. Raises `Forbidden`,
    `Conflict`."""
    versions = versions_of(tx, context.repository, run)
    rule = rule_of(context.policy, grade_of(context.gate, versions))
    need = needed(rule, review.files, context.low_risk)
    blind = review.state is not ReviewState.CONSOLIDATING
    require_seat(
        rule,
        need if blind else len({one.reviewer for one in review.votes}),
        reviewer=officer.id,
        organisation=officer.organisation,
        cast=review.votes,
        owners={version.policy.department for version in versions},
    )
    return need
