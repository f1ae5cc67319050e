"""What a call of a product answers with."""

from typing import Literal, NotRequired

from typing_extensions import TypedDict

from marketplace.metering.model import Reason
from marketplace.products.model import FileFormat
from sandbox.api_schema import Scalar
from sandbox.releases.schemas import AnswerColumn, ExplainedOutput, ValueError95


class CallUsage(TypedDict):
    """What the call cost, and why. `log_index` is null: the line is in the log a second later, and
    `GET /api/v1/usage/{id}/receipt` then proves it."""

    id: str
    verdict: Literal["VALID"]
    reason: Reason
    amount_fen: int
    log_index: int | None
    replayed: bool


class CallTerms(TypedDict):
    purpose: str
    redistribution: bool


class RowCount(TypedDict):
    """How many rows fit, over all pages. `exact`: counted; else estimated from the conditions one by one."""

    rows: int
    exact: bool


class CallResult(TypedDict):
    """Rows of a product, or the answer to its query (then with `errors`, and columns that are described).

    `cursor` is that of the next page, for `_cursor`; null at the end. `next` is where that page begins.
    Decimals, days, and integers beyond ±(2^53 - 1) are text.
    """

    product: str
    dataset: NotRequired[str]
    version: NotRequired[str | int]
    columns: list[str] | list[AnswerColumn]
    rows: list[list[Scalar]]
    errors: NotRequired[list[dict[str, ValueError95]]]
    next: NotRequired[int | None]
    cursor: NotRequired[str | None]
    count: NotRequired[RowCount]
    usage: CallUsage
    terms: CallTerms


class ListedFile(TypedDict):
    """A file and its link, relative to the portal. `sha256` is of the whole file, in hexadecimal."""

    name: str
    format: FileFormat
    media_type: str
    rows: int
    bytes: int
    sha256: str
    href: str


class FileManifest(TypedDict):
    """What a licence delivers as files. `watermark`: they are arranged so that a copy shows whose it was.
    `sample`: for a test key, the first rows. `expires_at`: when its links end."""

    format: Literal["cihu-files-1"]
    product: str
    release: int
    licence: int
    organisation: str
    sample: bool
    watermark: bool
    made_at: str
    expires_at: str
    files: list[ListedFile]


class ManifestSignature(TypedDict):
    """Ed25519 over the manifest's JSON with sorted keys, without spaces, in UTF-8; base64url without padding.
    `kid` is the key's thumbprint (RFC 7638)."""

    alg: Literal["EdDSA"]
    kid: str
    value: str


class FileList(TypedDict):
    """A signed list of files."""

    manifest: FileManifest
    signature: ManifestSignature


class ManifestKeyDocument(TypedDict):
    """A public key of Ed25519: 32 bytes in base64url without padding."""

    key: str
    kid: str
    alg: Literal["EdDSA"]


class SpentBudget(TypedDict):
    """What an answer spent, at the dataset's `delta`, and what of the licence's budget is used with it.
    `stored`: it was answered before, and nothing was spent. The percentage is in zCDP, in which the ledger
    counts."""

    epsilon: float
    delta: float
    stored: bool
    budget_epsilon: str
    budget_percent_used: float


class SqlAnswer(TypedDict):
    """The answer to a question, with the error of every value by column name."""

    product: str
    dataset: str
    version: int
    columns: list[AnswerColumn]
    rows: list[list[Scalar]]
    errors: list[dict[str, ValueError95]]
    spent: SpentBudget
    usage: CallUsage
    terms: CallTerms


class ExplainedBudgetUse(TypedDict):
    """`enough`: whether the question would be answered. Percentages are of the licence's budget, in zCDP."""

    epsilon: str
    enough: bool
    percent_used: float
    percent_used_after: float


class SqlExplanation(TypedDict):
    """What a question would spend, and the predicted errors of its outputs. Nothing was spent."""

    product: str
    dataset: str
    version: int
    epsilon: float
    delta: float
    stored: bool
    outputs: list[ExplainedOutput]
    cells: int | None
    answer_takes_seconds: float
    budget: ExplainedBudgetUse


class ModelAnswer(TypedDict):
    """A prediction for each row that was sent, in their order, by the declared name. `version`: of the model
    that made them."""

    product: str
    model: str
    version: int
    predictions: list[dict[str, Scalar]]
    usage: CallUsage
    terms: CallTerms
