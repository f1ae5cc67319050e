"""Decides by Cedar whether an officer may review a run's files: on the team, its people and who asked.
A refusal is logged."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID

from sqlalchemy import any_, select

from sandbox.database import Database, Transaction, array_of
from sandbox.errors import NotFound
from sandbox.identity import Principal
from sandbox.identity.tables import accounts, team_members
from sandbox.jobs import Run
from sandbox.policy import Decision, Gate, Refused, Resource, hidden_from_strangers, log_refusal, note
from sandbox.reviews.model import Review

KNOWS_OF_REVIEWS = frozenset({"officer", "auditor", "operator"})


def may_review(tx: Transaction, gate: Gate, officer: Principal, review: Review, run: Run) -> Decision:
    return decide_reviews(tx, gate, officer, [(review, run)])[0]


def organisations_behind(tx: Transaction, found: Sequence[tuple[Review, Run]]) -> dict[UUID, set[str]]:
    """By review, the organisations of the team's members and of who submitted the run or asked for its files:
    so many reads for all of them, not for each."""
    teams = {run.team for _, run in found}
    of_team: dict[str, set[str]] = {team: set() for team in teams}
    for row in tx.execute(
        select(team_members.c.team, accounts.c.organisation)
        .distinct()
        .join(accounts, accounts.c.id == team_members.c.account)
        .where(team_members.c.team == any_(array_of(teams)))
    ):
        of_team[row.team].add(row.organisation)
    authors = {author for review, run in found for author in _authors(review, run)}
    of_authors = accounts.c.id == any_(array_of(authors))
    rows = tx.execute(select(accounts.c.id, accounts.c.organisation).where(of_authors))
    of_author = {row.id: row.organisation for row in rows}
    return {
        review.id: of_team[run.team]
        | {of_author[author] for author in _authors(review, run) if author in of_author}
        for review, run in found
    }


def decide_reviews(
    tx: Transaction, gate: Gate, officer: Principal, found: Sequence[tuple[Review, Run]]
) -> list[Decision]:
    """Of each of them, together."""
    behind = organisations_behind(tx, found)
    asked = [
        Resource(
            "Review",
            str(review.id),
            {"team": run.team, "authors": _authors(review, run), "organisations": behind[review.id]},
        )
        for review, run in found
    ]
    return gate.decide_all(officer, "review", asked)


def _authors(review: Review, run: Run) -> set[str]:
    return {run.submitted_by, review.requested_by}


def require_reviewer(tx: Transaction, gate: Gate, officer: Principal, review: Review, run: Run) -> None:
    """Raises `Refused` with the decision's reason."""
    decision = may_review(tx, gate, officer, review, run)
    if not decision.allowed:
        seen = bool(officer.roles & KNOWS_OF_REVIEWS) or run.team in officer.teams
        with hidden_from_strangers(no_review(review.id), seen=seen):
            raise Refused(decision)
    note(decision)


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
        log_refusal(database, refused)
        raise
