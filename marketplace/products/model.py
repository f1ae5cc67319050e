"""Defines a product, at a price and under terms: rows or files of an open copy, a private query with
parameters, free SQL with a privacy budget, or calls of a model."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from marketplace.lifecycle import Lifecycle, Status
from marketplace.offers.column_masks import Masks, each_once
from marketplace.offers.document import LicenceTerms, OfferDocument
from marketplace.offers.price import Fen, Frozen, Price, Unit, per_call
from sandbox.api_schema import ExactInt
from sandbox.plain_text import PlainText

PRODUCT_STATUSES: Lifecycle = {
    "listed": Status("on offer", "officer of the department", "product.listed", next=("withdrawn",)),
    "withdrawn": Status("off the market; licences already sold go on", "nobody", "product.withdrawn"),
}

RELEASE_EFFECTS = ("first", "compatible", "additive", "breaking")

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
FileFormat = Literal["parquet", "csv"]
ParameterType = Literal["integer", "text", "boolean", "date", "number"]
Scalar = bool | ExactInt | Decimal | date | PlainText


class Terms(Frozen):
    """What a call costs, what a licence allows at most, and what the buyer may do with what they get.

    `cap_fen` is the most that a licence pays in a month; None means the largest amount that there is.
    """

    price_fen: Fen
    monthly_fee_fen: Fen = 0
    free_calls: Annotated[int, Field(strict=True, ge=0, le=10**9)] = 0
    cap_fen: Fen | None = None
    calls_per_month: Annotated[int, Field(strict=True, ge=1, le=10**9)] = 10_000
    calls_per_second: Annotated[int, Field(strict=True, ge=1, le=100_000)] = 10
    grace_days: Annotated[int, Field(strict=True, ge=0, le=90)] = 0
    purpose: Annotated[PlainText, Field(min_length=1, max_length=500)]
    redistribution: bool = False

    @model_validator(mode="after")
    def fee_fits_cap(self) -> Self:
        if self.cap_fen is not None and self.monthly_fee_fen > self.cap_fen:
            raise ValueError("the monthly fee is above the monthly cap")
        return self

    @property
    def as_price(self) -> Price:
        """The price that these fields say, for licences from before there were price documents."""
        free = not (self.price_fen or self.monthly_fee_fen)
        return Price(
            free=free,
            usage=per_call(self.price_fen, free_calls=self.free_calls),
            monthly_fee_fen=self.monthly_fee_fen,
            month_maximum_fen=None if free else self.cap_fen,
        )

    @property
    def as_document(self) -> OfferDocument:
        """The offer that these fields say."""
        same = ("purpose", "calls_per_month", "calls_per_second", "grace_days", "redistribution")
        return OfferDocument(
            price=self.as_price, terms=LicenceTerms(**{name: getattr(self, name) for name in same})
        )


def terms_of_document(document: OfferDocument) -> Terms:
    """The older fields of an offer, for programs from before there were price documents.

    `price_fen` is the dearest tier of a call, rounded up to a fen, and 0 if calls are not priced: what counts
    is the document.
    """
    price, terms = document.price, document.terms
    calls = next((each for each in price.usage if each.unit in (Unit.CALL, Unit.SUCCESSFUL_CALL)), None)
    return Terms(
        price_fen=-(-calls.dearest.fen // calls.dearest.per) if calls else 0,
        monthly_fee_fen=price.monthly_fee_fen,
        free_calls=min(calls.included, 10**9) if calls else 0,
        cap_fen=price.month_maximum_fen,
        calls_per_month=terms.calls_per_month,
        calls_per_second=terms.calls_per_second,
        grace_days=terms.grace_days,
        purpose=terms.purpose,
        redistribution=terms.redistribution,
    )


class CopyDefinition(Frozen):
    """Columns of one version of the dataset's open copy, with `masks` on some of them."""

    object: str
    version_id: str
    columns: tuple[str, ...] = Field(min_length=1)
    masks: Annotated[Masks, AfterValidator(each_once)] = ()

    @model_validator(mode="after")
    def masks_are_of_columns(self) -> Self:
        if strange := [mask.column for mask in self.masks if mask.column not in self.columns]:
            raise ValueError(f"the masked column {strange[0]!r} is not a column of the open copy")
        return self

    @property
    def shown(self) -> tuple[str, ...]:
        """The columns that are delivered."""
        dropped = {mask.column for mask in self.masks if mask.do == "drop"}
        return tuple(name for name in self.columns if name not in dropped)


class RowsDefinition(CopyDefinition):
    """Rows, looked up by conditions on `keys` (each with its type)."""

    kind: Literal["rows"] = "rows"
    keys: dict[str, ParameterType] = Field(min_length=1)
    page_rows: Annotated[int, Field(strict=True, ge=1, le=1000)] = 100

    @model_validator(mode="after")
    def keys_are_columns(self) -> Self:
        if strange := [key for key in self.keys if key not in self.columns]:
            raise ValueError(f"the key {strange[0]!r} is not a column of the open copy")
        if masked := [mask.column for mask in self.masks if mask.column in self.keys]:
            raise ValueError(f"the key {masked[0]!r} is masked: nothing can be looked up by it")
        return self


