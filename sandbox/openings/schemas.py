"""What the operations on reviews before opening answer with."""

from datetime import datetime
from typing import Literal, NotRequired

from typing_extensions import TypedDict

from sandbox.api_schema import Words

OpeningStateName = Literal["waiting", "opened", "refused", "superseded"]


class OpeningReasonDocument(TypedDict):
    """Why a review is asked."""

    code: str
    text: Words


class OpeningItemDocument(TypedDict):
    """One line of the checklist. `answered_by`: who must answer; `system`: it was confirmed by itself.
    `about`: the columns that somebody must look at, or * for the dataset as a whole. `yours`: you may
    answer it now."""

    id: str
    question: Words
    answered_by: Literal["system", "publisher", "second_person"]
    about: list[str]
    yours: bool
    yes: NotRequired[bool]
    note: NotRequired[str]
    by: NotRequired[str]
    at: NotRequired[str]


class OpeningDocument(TypedDict):
    """A review before a version (or an open copy of one) is usable by anybody but the department's officers.
    `superseded`: a later version was published before it was decided."""

    id: int
    dataset: str
    version: int
    kind: Literal["version", "open_copy"]
    columns: NotRequired[list[str]]
    reasons: list[OpeningReasonDocument]
    grade: str
    state: OpeningStateName
    asked_by: str
    asked_at: datetime
    due_at: datetime
    overdue: bool
    needs_second_person: bool
    second_person: NotRequired[str]
    items: list[OpeningItemDocument]
    decided_by: NotRequired[str]
    decided_at: NotRequired[datetime]
    reason: NotRequired[str]
    policy: NotRequired[str]
