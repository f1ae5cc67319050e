"""What the operations on derivations answer with."""

from datetime import datetime
from typing import Literal, NotRequired

from typing_extensions import TypedDict


class DerivationInputDocument(TypedDict):
    """A version that is read. `newest`: the version that is in use now, 0 where none is. `ended`: `withdrawn`
    or `erased`; then nothing is derived from it any more."""

    dataset: str
    version: int
    department: str
    newest: int
    ended: NotRequired[Literal["withdrawn", "erased"]]


class NeededDocument(TypedDict):
    """How many officers of a department must agree, and who did. Whoever proposed it does not count."""

    department: str
    officers: int
    agreed: list[str]


class DerivationDocument(TypedDict):
    """A dataset that is derived from others. `state`: `waiting` for officers, `agreed`, `published`, or
    `ended` with a dataset that it read. `revision` changes whenever it does; an officer says to which they
    agree. `figures`: whether whoever runs it learns exact figures of the result. `columns`: from which
    columns each comes. `version`: the last that it made. `advice` comes with a run alone, and only where
    figures are shown. `schedule`: when it is refreshed and run by itself, a cron expression by the city's
    clock."""

    dataset: str
    department: str
    state: Literal["waiting", "agreed", "published", "ended"]
    revision: int
    set_by: str
    set_at: datetime
    policy: str
    sql: str
    sql_sha256: str
    inputs: list[DerivationInputDocument]
    columns: NotRequired[dict[str, list[str]]]
    needs: list[NeededDocument]
    figures: Literal["shown", "hidden"]
    schedule: NotRequired[str]
    next_due: NotRequired[datetime]
    failed_at: NotRequired[datetime]
    version: NotRequired[int]
    advice: NotRequired[list[str]]
