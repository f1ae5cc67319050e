"""Defines a review: who requests which files, what reviewers say of them, and its transitions."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sandbox.disclosure.finding import Finding, Severity
from sandbox.disclosure.table_difference import TableDifference

__all__ = ["Finding", "Severity"]


class ReviewState(StrEnum):
    OPEN = "open"  # reviewers vote, each blind to the others
    CONSOLIDATING = "consolidating"  # they did not agree: now each sees all, and votes once more
    DECIDED = "decided"
    WITHDRAWN = "withdrawn"


class Outcome(StrEnum):
    RELEASED = "released"
    RETURNED = "returned"
    REFUSED = "refused"


class Round(StrEnum):
    BLIND = "blind"
    FINAL = "final"


class Choice(StrEnum):
    """Of one file, by one reviewer. The strictest comes last."""

    APPROVE = "approve"
    CHANGE = "change"
    REFUSE = "refuse"


@dataclass(frozen=True)
class Step:
    """From a state to a state: who takes it, and the event that the log gets with it."""

    before: ReviewState | None
    after: ReviewState
    by: str
    event: str


STEPS: tuple[Step, ...] = (
    Step(None, ReviewState.OPEN, "a member of the team", "release.requested"),
    Step(ReviewState.OPEN, ReviewState.OPEN, "a member of the team", "release.changed"),
    Step(ReviewState.CONSOLIDATING, ReviewState.OPEN, "a member of the team", "release.changed"),
    Step(ReviewState.OPEN, ReviewState.WITHDRAWN, "a member of the team", "release.withdrawn"),
    Step(ReviewState.CONSOLIDATING, ReviewState.WITHDRAWN, "a member of the team", "release.withdrawn"),
    Step(ReviewState.OPEN, ReviewState.OPEN, "an officer, once it is overdue", "review.seat_given_on"),
    Step(
        ReviewState.CONSOLIDATING, ReviewState.OPEN, "an officer, once it is overdue", "review.seat_given_on"
    ),
    Step(
        ReviewState.OPEN, ReviewState.CONSOLIDATING, "the last of the reviewers that it needs", "review.voted"
    ),
    Step(ReviewState.OPEN, ReviewState.DECIDED, "the last of the reviewers that it needs", "output.released"),
    Step(ReviewState.OPEN, ReviewState.DECIDED, "the last of the reviewers that it needs", "output.returned"),
    Step(ReviewState.OPEN, ReviewState.DECIDED, "the last of the reviewers that it needs", "output.refused"),
    Step(ReviewState.CONSOLIDATING, ReviewState.DECIDED, "the last of its reviewers", "output.released"),
    Step(ReviewState.CONSOLIDATING, ReviewState.DECIDED, "the last of its reviewers", "output.returned"),
    Step(ReviewState.CONSOLIDATING, ReviewState.DECIDED, "the last of its reviewers", "output.refused"),
)
WAITING = (ReviewState.OPEN, ReviewState.CONSOLIDATING)


@dataclass(frozen=True)
class Declared:
    """What the team declares of one file: what kind of statistic, in which context, with which controls,
    and beside which file of supporting counts (which is never released). Whether there are such files is
    data: nobody of the team learns it."""

    path: str
    statbarn: str
    context: str
    controls: str
    counts: str | None = None


@dataclass(frozen=True)
class Difference:
    """A file beside one that left earlier. `same`: byte for byte. `table` is None where not both are one
    table each, or nothing of the file would leave. `team`: which got the earlier one, if it is another."""

    run: UUID
    path: str
    released_at: datetime
    same: bool = False
    table: TableDifference | None = None
    team: str = ""


@dataclass(frozen=True)
class ReviewedFile:
    """A declared file and what the checks found; `findings` is None until a reviewer first opens the review.

    Findings may hold values of the file, which its reviewers see anyway; its author, who does
    not, is never shown one. `bits`: what it can carry at most; None where there is no bound.
    `differences`: from what left earlier; None until it was compared.
    """

    declared: Declared
    findings: tuple[Finding, ...] | None
    bits: float | None = None
    differences: tuple[Difference, ...] | None = None


@dataclass(frozen=True)
class Vote:
    """What one reviewer says of one file."""

    path: str
    choice: Choice
    comment: str = ""
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class CastVote:
    """A vote as it was cast. `organisation` is the reviewer's."""

    reviewer: str
    organisation: str
    round: Round
    vote: Vote
    voted_at: datetime


@dataclass(frozen=True)
class Review:
    """One round of asking for files of a run.
    `revision` grows with each change of a declaration: a vote names the one it is about. `told_bits` is what
    the team's ledger counts of it: its answer and, once released, its files. `compared_runs`: so many runs
    with recipes had outputs out when it was checked; None before."""

    id: UUID
    run: UUID
    round: int
    team: str
    requested_by: str
    requested_at: datetime
    due_at: datetime
    revision: int
    state: ReviewState
    outcome: Outcome | None
    decided_at: datetime | None
    log_index: int | None
    told_bits: int
    files: tuple[ReviewedFile, ...]
    votes: tuple[CastVote, ...]
    compared_runs: int | None = None

    @property
    def paths(self) -> frozenset[str]:
        return frozenset(file.declared.path for file in self.files)

    def overdue(self, now: datetime) -> bool:
        return self.state in WAITING and now > self.due_at
