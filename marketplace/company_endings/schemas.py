"""What the operations on ending companies take and answer with."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from marketplace.days import Day
from sandbox.plain_text import PlainText


class CompanyNotice(BaseModel):
    """`last_day`: of the company, in the city's time; without one the first that is possible."""

    reason: Annotated[PlainText, Field(max_length=2000)] = ""
    last_day: Day | None = None


class EndReason(BaseModel):
    reason: Annotated[PlainText, Field(min_length=1, max_length=2000)]


class EndingDocument(TypedDict):
    """How a company ends. Until `ends_at` everything goes on. Until `export_until` its owners can take the
    export; then its accounts are closed."""

    organisation: str
    status: Literal["noticed", "withdrawn", "ended", "closed"]
    reason: str
    noticed_by: str
    noticed_at: datetime
    ends_at: datetime
    by_operator: bool
    ended_at: datetime | None
    export_until: datetime | None


class StandingEnding(TypedDict):
    """`ending` is null while no notice stands."""

    ending: EndingDocument | None
