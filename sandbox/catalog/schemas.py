"""What the catalogue's operations answer with."""

from datetime import datetime
from typing import Literal, NotRequired

from typing_extensions import TypedDict

from sandbox.api_schema import Words
from sandbox.catalog.model import Role, Type


class PrivacyUnitDocument(TypedDict):
    """Who is protected: the column that names them, and how many rows of one count in full."""

    column: str
    kind: str
    max_rows: int


class BudgetDocument(TypedDict):
    """What may be spent, as epsilon at the dataset's delta."""

    delta: str
    dataset_epsilon: float
    grant_epsilon: float
    question_epsilon: float


class ColumnDocument(TypedDict):
    """A column of a dataset. `values` are those of a key; `bounds` and `step` are those of a measure;
    `element` is the data element that it refers to."""

    name: str
    role: Role
    type: Type
    title: Words
    grade: str
    required: NotRequired[Literal[True]]
    values: NotRequired[list[str | int | bool]]
    bounds: NotRequired[list[float]]
    step: NotRequired[str]
    measured_in: NotRequired[str]
    element: NotRequired[str]


class IndexedDatasetDocument(TypedDict):
    """A dataset in a list. `columns`: how many. `private`: whether it is asked with a budget."""

    name: str
    version: int
    published_at: datetime
    title: Words
    summary: Words
    department: str
    grade: str
    columns: int
    about_rows: int | None
    private: bool


class DatasetPageDocument(TypedDict):
    """A page of `size` datasets of `total`."""

    total: int
    page: int
    size: int
    datasets: list[IndexedDatasetDocument]


class ElementDocument(TypedDict):
    """A data element: what a column of a kind is. `codes`: the code list of its values. `grade`: a hint
    for whoever grades such a column."""

    id: str
    title: Words
    type: Type
    standard: str
    grade: str
    codes: NotRequired[str]
    values: NotRequired[list[str | int]]
    bounds: NotRequired[list[float]]
    step: NotRequired[str]
    measured_in: NotRequired[str]


class ElementUseDocument(TypedDict):
    """Columns of a dataset that refer to an element. `agrees`: whether the version in use has what the
    element says today."""

    dataset: str
    version: int
    columns: list[str]
    agrees: bool


class ElementWithUsesDocument(ElementDocument):
    """`used_by`: the datasets that you may see."""

    used_by: list[ElementUseDocument]


ProblemOutcome = Literal["corrected", "explained", "not_a_fault"]


class CompletenessClassDocument(TypedDict):
    """The share of a column's cells that are filled lies between these two."""

    column: str
    at_least: float
    at_most: float


class CompletenessDocument(TypedDict):
    """The share of a column's cells that are filled, of open data."""

    column: str
    share: float


class ClassesDocument(TypedDict):
    """Bought classes of completeness, and what was paid. Each is wrong with a chance of at most
    `wrong_at_most`."""

    epsilon: float
    delta: float
    picorho: int
    bought_by: str
    wrong_at_most: float
    completeness: list[CompletenessClassDocument]


class NoteDocument(TypedDict):
    """What became of a problem that was reported before this version."""

    version: int
    column: NotRequired[str]
    outcome: ProblemOutcome
    words: str


class PublicQualityDocument(TypedDict):
    """What everybody may know of a version's quality: whether its policy has rules, the outcomes of reported
    problems, bought classes, and of open data the completeness itself."""

    has_rules: bool
    notes: list[NoteDocument]
    completeness: NotRequired[list[CompletenessDocument]]
    bought: NotRequired[ClassesDocument]


EffectName = Literal["compatible", "additive", "breaking"]
"""Whether a question that worked works as before, perhaps with more to ask, or may be refused or mean
something else."""


class CatalogueDocument(TypedDict):
    """The fields of the government's catalogue of resources (政务信息资源目录) that the policy has."""

    resource_code: NotRequired[str]
    classification: NotRequired[list[str]]
    provider_code: NotRequired[str]
    sharing: NotRequired[Literal["unconditional", "conditional", "none"]]
    sharing_condition: NotRequired[str]
    opening: NotRequired[Literal["open", "conditional", "none"]]
    opening_condition: NotRequired[str]
    updates: NotRequired[
        Literal["real_time", "daily", "weekly", "monthly", "quarterly", "half_yearly", "yearly", "irregular"]
    ]
    released_on: NotRequired[str]


class ResponsibleDocument(TypedDict):
    """Who answers for a step of a dataset's life (责任清单), and who stands in for them."""

    step: Literal["collect", "publish", "grant", "review", "answer_demands"]
    officer: str
    deputy: NotRequired[str]


class ChangedDocument(TypedDict):
    """The version before, and what the step from it means for those who ask."""

    version: int
    effect: EffectName


class DerivedFromDocument(TypedDict):
    """A version that a derived version was made of."""

    dataset: str
    version: int
    department: str


class LineageDocument(TypedDict):
    """Of what a derived version was made: the versions, the SQL and its digest, the columns of the inputs
    from which each of its own comes, and those that chose its rows (`schema.dataset.column`)."""

    inputs: list[DerivedFromDocument]
    sql: str
    sql_sha256: str
    columns: dict[str, list[str]]
    filters: list[str]


