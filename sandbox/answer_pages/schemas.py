"""What the operations on saved pages of answers answer with."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from typing_extensions import TypedDict

from sandbox.budgets import Level
from sandbox.releases.schemas import BudgetRefusal, PastAnswerDocument


class AnswerPageEntry(TypedDict):
    """A page in the list of its team's. `number` is that of its newest state."""

    id: UUID
    team: str
    title: str
    number: int
    questions: int
    saved_by: str
    saved_at: datetime


class AnswerPageQuestion(TypedDict):
    """A question of a page with its answer. `answer` is null where the reader may not see it.

    `epsilon` (a decimal number, as text) or `error`: with what it is asked again; neither: the usual.
    `not_refreshed` says why the last refresh left the answer as it was.
    """

    caption: str
    sql: str
    epsilon: str | None
    error: float | None
    answer_id: UUID
    answer: PastAnswerDocument | None
    not_refreshed: BudgetRefusal | None


class AnswerPageDocument(TypedDict):
    """One state of a page; `newest` is the number of the newest. `picorho` was paid for this state."""

    id: UUID
    team: str
    number: int
    newest: int
    title: str
    text: str
    change: Literal["saved", "refreshed"]
    picorho: int
    saved_by: str
    saved_at: datetime
    questions: list[AnswerPageQuestion]


class AnswerPageState(TypedDict):
    """A state in the history of a page."""

    number: int
    title: str
    change: Literal["saved", "refreshed"]
    picorho: int
    questions: int
    saved_by: str
    saved_at: datetime


class AnswerPageQuestionPrice(TypedDict):
    """What asking a question of a page again would cost: nothing where it was answered for this version.

    `version` and `epsilon` (at the dataset's `delta`) are null where it would be refused.
    """

    sql: str
    answered_version: int | None
    version: str | None
    grant: int | None
    picorho: int
    epsilon: float | None
    delta: float | None
    seconds: float
    refusal: BudgetRefusal | None


class AnswerPageLevel(TypedDict):
    """What a refresh spends of one account: only what the page's own grants spend of it is shown."""

    level: Level
    key: str
    picorho: int
    percent_used_now: float
    percent_used_after: float


class AnswerPagePrice(TypedDict):
    """What a refresh would cost, in all and at each level. `priced` confirms it: send it with the refresh.

    `refreshable`: some question can be asked again, and the budgets suffice for all that can. `refusal`
    says why they do not.
    """

    page: UUID
    number: int
    picorho: int
    seconds: float
    questions: list[AnswerPageQuestionPrice]
    levels: list[AnswerPageLevel]
    refreshable: bool
    refusal: BudgetRefusal | None
    priced: str
