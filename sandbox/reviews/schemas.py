"""What the operations on reviews and released files answer with."""

from datetime import datetime
from typing import Annotated, NotRequired
from uuid import UUID

from pydantic import Field
from typing_extensions import TypedDict

from sandbox.api_schema import Words
from sandbox.audit.schemas import Receipt
from sandbox.disclosure.finding import Severity
from sandbox.grants.model import GrantStatus
from sandbox.jobs.model import RunState
from sandbox.jobs.schemas import UsedModelDocument
from sandbox.reviews.model import Choice, Outcome, ReviewState, Round


class DeclaredFile(TypedDict):
    """A file that a team asks for, and what it declares of it."""

    path: str
    statbarn: str
    context: str
    controls: str
    counts: str | None


class ReviewComment(TypedDict):
    """What reviewers want of a file, without their names."""

    path: str
    vote: Choice
    reasons: list[str]
    comment: str


class ReleaseDocument(TypedDict):
    """A request for files, as its team sees it: never what checks found, nor who reviews."""

    run: UUID
    round: int
    requested_by: str
    requested_at: datetime
    due_at: datetime
    state: ReviewState
    outcome: Outcome | None
    decided_at: datetime | None
    log_index: int | None
    files: list[DeclaredFile]
    comments: list[ReviewComment]


class ReleasedFile(TypedDict):
    path: str
    sha256: str
    size: int


class ReleasedFiles(TypedDict):
    """The released files of a run. `receipt` is null while there are none."""

    run: UUID
    state: RunState
    files: list[ReleasedFile]
    receipt: Receipt | None


class QueuedReview(TypedDict):
    """One line of the reviewers' queue."""

    id: UUID
    run: UUID
    name: str
    team: str
    round: int
    requested_by: str
    requested_at: datetime
    due_at: datetime
    overdue: bool
    state: ReviewState
    outcome: Outcome | None
    decided_at: datetime | None
    datasets: list[str]
    voted: bool


class QueueLine(QueuedReview):
    """A review in the queue. `files` is their number."""

    files: int


class ReviewedProgram(TypedDict):
    entry: str
    files: dict[str, str]
    sha256: str


class ReviewedInput(TypedDict):
    """A dataset that the run read. The grant is null for open data."""

    dataset: str
    version: int
    department: str
    grade: str
    grant: int | None
    purpose: str
    grant_status: GrantStatus | None


class FindingDocument(TypedDict):
    """What a check found, in both languages."""

    code: str
    risk: str
    severity: Severity
    message: str
    remedy: str
    zh: str
    remedy_zh: str
    where: str


class ChangedCell(TypedDict):
    """A row's number, from 1, and the name of a column."""

    row: int
    column: str


class TableDifference(TypedDict):
    """What the table has and the earlier one has not, at most 500 of each kind; how many rows are gone; the
    smallest by which a number changed."""

    new_rows: list[int]
    new_columns: list[str]
    changed: list[ChangedCell]
    gone_rows: int
    gone_columns: list[str]
    least_change: float | None


class DifferenceDocument(TypedDict):
    """The file as it would leave beside one that left earlier: of the same team and dataset, under its name
    or its declaration, or of any team where the tables are alike. `team` is empty for the review's own.
    `table` is null where not both are one table each, or nothing of the file would leave."""

    run: UUID
    path: str
    released_at: datetime
    same: bool
    table: TableDifference | None
    team: str


class ReviewedFileDocument(DeclaredFile):
    """A declared file, whether the run left it, and what the checks found. What a recipe left has its context
    and controls in Chinese, too."""

    context_zh: NotRequired[str]
    controls_zh: NotRequired[str]
    left: bool
    size: int | None
    sha256: str | None
    counts_left: bool | None
    findings: list[FindingDocument]
    bits: Annotated[int | None, Field(description="it can carry at most; null: there is no bound")]
    differences: Annotated[
        list[DifferenceDocument], Field(description="from what left earlier, newest first")
    ]


class NotCollected(TypedDict):
    """Something in the outbox that was not taken, and why."""

    path: str
    why: str


