"""Defines a product: rows of an open copy, or a private query with parameters, at a price and under terms."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from marketplace.lifecycle import Lifecycle, Status
from marketplace.money import LARGEST_FEN
from sandbox.api_schema import ExactInt
from sandbox.plain_text import PlainText

PRODUCT_STATUSES: Lifecycle = {
    "listed": Status("on offer", "officer of the department", "product.listed", next=("withdrawn",)),
    "withdrawn": Status("off the market; licences already sold go on", "nobody", "product.withdrawn"),
}

Fen = Annotated[int, Field(strict=True, ge=0, le=LARGEST_FEN)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
ParameterType = Literal["integer", "text", "boolean", "date", "number"]
Scalar = bool | ExactInt | Decimal | date | PlainText


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Terms(Frozen):
    """What a call costs, what a licence allows at most, and what the buyer may do with what they get.

    `cap_fen` is the most that a licence pays in a month; None means the largest amount that there is.
    """

    price_fen: Fen
    monthly_fee_fen: Fen = 0
    free_calls: Annotated[int, Field(strict=True, ge=0, le=10**9)] = 0
    cap_fen: Fen | None = None
    calls_per_month: Annotated[int, Field(strict=True, ge=1, le=10**9)] = 10_000
    calls_per_second: Annotated[int, Field(strict=True, ge=1, le=1000)] = 10
    grace_days: Annotated[int, Field(strict=True, ge=0, le=90)] = 0
    purpose: Annotated[PlainText, Field(min_length=1, max_length=500)]
    redistribution: bool = False

    @model_validator(mode="after")
    def fee_fits_cap(self) -> Self:
        if self.cap_fen is not None and self.monthly_fee_fen > self.cap_fen:
            raise ValueError("the monthly fee is above the monthly cap")
        return self


class RowsDefinition(Frozen):
    """Rows of one version of the dataset's open copy, looked up by equality on `keys`
    (each with its type)."""

    kind: Literal["rows"] = "rows"
    object: str
    version_id: str
    columns: tuple[str, ...] = Field(min_length=1)
    keys: dict[str, ParameterType] = Field(min_length=1)
    page_rows: Annotated[int, Field(strict=True, ge=1, le=1000)] = 100

    @model_validator(mode="after")
    def keys_are_columns(self) -> Self:
        if strange := [key for key in self.keys if key not in self.columns]:
            raise ValueError(f"the key {strange[0]!r} is not a column of the open copy")
        return self


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


class QueryDefinition(Frozen):
    """A private query at a fixed loss, asked under the marketplace's own grant.
    `:name` in the SQL is a parameter."""

    kind: Literal["query"] = "query"
    sql: PlainText
    epsilon: Annotated[str, Field(pattern=r"^[0-9]{1,3}(\.[0-9]{1,6})?$")]
    grant: str
    parameters: tuple[Parameter, ...] = ()


Definition = Annotated[RowsDefinition | QueryDefinition, Field(discriminator="kind")]


class Product(Frozen):
    """A product as it stands in the market's list."""

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

    @property
    def kind(self) -> str:
        return self.definition.kind

    @property
    def way(self) -> str:
        """How it leaves, one of the ways of policies/grades.yaml."""
        return "open_sale" if self.definition.kind == "rows" else "dp"