class DatasetDocument(TypedDict):
    """A dataset in its newest version. `unit` and `budget` are null for open data.

    `notes`: what its officer says is new. `changed`: since the version before, where one dataset is
    described. `retires_at`: from then on nobody asks it. `lineage`: of one that is derived from others.
    `certificate`: the course whose training certificate is needed for access."""

    name: str
    version: int
    published_at: datetime
    published_by: str
    title: Words
    summary: Words
    department: str
    grade: str
    source: str
    licence: str
    citation: str
    update_cycle: str
    about_rows: int | None
    population: str | None
    unit: PrivacyUnitDocument | None
    budget: BudgetDocument | None
    hint_bits: int
    certificate: NotRequired[str]
    columns: list[ColumnDocument]
    catalogue: NotRequired[CatalogueDocument]
    responsible: list[ResponsibleDocument]
    notes: NotRequired[str]
    changed: NotRequired[ChangedDocument]
    retires_at: NotRequired[datetime]
    lineage: NotRequired[LineageDocument]


class WithdrawnDocument(TypedDict):
    """When a version was withdrawn, and why."""

    at: datetime
    reason: str


class VersionDocument(TypedDict):
    """A version of a dataset. `effect`: of the step from the version before; null for the first. `opening`:
    what became of its review, of one that never opened; its department's officers alone see those."""

    number: int
    published_at: datetime
    published_by: str
    notes: str
    grade: str
    in_use: bool
    effect: EffectName | None
    withdrawn: NotRequired[WithdrawnDocument]
    announced_at: NotRequired[datetime]
    opening: NotRequired[Literal["waiting", "refused", "superseded"]]


class VersionsDocument(TypedDict):
    """The versions of a dataset, the newest first; when it retires, and when it was erased."""

    dataset: str
    versions: list[VersionDocument]
    retires_at: NotRequired[datetime]
    erased_at: NotRequired[datetime]


class ChangeDocument(TypedDict):
    """One change between two policies, with its sentence."""

    kind: str
    effect: EffectName
    column: NotRequired[str]
    text: Words


ChangesDocument = TypedDict(
    "ChangesDocument",
    {"dataset": str, "from": int, "to": int, "effect": EffectName, "changes": list[ChangeDocument]},
)


class DescribedDatasetDocument(DatasetDocument):
    """A dataset in its newest version, with what is public of its quality."""

    quality: PublicQualityDocument


class SetAsideDocument(TypedDict):
    """A broken version: whose it is, and of which kind the fault is."""

    dataset: str
    number: int
    department: str
    why: str


class QualityDocument(TypedDict):
    """How near stand-in rows are to the noisy counts of one or two columns, and how noisy these are."""

    columns: list[str]
    distance: float
    noise: float
    kept: NotRequired[bool]  # of a pair: whether a dependence rises above the noise


class GroupMeanDocument(TypedDict):
    """The mean of a column where a key has these values: by the bought counts, and in the rows. `error`:
    how far noise may have moved it (95 %). Null: noise hides it, or there are no such rows."""

    key: str
    values: list[str | int | bool]
    column: str
    bought: float | None
    error: float | None
    made: float | None


class CorrelationDocument(TypedDict):
    """The correlation of two columns' classes: by the bought counts, and in the rows."""

    columns: list[str]
    bought: float | None
    error: float | None
    made: float | None


class DecileDocument(TypedDict):
    """Below which value a share of the filled cells lies: by the bought counts, with the ends between which
    noise leaves it (95 %), and in the rows. Of dates, as text."""

    share: float
    bought: float | str
    at_least: float | str
    at_most: float | str
    made: float | str


class DecilesDocument(TypedDict):
    """The deciles of a column."""

    column: str
    deciles: list[DecileDocument]


class LostDocument(TypedDict):
    """A column of which something is not kept, and why."""

    column: str
    why: list[Literal["only_emptiness", "magnitudes", "no_dependence", "not_paired"]]


class TrainedDocument(TypedDict):
    """How often a model that learned on the rows is right on real ones, whether a value is at least so
    much, or one of these. `baseline`: who always names the more frequent answer. `error`: of the difference
    (95 %)."""

    column: str
    at_least: NotRequired[float]
    values: NotRequired[list[str | int | bool]]
    on_stand_in: float
    right: float | None
    baseline: float | None
    error: float | None


class StandInDocument(TypedDict):
    """Of which kind the best stand-in rows are. All but the first three are there for kind `dp`."""

    dataset: str
    version: int
    kind: Literal["schema", "dp"]
    typical: NotRequired[list[str]]  # columns that follow what the officer knows; of kind `schema`
    epsilon: NotRequired[float]
    delta: NotRequired[float]
    picorho: NotRequired[int]
    bought_by: NotRequired[str]
    sha256: NotRequired[str]
    quality: NotRequired[list[QualityDocument]]
    group_means: NotRequired[list[GroupMeanDocument]]
    correlations: NotRequired[list[CorrelationDocument]]
    deciles: NotRequired[list[DecilesDocument]]
    lost: NotRequired[list[LostDocument]]
    trained: NotRequired[list[TrainedDocument]]


class AskedItemDocument(TypedDict):
    """What is asked before a version opens, and of whom. `system`: it is confirmed by itself. `about`: the
    columns that somebody must look at, or * for the dataset as a whole."""

    id: str
    question: Words
    answered_by: Literal["system", "publisher", "second_person"]
    about: list[str]


class HeldDocument(TypedDict):
    """A version that waits for its review before it opens (`GET /v1/openings/{id}`), and the items that wait
    for an answer."""

    review: int
    unanswered: list[str]


class PublishedDocument(TypedDict):
    """A published version, its exact number of rows (for its officer), and advice on its policy. `held`: it
    is not usable until its review is decided."""

    dataset: str
    version: int
    rows: int
    advice: list[str]
    sha256: str
    held: NotRequired[HeldDocument]


class OpenCopyDocument(TypedDict):
    """The open copy of a dataset in the product bucket. `column_grades`: of each column by itself, as the
    copied version grades it."""

    object: str
    version_id: str
    columns: list[str]
    rows: int
    grade: str
    column_grades: dict[str, str]
