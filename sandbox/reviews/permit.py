"""Decides by Cedar whether an officer may review a run's files: on the team, its people and who asked.
A refusal is logged."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from sqlalchemy import or_, select

from sandbox.audit import append
from sandbox.database import Database, Transaction
from sandbox.errors import NotFound
from sandbox.identity import Principal
from sandbox.identity.tables import accounts, team_members
from sandbox.jobs import Run
from sandbox.policy import Decision, Gate, Refused, Resource, hidden_from_strangers, refusal_event
from sandbox.reviews.model import Review

KNOWS_OF_REVIEWS = frozenset({"officer", "auditor", "operator"})


def may_review(tx: Transaction, gate: Gate, officer: Principal, review: Review, run: Run) -> Decision:
    authors = {run.submitted_by, review.requested_by}
    members = select(team_members.c.account).where(team_members.c.team == run.team)
    organisations = tx.scalars(
        select(accounts.c.organisation)
        .distinct()
        .where(or_(accounts.c.id.in_(members), accounts.c.id.in_(sorted(authors))))
    )
    return gate.decide(
        officer,
        "review",
        Resource(
            "Review",
            str(review.id),
            {"team": run.team, "authors": authors, "organisations": set(organisations)},
        ),
    )


def require_reviewer(tx: Transaction, gate: Gate, officer: Principal, review: Review, run: Run) -> None:
    """Raises `Refused` with the decision's reason."""
    decision = may_review(tx, gate, officer, review, run)
    if not decision.allowed:
        seen = bool(officer.roles & KNOWS_OF_REVIEWS) or run.team in officer.teams
        with hidden_from_strangers(no_review(review.id), seen=seen):
            raise Refused(decision)


def no_review(id: UUID) -> NotFound:
    """Also for whoever may not know of it: other teams."""
    return NotFound(f"There is no review {id}.", zh="没有这项审核。")


@contextmanager
def refusals_logged(database: Database) -> Iterator[None]:
    """Log a refused decision once the refused action's own transaction, which is inside,
    has been rolled back."""
    try:
        yield
    except Refused as refused:
        with database.transaction() as tx:
            append(tx, refusal_event(refused.decision))
        raise
