"""What the operations on models take and answer with."""

from datetime import date, datetime
from typing import Annotated, Any, Literal, NotRequired
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator
from typing_extensions import TypedDict

from sandbox.api_schema import ExactInt
from sandbox.plain_text import PlainText

ModelName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,62}$")]
Long = Annotated[PlainText, Field(min_length=1, max_length=4000)]
Short = Annotated[PlainText, Field(min_length=1, max_length=200)]
Predicted = Annotated[PlainText, Field(max_length=20)] | list[Annotated[PlainText, Field(max_length=100)]]


class ModelCard(BaseModel):
    """What its team says of a model. `limits`: for what it must not be used, and where it is weak."""

    model_config = ConfigDict(extra="forbid")

    title_en: Short
    title_zh: Short
    summary_en: Long
    summary_zh: Long
    intended_use: Long
    limits: Long
    licence: Short
    respond_days: Annotated[ExactInt, Field(ge=1, le=90)] = 14


class NewModel(BaseModel):
    """A model file to be registered: either a released file (`run`, `path`, `columns`, `predicts`), or the
    model of an entry whose result was published (`competition`, `entry`). `maintainer` is a member of the
    team, by default the sender; `dataset`, of several that the run read, is that whose columns it takes.
    `team`: whose it becomes, for an entry that brought its model by itself; by default the sender's only
    team. Everybody who entered is in it."""

    model_config = ConfigDict(extra="forbid")

    name: ModelName
    card: ModelCard
    maintainer: Annotated[PlainText, Field(max_length=100)] = ""
    run: UUID | None = None
    path: Annotated[PlainText, Field(max_length=500)] = ""
    dataset: Annotated[PlainText, Field(max_length=100)] = ""
    columns: Annotated[list[Annotated[PlainText, Field(max_length=100)]], Field(max_length=200)] = []
    predicts: dict[Annotated[PlainText, Field(max_length=63)], Predicted] = {}
    team: Annotated[PlainText, Field(max_length=63)] = ""
    competition: Annotated[PlainText, Field(max_length=40)] = ""
    entry: Annotated[ExactInt, Field(ge=1, le=2**31 - 1)] | None = None

    @model_validator(mode="after")
    def one_source(self) -> "NewModel":
        of_run = self.run is not None and self.path and self.columns and self.predicts
        of_entry = self.competition and self.entry is not None
        both = (self.run is not None or self.path) and (self.competition or self.entry is not None)
        if both or not (of_run or of_entry):
            raise ValueError(
                "send either run, path, columns and predicts of a released file, or competition and entry"
            )
        return self


class PredictRows(BaseModel):
    """Rows with the model's columns, each by its name; null for what is empty."""

    model_config = ConfigDict(extra="forbid")

    rows: list[dict[PlainText, Any]]


class RetireModel(BaseModel):
    """`last_day`: the last on which it predicts; by default the first that the notice allows."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[PlainText, Field(min_length=5, max_length=2000)]
    last_day: Annotated[date, Field(le=date(2199, 12, 31))] | None = None


class ModelColumnDocument(TypedDict):
    name: str
    type: Literal["integer", "number", "text", "boolean", "date", "timestamp"]
    required: bool


class ModelCardDocument(TypedDict):
    title_en: str
    title_zh: str
    summary_en: str
    summary_zh: str
    intended_use: str
    limits: str
    licence: str
    respond_days: int


class MembershipMeasured(TypedDict):
    """How much better than chance the loss-threshold attack told members from others, in percent, rounded up
    to a multiple of 5; `at_least` is the lower bound of it, rounded up as well."""

    advantage_percent: int
    at_least_percent: int
    confidence_percent: int


class ModelPrivacy(TypedDict):
    """What was measured of a model. `source`: a released file of a sealed run, or a file that the team made
    of what had been released. `released_bits`: what the file can carry beyond its declared content at most;
    null without a bound, and of a file that no review saw. `weight_bits`: of each number. `membership` is
    null where nothing was tested."""

    source: Literal["released_file", "released_answers"]
    released_bits: int | None
    weight_bits: int | None
    membership: MembershipMeasured | None


class ModelInput(TypedDict):
    dataset: str
    version: int


class ModelLineage(TypedDict):
    """From which run, data and entry a model is. An entry that brought its model by itself has no run.
    `place`: in the published result."""

    run: NotRequired[UUID]
    path: str
    inputs: list[ModelInput]
    competition: NotRequired[str]
    track: NotRequired[str]
    entry: NotRequired[int]
    place: NotRequired[int]


class ModelRetirement(TypedDict):
    last_day: date
    reason: str


class ModelDocument(TypedDict):
    """A version of a model."""

    name: str
    version: int
    team: str
    maintainer: str
    registered_by: str
    registered_at: datetime
    department: str
    dataset: str
    dataset_version: int
    grade: str
    sha256: str
    size: int
    columns: list[ModelColumnDocument]
    predicts: dict[str, str | list[str | int]]
    card: ModelCardDocument
    privacy: ModelPrivacy
    lineage: ModelLineage
    status: Literal["registered", "retiring", "retired"]
    retirement: NotRequired[ModelRetirement]
    log_index: int


class ModelList(TypedDict):
    models: list[ModelDocument]


class ModelPredictions(TypedDict):
    """A prediction for each row, in their order, by the declared name."""

    model: str
    version: int
    predictions: list[dict[str, bool | int | float | str | None]]
