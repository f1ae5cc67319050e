"""What the operations on products answer with."""

from datetime import date, datetime
from typing import Literal

from typing_extensions import TypedDict

from marketplace.offers.schemas import ColumnMaskDocument, PricedTerms
from marketplace.products.model import FileFormat, ParameterType


class TermsDocument(TypedDict):
    """What a call costs, what a licence allows at most, and what the buyer may do. Money is in fen."""

    price_fen: int
    monthly_fee_fen: int
    free_calls: int
    cap_fen: int | None
    calls_per_month: int
    calls_per_second: int
    grace_days: int
    purpose: str
    redistribution: bool


class ParameterDocument(TypedDict):
    """What a caller may choose: one of `values`, or a value in `range`. Decimals and days are text."""

    name: str
    type: ParameterType
    values: list[bool | int | str] | None
    range: list[int | str] | None


class SoldRows(TypedDict):
    """Rows of an open copy, looked up by conditions on `keys` (each with its type)."""

    kind: Literal["rows"]
    version_id: str
    columns: list[str]
    masks: list[ColumnMaskDocument]
    keys: dict[str, ParameterType]
    page_rows: int


class QuestionOriginDocument(TypedDict):
    """The ranked entry of a competition that a query is. `team_percent`: what the team has of each invoice's
    sum for the product."""

    competition: str
    entry: int
    team: str
    team_percent: int


class SoldQuery(TypedDict):
    """Answers to a private query at a fixed loss. `origin`: of a question that was entered in a
    competition."""

    kind: Literal["query"]
    sql: str
    epsilon: str
    parameters: list[ParameterDocument]
    origin: QuestionOriginDocument | None


class SoldFiles(TypedDict):
    """All rows of an open copy, as files."""

    kind: Literal["files"]
    version_id: str
    columns: list[str]
    masks: list[ColumnMaskDocument]
    formats: list[FileFormat]


class SoldSql(TypedDict):
    """Free SQL with the privacy budget of the licence. `epsilon`: the most that one question may offer."""

    kind: Literal["sql"]
    epsilon: str


class ModelFieldDocument(TypedDict):
    name: str
    type: Literal["integer", "number", "text", "boolean", "date", "timestamp"]
    required: bool


class SoldModel(TypedDict):
    """Predictions by a version of a model of the library. `predicts`: of each name its type, or its values.
    `team_percent`: what its team has of each invoice's sum for the product."""

    kind: Literal["model"]
    model: str
    version: int
    columns: list[ModelFieldDocument]
    predicts: dict[str, str | list[str | int]]
    team: str
    team_percent: int
    maintainer: str


What = SoldRows | SoldFiles | SoldQuery | SoldSql | SoldModel


class ProductDocument(TypedDict):
    """A product on offer. `call` is where its buyers call it. `release` is the one in effect. `offer` is the
    price and the terms that count now for everybody; `terms` are its older, shorter form."""

    id: str
    dataset: str
    department: str
    grade: str
    title_zh: str
    title_en: str
    summary_zh: str
    summary_en: str
    terms: TermsDocument
    status: Literal["listed", "withdrawn"]
    listed_by: str
    listed_at: datetime | None
    what: What
    kind: Literal["rows", "files", "query", "sql", "model"]
    call: str
    release: int
    offer: PricedTerms


class ProductList(TypedDict):
    products: list[ProductDocument]


class ReleaseChangeDocument(TypedDict):
    """One difference from the release before; `column` is a column, a key or a parameter, or empty."""

    kind: str
    effect: Literal["compatible", "additive", "breaking"]
    column: str
    en: str
    zh: str


class ReleaseDocument(TypedDict):
    """A release: what is delivered from `effective_at` on. `effect` is what it means for a program that
    called the one before. `schema_hash` is the SHA-256 of what such a program relies on. `log_index` is null
    for what was listed before there were releases."""

    product: str
    number: int
    what: What
    schema: dict[str, str]
    schema_hash: str
    grade: str
    effect: Literal["first", "compatible", "additive", "breaking"]
    changes: list[ReleaseChangeDocument]
    notes: str
    released_by: str
    released_at: datetime
    effective_at: datetime
    dropped_at: datetime | None
    log_index: int | None
    status: Literal["released", "announced", "dropped"]


class ReleaseList(TypedDict):
    releases: list[ReleaseDocument]


class RetiredProduct(TypedDict):
    """`licences`: how many had notice that they end with `last_day`."""

    product: str
    last_day: date
    licences: int
