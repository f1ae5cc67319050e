"""What the operations on products answer with."""

from datetime import datetime
from typing import Literal

from typing_extensions import TypedDict

from marketplace.products.model import ParameterType


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
    """Rows of an open copy, looked up by equality on `keys` (each with its type)."""

    kind: Literal["rows"]
    version_id: str
    columns: list[str]
    keys: dict[str, ParameterType]
    page_rows: int


class SoldQuery(TypedDict):
    """Answers to a private query at a fixed loss."""

    kind: Literal["query"]
    sql: str
    epsilon: str
    parameters: list[ParameterDocument]


class ProductDocument(TypedDict):
    """A product on offer. `call` is where its buyers call it."""

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
    what: SoldRows | SoldQuery
    kind: Literal["rows", "query"]
    call: str


class ProductList(TypedDict):
    products: list[ProductDocument]
