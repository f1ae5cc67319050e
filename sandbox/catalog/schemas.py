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
    """A column of a dataset. `values` are those of a key; `bounds` and `step` are those of a measure."""

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


Outcome = Literal["corrected", "explained", "not_a_fault"]


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
    outcome: Outcome
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


class DatasetDocument(TypedDict):
    """A dataset in its newest version. `unit` and `budget` are null for open data.

    `notes`: what its officer says is new. `changed`: since the version before, where one dataset is
    described. `retires_at`: from then on nobody asks it."""

    name: str
    version: int
    published_at: datetime
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
    columns: list[ColumnDocument]
    catalogue: NotRequired[CatalogueDocument]
    responsible: list[ResponsibleDocument]
    notes: NotRequired[str]
    changed: NotRequired[ChangedDocument]
    retires_at: NotRequired[datetime]


class WithdrawnDocument(TypedDict):
    """When a version was withdrawn, and why."""

    at: datetime
    reason: str


class VersionDocument(TypedDict):
    """A version of a dataset. `effect`: of the step from the version before; null for the first."""

    number: int
    published_at: datetime
    published_by: str
    notes: str
    grade: str
    in_use: bool
    effect: EffectName | None
    withdrawn: NotRequired[WithdrawnDocument]


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


class StandInDocument(TypedDict):
    """Of which kind the best stand-in rows are. All but the first three are there for kind `dp`."""

    dataset: str
    version: int
    kind: Literal["schema", "dp"]
    epsilon: NotRequired[float]
    delta: NotRequired[float]
    picorho: NotRequired[int]
    bought_by: NotRequired[str]
    sha256: NotRequired[str]
    quality: NotRequired[list[QualityDocument]]


class PublishedDocument(TypedDict):
    """A published version, its exact number of rows (for its officer), and advice on its policy."""

    dataset: str
    version: int
    rows: int
    advice: list[str]
    sha256: str


class OpenCopyDocument(TypedDict):
    """The open copy of a dataset in the product bucket."""

    object: str
    version_id: str
    columns: list[str]
    rows: int
    grade: str
