"""What a call of a product answers with."""

from typing import Literal, NotRequired

from typing_extensions import TypedDict

from marketplace.metering.model import Reason
from sandbox.api_schema import Scalar
from sandbox.releases.schemas import AnswerColumn, ValueError95


class CallUsage(TypedDict):
    """What the call cost, and why. `log_index` is the entry in the transparency log."""

    id: str
    verdict: Literal["VALID"]
    reason: Reason
    amount_fen: int
    log_index: int | None
    replayed: bool


class CallTerms(TypedDict):
    purpose: str
    redistribution: bool


class CallResult(TypedDict):
    """Rows of a product, or the answer to its query (then with `errors`, and columns that are described).

    `next` is where the next page begins; null at the end. Decimals, days, and integers beyond ±(2^53 - 1)
    are text.
    """

    product: str
    dataset: NotRequired[str]
    version: NotRequired[str | int]
    columns: list[str] | list[AnswerColumn]
    rows: list[list[Scalar]]
    errors: NotRequired[list[dict[str, ValueError95]]]
    next: NotRequired[int | None]
    usage: CallUsage
    terms: CallTerms
