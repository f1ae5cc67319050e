"""What the operations on questions and budgets answer with."""

from datetime import datetime
from typing import Literal, NotRequired
from uuid import UUID

from pydantic import ConfigDict
from typing_extensions import TypedDict

from sandbox.api_schema import Scalar
from sandbox.audit.schemas import Receipt
from sandbox.budgets import Level
from sandbox.catalog.model import Type
from sandbox.grants.model import GrantStatus


class AnswerColumn(TypedDict):
    """A column of an answer. `kind` is "key", "computed", "units", "average", or the aggregation's name."""

    name: str
    kind: str
    type: Type
    measured_in: NotRequired[str]


class NoiseError(TypedDict):
    """The error that noise alone makes."""

    standard_error: float | None
    low: float | None
    high: float | None


class ValueError95(TypedDict):
    """The error of one value: its 95 % interval from `low` to `high`.

    `noise` is the noise's part of it, where the limit on a unit's rows may have moved the value farther.
    `note` and `note_zh` say why a value is withheld.
    """

    standard_error: float | None
    low: float | None
    high: float | None
    noise: NotRequired[NoiseError]
    note: NotRequired[str]
    note_zh: NotRequired[str]


class NoteFact(TypedDict):
    """The numbers that a note states, by name, and the note's code."""

    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc]  # pydantic reads it there

    code: str


class PriceDocument(TypedDict):
    """What was paid. `picorho` is exact.

    `rho` is in zCDP, `epsilon` at the dataset's `delta`; both are rounded.
    """

    picorho: int
    rho: float
    epsilon: float
    delta: float
    percent_of_grant: float
    grant_percent_used: float


class PastAnswerDocument(TypedDict):
    """An answer: its rows, the error of every value by column name, its price and its receipt.

    An integer in a row that is beyond ±(2^53 - 1) is text, so that no reader of JSON loses it.
    `open` is there, and `grant` null, for questions on open data alone. `joined` are the other private
    datasets with the grant of each.
    """

    answer_id: UUID
    dataset: str
    version: int
    grant: int | None
    open: NotRequired[Literal[True]]
    joined: NotRequired[dict[str, int]]
    sql: str
    answered_at: datetime
    stored: bool
    columns: list[AnswerColumn]
    rows: list[list[Scalar]]
    errors: list[dict[str, ValueError95]]
    price: PriceDocument
    notes: NotRequired[list[str]]
    notes_zh: NotRequired[list[str]]
    note_facts: NotRequired[list[NoteFact]]
    log_index: int
    receipt: Receipt


class AnswerDocument(PastAnswerDocument):
    """A new answer, or a stored one again (then `stored` is true and nothing was paid)."""


class ExplainedTotal(TypedDict):
    """A total that the answer is made of, and what it costs."""

    total: str
    one_unit_changes_it_by: float
    picorho: int
    released_before: bool


class ExplainedKey(TypedDict):
    """A key whose values are found in the data; values of fewer units are not shown."""

    key: str
    found_before: bool
    picorho: int
    delta: float
    shown_from_units: int | float


class ExplainedBounds(TypedDict):
    """Bounds that no policy has: bought before (`low`, `high`), or to be bought (`shown_from_units`)."""

    column: str
    bought_before: bool
    picorho: int
    epsilon: float
    low: NotRequired[float]
    high: NotRequired[float]
    shown_from_units: NotRequired[int | float]


class ExplainedOutput(TypedDict):
    """The predicted error of an output, in a group of typical size."""

    name: str
    kind: str
    totals: list[str]
    picorho: int
    epsilon: float
    noise_in_units: float
    for_a_cell_of_rows: int | None
    for_a_cell_of_units: NotRequired[int | None]
    standard_error: float | None
    plus_minus_95: float | None
    percent_of_a_typical_cell: float | None
    at_worst: bool
    for_a_value_of: NotRequired[float | None]
    if_evenly_spread: NotRequired[bool]


class BudgetRefusal(TypedDict):
    """Why a question would be refused, in both languages."""

    code: str
    message: str
    message_zh: str
    remedy: str
    remedy_zh: str


class ExplainedBudget(TypedDict):
    """What would be left of the grant's budget. For open data only the first and the last are there."""

    enough: bool
    percent_used_now: NotRequired[float]
    percent_used_after: NotRequired[float]
    delta_limit: NotRequired[float]
    delta_left_now: NotRequired[float]
    delta_percent_used_now: NotRequired[float]
    delta_percent_used_after: NotRequired[float]
    refusal: NotRequired[BudgetRefusal | None]
    such_questions_left: int | None


class ExplanationDocument(TypedDict):
    """The price of a question and its predicted errors. Nothing was spent, and no data was touched."""

    dataset: str
    version: int
    grant: int | None
    open: NotRequired[Literal[True]]
    epsilon: float
    delta: float
    rho: float
    picorho: int
    delta_spent: NotRequired[float]
    stored: bool
    totals: list[ExplainedTotal]
    keys: list[ExplainedKey]
    bounds: list[ExplainedBounds]
    bounding: list[str]
    bounding_zh: list[str]
    outputs: list[ExplainedOutput]
    cells: int | None
    typical_rows_a_cell: int | None
    budget: ExplainedBudget
    percent_used_after: dict[str, float]
    answer_takes_seconds: float
    notes: list[str]
    notes_zh: list[str]
    note_facts: NotRequired[list[NoteFact]]


class BudgetLevel(TypedDict):
    """One account of a budget. `of` says whose spending it shows: that of the grant's team, or all.

    `epsilon_spent` is null where questions on other datasets of the population spent as much delta as the
    grant's `delta` is: no epsilon says what was lost at that delta. `picorho_spent` and `delta_spent` always
    do.
    """

    level: Level
    key: str
    of: Literal["team", "all"]
    picorho_limit: int
    picorho_spent: int
    picorho_promised: int
    picorho_left: int
    epsilon_limit: float
    epsilon_spent: float | None
    delta_limit: float
    delta_spent: float
    delta_promised: float
    delta_left: float
    percent_used: float
    delta_percent_used: float


class PersonSpending(TypedDict):
    """What one member of the team has spent."""

    who: str
    questions: int
    picorho: int


class QuestionSpending(TypedDict):
    """A question that was charged, with the first characters of its SQL."""

    answer_id: UUID
    who: str
    at: datetime
    sql: str
    picorho: int
    status: str
    grant: int


class SpendingDocument(TypedDict):
    """What the team's budget was spent on, and by whom."""

    people: list[PersonSpending]
    questions: list[QuestionSpending]


class GrantBudgetDocument(TypedDict):
    """What is left of a grant and of the wider budgets. `spent` is null for those who are not of its team."""

    grant: int
    dataset: str
    team: str
    status: GrantStatus
    until: datetime
    delta: float
    keys_left: int
    levels: list[BudgetLevel]
    spent: SpendingDocument | None
