"""What the operations on quality answer with."""

from datetime import datetime
from typing import Literal, NotRequired
from uuid import UUID

from typing_extensions import TypedDict

from sandbox.catalog.expectations import Check
from sandbox.catalog.model import Role, Type
from sandbox.catalog.schemas import CompletenessClassDocument, ProblemOutcome


class DistributionDocument(TypedDict):
    """How many cells are in each public class of a column."""

    labels: list[str]
    counts: list[int]


class ColumnQualityDocument(TypedDict):
    """What was measured of a column. `completeness` and `validity` are shares of cells. `unfit`: cells that
    did not fit the type. `outside`: cells outside the bounds, or not among a key's values. `unused_values`:
    values of a key that no row has. `completeness_before_class`: from and to, of the class that was bought
    for the last version, where another officer published it. `drift`: the population stability index against
    the last version."""

    name: str
    role: Role
    type: Type
    rows: int
    filled: int
    completeness: float
    unfit: int
    outside: int
    validity: float
    distinct: int
    unused: NotRequired[int]
    unused_values: NotRequired[list[str]]
    outliers: NotRequired[int]
    newest: NotRequired[str]
    distribution: NotRequired[DistributionDocument]
    completeness_before: NotRequired[float]
    completeness_before_class: NotRequired[list[float]]
    drift: NotRequired[float]
    counts_before: NotRequired[list[int]]


class TableQualityDocument(TypedDict):
    """Of the table: `repeated` rows are like another, `beyond` are more than a unit may have."""

    rows: int
    left_out: int
    repeated: int
    units: NotRequired[int]
    beyond: NotRequired[int]
    rows_before: NotRequired[int]


class RuleResultDocument(TypedDict):
    """A rule of the policy, from 0 in its order, and what it found."""

    place: int
    check: Check
    stops: bool
    en: str
    zh: str
    kept: bool
    columns: list[str]
    at_least: NotRequired[float]
    at_most: NotRequired[float]
    checked: NotRequired[int]
    failing: NotRequired[int]
    share: NotRequired[float]
    found: NotRequired[float | None]


class MeasureDocument(TypedDict):
    """A share from 0 to 1 that a score is made of, in words."""

    code: str
    share: float
    en: str
    zh: str


class DimensionDocument(TypedDict):
    """A dimension of the standard, with its clause. `score`: 100 times the mean of its measures; null
    without any."""

    dimension: str
    clause: str
    en: str
    zh: str
    score: float | None
    measures: list[MeasureDocument]


class ScoreDocument(TypedDict):
    """The dimensions of the standard; `total` is the mean of those that have a score."""

    standard: str
    total: float | None
    dimensions: list[DimensionDocument]


class NotComparedDocument(TypedDict):
    """The version before, with which nothing was compared: another officer published it, and beside one's own
    rows an index of drift would tell its figures."""

    version: int
    published_by: str


class QualityReportDocument(TypedDict):
    """The quality of the rows of a version, or of a draft: exact figures, which nobody else is shown."""

    dataset: str
    version: int | None
    measured_at: datetime
    table: TableQualityDocument
    not_compared: NotRequired[NotComparedDocument]
    columns: list[ColumnQualityDocument]
    rules: list[RuleResultDocument]
    score: ScoreDocument


class BoughtQualityDocument(TypedDict):
    """Bought classes: what was paid, what is told to everybody, and the log's entry."""

    id: UUID
    dataset: str
    version: int
    epsilon: float
    delta: float
    picorho: int
    bought_by: str
    wrong_at_most: float
    completeness: list[CompletenessClassDocument]
    log_index: int


class ProblemReportDocument(TypedDict):
    """A problem that was reported on a dataset; `noted_in`: the version in whose notes its outcome stands."""

    id: int
    dataset: str
    version: int
    department: str
    column: str | None
    words: str
    reported_by: str
    reported_at: datetime
    due_at: datetime
    overdue: bool
    outcome: ProblemOutcome | None
    answer: str | None
    answered_by: str | None
    answered_at: datetime | None
    noted_in: int | None


ProblemStatus = Literal["open", "answered"]
