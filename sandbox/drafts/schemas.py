"""What the operations on files and drafts answer with."""

from datetime import datetime
from typing import Literal, NotRequired

from typing_extensions import TypedDict

from sandbox.api_schema import Words
from sandbox.catalog.schemas import AskedItemDocument

Confidence = Literal["sure", "likely", "possible"]
ShareClass = Literal["none", "few", "some", "most", "nearly all"]
"""Of a column's cells: no cell, less than 5 %, less than half, less than 95 %, and more."""


class FileDocument(TypedDict):
    """An uploaded file: nobody but its officer may read it. For a colleague `bytes` is rounded up, and
    `sha256` is empty: with it a guess of the rows could be tried."""

    id: str
    name: str
    bytes: int
    sha256: str
    uploaded_at: datetime
    expires_at: datetime
    known: bool  # the same bytes were published before


class FormatDocument(TypedDict):
    """How a file is built: what was detected, or what the draft's policy says."""

    format: Literal["csv", "excel", "json", "parquet"]
    encoding: NotRequired[str]
    damaged: NotRequired[bool]  # some bytes are no text in this encoding
    separator: NotRequired[str]
    sheet: NotRequired[str]
    sheets: NotRequired[list[str]]
    header_row: int
    header_rows: int
    columns: list[str]


class RowsDocument(TypedDict):
    """The first rows of a file as they were read, for the officer who uploaded it."""

    columns: list[str]
    rows: list[list[str | None]]


class StepPreviewDocument(TypedDict):
    """What a cleaning step makes of the rows of a preview: how many cells it changed or made, how many rows
    it left out, and the rows after it."""

    number: int
    verb: str
    changed: int
    left_out: int
    after: RowsDocument


class StepsPreviewDocument(TypedDict):
    """The first rows before the cleaning steps and after each. `rows`: the officer's, or invented ones."""

    rows: Literal["own", "invented"]
    before: RowsDocument
    steps: list[StepPreviewDocument]


class SuggestionDocument(TypedDict):
    """A value that a draft suggests. `path` is its place in the policy, such as `columns.age.bounds`.

    `from_rows`: it was seen in the rows, so it tells something of them. It is not in the policy until the
    officer says that it is public, or known to them from elsewhere.
    """

    path: str
    value: str
    reason: Words
    confidence: Confidence
    from_rows: bool


class ColumnShapeDocument(TypedDict):
    """A column of the file, in classes. `unfit`: how many cells do not fit the suggested type; for a
    colleague 1 where there are some."""

    name: str
    source: str
    type: str
    role: str
    grade: str
    filled: ShareClass
    unfit: int
    identifier: NotRequired[str]
    code_list: NotRequired[str]


class ProblemDocument(TypedDict):
    """What keeps a draft from being published, with its line in the policy. The Chinese texts are there where
    there are some."""

    line: int
    path: NotRequired[str]
    message: str
    remedy: str
    message_zh: NotRequired[str]
    remedy_zh: NotRequired[str]


class PredictionDocument(TypedDict):
    """A typical question under the draft's budget: `error` is half of a 95 % interval."""

    question: Words
    epsilon: float
    error: float


class RevisionDocument(TypedDict):
    """One saved state of a draft's policy."""

    number: int
    saved_by: str
    saved_at: datetime
    note: str


class DraftDocument(TypedDict):
    """A policy that is being written for an uploaded file. `owner`: the officer whose file it is. Only they
    get the exact number of rows and the suggestions that come from the rows. `opening`: what will be asked
    before its version opens; nothing where it shows no more than the version in use."""

    id: int
    state: Literal["open", "published", "dropped"]
    dataset: str
    department: str
    owner: str
    file: FileDocument
    format: FormatDocument
    rows: int
    policy: str
    revision: int
    revisions: list[RevisionDocument]
    columns: list[ColumnShapeDocument]
    suggestions: list[SuggestionDocument]
    problems: list[ProblemDocument]
    predictions: list[PredictionDocument]
    second_person: NotRequired[str]
    needs_second_person: bool
    opening: list[AskedItemDocument]
    version: NotRequired[int]


class DraftSummary(TypedDict):
    """A draft in the list of a department."""

    id: int
    state: Literal["open", "published", "dropped"]
    dataset: str
    owner: str
    file: str
    updated_at: datetime