class FilesDefinition(CopyDefinition):
    """All rows as files, in each of `formats`."""

    kind: Literal["files"] = "files"
    formats: tuple[FileFormat, ...] = Field(default=("parquet", "csv"), min_length=1)


class Parameter(Frozen):
    """What a caller may choose: one of the declared public values, or a value in a declared range."""

    name: Name
    type: ParameterType
    values: tuple[Scalar, ...] | None = None
    range: tuple[Scalar, Scalar] | None = None

    @field_validator("values")
    @classmethod
    def not_empty(cls, values: tuple[Scalar, ...] | None) -> tuple[Scalar, ...] | None:
        if values is not None and not values:
            raise ValueError("an empty list of values allows nothing")
        return values

    @model_validator(mode="after")
    def one_way(self) -> Self:
        if (self.values is None) == (self.range is None):
            raise ValueError(f"the parameter {self.name} needs either values or a range")
        if self.range is not None and self.type in ("text", "boolean"):
            raise ValueError(
                f"the parameter {self.name} is {self.type}, which has no ranges: list its values"
            )
        return self


class QuestionOrigin(Frozen):
    """The entry of a competition that a query is: the number `entry` of its result. `team` has `team_percent`
    of each invoice's sum for the product."""

    competition: str
    entry: Annotated[int, Field(strict=True, ge=1)]
    team: str
    team_percent: Annotated[int, Field(strict=True, ge=0, le=90)]


class QueryDefinition(Frozen):
    """A private query at a fixed loss, asked under the marketplace's own grant.
    `:name` in the SQL is a parameter. `origin`: of a question that was entered in a competition."""

    kind: Literal["query"] = "query"
    sql: PlainText
    epsilon: Annotated[str, Field(pattern=r"^[0-9]{1,3}(\.[0-9]{1,6})?$")]
    grant: str
    parameters: tuple[Parameter, ...] = ()
    origin: QuestionOrigin | None = None


class SqlDefinition(Frozen):
    """Answers to the buyer's own questions on a dataset, within the privacy budget of the licence.
    `epsilon`: the most that one question may offer."""

    kind: Literal["sql"] = "sql"
    epsilon: Annotated[str, Field(pattern=r"^[0-9]{1,3}(\.[0-9]{1,6})?$")]


class ModelField(Frozen):
    """A column that a model is given."""

    name: str
    type: Literal["integer", "number", "text", "boolean", "date", "timestamp"]
    required: bool


class ModelDefinition(Frozen):
    """Predictions by a version of a model of the library, evaluated in a seal of the vault.
    `predicts`: of each name its type, or its values. `team`: whose model it is; it has `team_percent` of each
    invoice's sum for the product. `maintainer` answers for it."""

    kind: Literal["model"] = "model"
    model: str
    version: Annotated[int, Field(strict=True, ge=1)]
    columns: tuple[ModelField, ...] = Field(min_length=1)
    predicts: dict[str, str | tuple[str | int, ...]] = Field(min_length=1)
    team: str
    team_percent: Annotated[int, Field(strict=True, ge=0, le=90)]
    maintainer: str


Definition = Annotated[
    RowsDefinition | FilesDefinition | QueryDefinition | SqlDefinition | ModelDefinition,
    Field(discriminator="kind"),
]


class Product(Frozen):
    """A product as it stands in the market's list: its release and its offer to everybody are those in
    effect."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,62}$")]
    dataset: str
    department: str
    grade: str
    title_zh: Annotated[PlainText, Field(min_length=1, max_length=200)]
    title_en: Annotated[PlainText, Field(min_length=1, max_length=200)]
    summary_zh: str = ""
    summary_en: str = ""
    terms: Terms
    definition: Definition
    status: str = "listed"
    listed_by: str = ""
    listed_at: datetime | None = None
    release: int = Field(default=1, exclude=True)
    offer: OfferDocument | None = Field(default=None, exclude=True)

    @property
    def document(self) -> OfferDocument:
        """The offer to everybody that counts now; of a product from before there were offers, its terms."""
        return self.offer or self.terms.as_document

    @property
    def cedar(self) -> dict[str, str]:
        """What the gate wants to know about it."""
        return {
            "department": self.department,
            "status": self.status,
            "grade": self.grade,
            "way": self.way,
        }

    @property
    def kind(self) -> str:
        return self.definition.kind

    @property
    def masks(self) -> Masks:
        """Which of its columns are masked how, for every buyer."""
        return self.definition.masks if isinstance(self.definition, CopyDefinition) else ()

    @property
    def way(self) -> str:
        """How it leaves, one of the ways of policies/grades.yaml."""
        return way_of(self.kind)


def way_of(kind: str) -> str:
    """The way of policies/grades.yaml by which a product of this kind leaves."""
    return {"rows": "open_sale", "files": "open_sale", "model": "reviewed"}.get(kind, "dp")