class RunEndingDocument(TypedDict):
    """How a run ended. `recipes`: of each "", or why it left nothing.
    `findings` are of the log, which is never released."""

    ended: str
    status: int | None
    seconds: float
    why: str
    predictions: str
    recipes: dict[str, str]
    left_out: list[NotCollected]
    log: str
    findings: list[FindingDocument]


class VoteDocument(TypedDict):
    reviewer: str
    organisation: str
    round: Round
    path: str
    vote: Choice
    comment: str
    reasons: list[str]
    voted_at: datetime


class EarlierRound(TypedDict):
    round: int
    state: ReviewState
    outcome: Outcome | None
    comments: list[ReviewComment]


class EarlierRelease(TypedDict):
    """A file that was released before, made of some of the same datasets."""

    team: str
    run: UUID
    path: str
    statbarn: str
    datasets: list[str]
    released_at: datetime


class OrganisationCapacity(TypedDict):
    """What the teams of an organisation behind the team have been told together; the limits (0: none)."""

    organisation: str
    told_bits: int
    told_files: int
    limit_bits: int
    limit_files: int


class CapacityDocument(TypedDict):
    """What reviews of this grade have told the team at most within so many days, without this one; the limits
    (0: none); and what this one adds by its answer and, if it is released, by its files.
    `files` are those of which the bits have no bound."""

    days: int
    told_bits: int
    told_files: int
    limit_bits: int
    limit_files: int
    answer_bits: int
    release_bits: int
    release_files: int
    organisations: list[OrganisationCapacity]


class ReviewDocument(QueuedReview):
    """A review, as a reviewer sees it: all but the files' content, and other votes while they are blind."""

    revision: int
    grade: str
    log_index: int | None
    needed: int
    submitted: int
    seat_free_able: bool
    program: ReviewedProgram
    environment_sha256: str
    inputs: list[ReviewedInput]
    models: list[UsedModelDocument]
    files: list[ReviewedFileDocument]
    not_asked_for: list[str]
    votes: list[VoteDocument]
    earlier_rounds: list[EarlierRound]
    earlier_releases: list[EarlierRelease]
    capacity: CapacityDocument
    reasons: dict[str, Words]
    votes_are: list[Choice]


class ReviewStatistics(TypedDict):
    """How decided reviews were decided. `words` explains the reasons."""

    waiting: int
    overdue: int
    outcomes: dict[Outcome, int]
    median_days: float | None
    reasons: dict[str, int]
    words: dict[str, Words]


class ThresholdsDocument(TypedDict):
    """The thresholds of the output checks for one grade (policies/disclosure.yaml explains them)."""

    minimum_count: int
    rounding_base: int
    zero_cells: Severity
    degrees_of_freedom: int
    dominance_units: int
    dominance_percent: int
    prior_percent: int
    margin_interval: int
    units_per_parameter: int
    membership_percent: int
    most_columns: int
    microdata_rows: int
    significant_digits: int
    capacity_bits: int
    window_bits: int
    window_files: int
    weight_bits: int


class FileLimits(TypedDict):
    most_bytes: int
    most_rows: int


class StatbarnDocument(TypedDict):
    id: str
    name: Words
    analyses: dict[str, Words]


class DisclosureDocument(TypedDict):
    """What a file can be declared as, the thresholds by grade, and the reasons that reviewers give."""

    files: FileLimits
    grades: dict[str, ThresholdsDocument]
    statbarns: list[StatbarnDocument]
    reasons: dict[str, Words]


class LeavingFile(TypedDict):
    """What would leave, byte for byte."""

    name: str
    content: Annotated[str, Field(description="in base64")]


class CheckedFile(TypedDict):
    path: str
    findings: list[FindingDocument]
    leaves: Annotated[LeavingFile | None, Field(description="null if something blocks it")]


class TrialDocument(TypedDict):
    """What the checks find in the files of a trial."""

    grade: str
    thresholds: ThresholdsDocument
    files: list[CheckedFile]
