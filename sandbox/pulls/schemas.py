"""What the operations on pulls answer with."""

from datetime import datetime
from typing import Literal, NotRequired

from typing_extensions import TypedDict

from sandbox.api_schema import Words

What = Literal["table", "query", "object"]
FullPull = Literal["daily", "weekly", "monthly"]
AttemptOutcome = Literal["version", "unchanged", "failed"]


class SourceDocument(TypedDict):
    """A source from which a department may pull. `tables`: tables and queries are read from it; else
    objects."""

    name: str
    kind: Literal["postgres", "mysql", "sqlite", "s3", "https"]
    tables: bool


class AttemptDocument(TypedDict):
    """One attempt to pull. Why it failed is told to the officer who set the pull, since a reason may count
    cells; a colleague learns that it failed, and `code` where the source is the reason."""

    started_at: datetime
    ended_at: NotRequired[datetime]
    outcome: AttemptOutcome
    version: NotRequired[int]
    code: NotRequired[str]
    message: NotRequired[str]
    remedy: NotRequired[str]
    message_zh: NotRequired[str]
    remedy_zh: NotRequired[str]


class IncrementsDocument(TypedDict):
    """How a pull fetches only what is new: rows whose column `since` is at or above the last value seen, less
    `overlap` (numbers, days or seconds, as the column is). Rows that are alike in the unit and the columns of
    `key` replace those of the last version. `full`: how often all rows are fetched, which alone finds those
    that were deleted at the source."""

    since: str
    key: list[str]
    overlap: int
    full: FullPull


class SinceDocument(TypedDict):
    """For the puller alone: `at_least` is raw data. `column`: as the source names it."""

    column: str
    kind: Literal["integer", "date", "timestamp"]
    at_least: str


class PullDocument(TypedDict):
    """From where a dataset's rows come, and when. `state`: `waiting` for a second officer, `active`, or
    `suspended`. `schedule`: a cron expression by the city's clock. `revision` changes whenever the pull does;
    a second officer says to which they agree. `turn` is its older name."""

    dataset: str
    department: str
    source: str
    kind: What
    what: str
    schedule: str
    state: Literal["waiting", "active", "suspended"]
    revision: int
    turn: int
    set_by: str
    set_at: datetime
    second_person: NotRequired[str]
    suspended: NotRequired[Words]
    increments: NotRequired[IncrementsDocument]
    next_due: NotRequired[datetime]
    last: NotRequired[AttemptDocument]


class DuePullDocument(TypedDict):
    """What the puller is to fetch now. `revision` (formerly `turn`) is sent back with the rows or with a
    failure. `since`: only these rows; then `base` is sent back with them, the version that they change."""

    id: int
    revision: int
    turn: int
    source: str
    kind: What
    what: str
    since: NotRequired[SinceDocument]
    base: NotRequired[int]
