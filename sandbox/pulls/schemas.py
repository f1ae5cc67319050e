"""What the operations on pulls answer with."""

from datetime import datetime
from typing import Literal, NotRequired

from typing_extensions import TypedDict

from sandbox.api_schema import Words

What = Literal["table", "query", "object"]
Outcome = Literal["version", "unchanged", "failed"]


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
    outcome: Outcome
    version: NotRequired[int]
    code: NotRequired[str]
    message: NotRequired[str]
    remedy: NotRequired[str]
    message_zh: NotRequired[str]
    remedy_zh: NotRequired[str]


class PullDocument(TypedDict):
    """From where a dataset's rows come, and when. `state`: `waiting` for a second officer, `active`, or
    `suspended`. `schedule`: a cron expression by the city's clock. `turn` changes whenever the pull does; a
    second officer says to which they agree."""

    dataset: str
    department: str
    source: str
    kind: What
    what: str
    schedule: str
    state: Literal["waiting", "active", "suspended"]
    turn: int
    set_by: str
    set_at: datetime
    second_person: NotRequired[str]
    suspended: NotRequired[Words]
    next_due: NotRequired[datetime]
    last: NotRequired[AttemptDocument]


class DuePullDocument(TypedDict):
    """What the puller is to fetch now. `turn` is sent back with the rows or with a failure."""

    id: int
    turn: int
    source: str
    kind: What
    what: str
