"""Ends a review: its outcome, the run's state, the released copies and the log entry are written at once, or
not at all."""

from datetime import UTC, datetime

from sqlalchemy import update

from sandbox import notices
from sandbox.audit import Event, append
from sandbox.catalog.grade import grade_of
from sandbox.database import Transaction
from sandbox.declared.table_store import forget, mark_released
from sandbox.disclosure import canonical_form
from sandbox.errors import Conflict
from sandbox.jobs import Run, RunState, conclude, load_run
from sandbox.jobs.permit import revoked_grant
from sandbox.jobs.recipes import recipes_of
from sandbox.reviews.capacity_ledger import released_bits, require_release_fits
from sandbox.reviews.context import ReviewContext
from sandbox.reviews.earlier_differences import are_compared, earlier_of, kept_likeness
from sandbox.reviews.model import Outcome, Review, ReviewState
from sandbox.reviews.read import output_files, runs_with_outputs_out, versions_of
from sandbox.reviews.release import copy_files
from sandbox.reviews.tables import reviews


def decide(
    tx: Transaction, context: ReviewContext, review: Review, outcome: Outcome, *, voted: Event
) -> None:
    """End the review in the voter's transaction.
    The entry of an outcome names no reviewer: their votes' entries do."""
    if outcome is Outcome.RELEASED:
        require_not_revoked(tx, load_run(tx, review.run))
    # the first of the two makes other releases wait until the transaction ends
    if outcome is Outcome.RELEASED and (not mark_released(tx, review.run) or not _is_compared(tx, review)):
        raise Conflict(
            "Another output about the same people has left since the checks of this one.",
            code="review_changed",
            remedy="Load the page again: it is checked beside that.",
            zh="检查之后，另一项关于同一批人的输出已放行。",
            remedy_zh="请刷新页面：会重新比较。",
        )
    if outcome is Outcome.REFUSED:
        forget(tx, review.run)
    bits, unbounded = review.told_bits, 0
    if outcome is Outcome.RELEASED:
        added, unbounded = _require_room(tx, context, review)
        bits += added
    files = copy_files(tx, context, review) if outcome is Outcome.RELEASED else {}
    if load_run(tx, review.run).state.value != outcome.value:  # a run may be returned again
        conclude(tx, review.run, RunState(outcome.value))
    tx.execute(
        update(reviews)
        .where(reviews.c.id == review.id)
        .values(
            state=ReviewState.DECIDED.value,
            outcome=outcome.value,
            decided_at=datetime.now(UTC),
            told_bits=bits,
            unbounded_files=unbounded,
        )
    )
    append(tx, voted)
    index = append(
        tx,
        event_of(
            review,
            outcome,
            [{"path": one.path, "sha256": one.sha256, "size": one.size} for one in files.values()],
        ),
        to=[notices.team(review.team)],
        about=f"run:{review.run}",
    )
    tx.execute(update(reviews).where(reviews.c.id == review.id).values(log_index=index))


def _is_compared(tx: Transaction, review: Review) -> bool:
    """Whether what the run's recipes left was checked beside all that left of recipes, and each file beside
    all that left and is alike."""
    run = load_run(tx, review.run)
    if recipes_of(run) and review.compared_runs != len(runs_with_outputs_out(tx, run)):
        return False
    return are_compared(review, earlier_of(tx, run, review, kept_likeness(tx, review.id)))


def _require_room(tx: Transaction, context: ReviewContext, review: Review) -> tuple[int, int]:
    """The bits of what would be released, and how many files have no bound of them.
    Raises `Conflict` if the team's ledger has no room for them."""
    left = output_files(tx, review.run)
    bits, unbounded = released_bits(file for file in review.files if file.declared.path in left)
    grade = grade_of(context.gate, versions_of(tx, context.repository, load_run(tx, review.run)))
    require_release_fits(tx, context.taxonomy, review, grade, bits=bits, files=unbounded)
    return bits, unbounded


def require_not_revoked(tx: Transaction, run: Run) -> None:
    """Raises `Conflict` if a grant that the run read under was revoked.
    It is held until the transaction ends, so nothing leaves after the revocation's entry. An expired
    grant does not stop a review of what it allowed."""
    if (id := revoked_grant(tx, run.inputs)) is not None:
        raise Conflict(
            f"Grant {id}, under which this run read its data, was revoked: its outputs cannot be released.",
            code="grant_revoked",
            remedy="Refuse or return the review, with that as its reason.",
            zh=f"该运行所依据的授权 {id} 已被撤销，其输出不能放行。",
            remedy_zh="请拒绝或退回，并说明此原因。",
        )


def event_of(review: Review, outcome: Outcome, files: list[dict[str, object]]) -> Event:
    said: dict[str, object] = {
        "run": str(review.run),
        "team": review.team,
        "round": review.round,
        "reviewers": len({one.reviewer for one in review.votes}),
    }
    match outcome:
        case Outcome.RELEASED:
            return Event(
                "output.released",
                "vault",
                f"review:{review.id}",
                said | {"files": files, "canonical_form": canonical_form.VERSION},
            )
        case Outcome.RETURNED:
            return Event("output.returned", "vault", f"review:{review.id}", said)
        case Outcome.REFUSED:
            return Event("output.refused", "vault", f"review:{review.id}", said)
