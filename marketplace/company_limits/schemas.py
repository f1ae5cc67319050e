"""What the operations on a company's limits take and answer with."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from marketplace.customers.limits import CompanyLimits
from sandbox.plain_text import PlainText


class WantedLimits(BaseModel):
    """The limits from now on; what is left out, or null, is no limit. An operator gives a reason."""

    model_config = ConfigDict(extra="forbid")

    calls_per_second: Annotated[int, Field(strict=True, ge=1, le=100_000)] | None = None
    calls_per_month: Annotated[int, Field(strict=True, ge=0, le=10**12)] | None = None
    concurrent_calls: Annotated[int, Field(strict=True, ge=1, le=10_000)] | None = None
    bytes_per_month: Annotated[int, Field(strict=True, ge=0, le=2**53 - 1)] | None = None
    reason: Annotated[PlainText, Field(max_length=2000)] = ""

    @property
    def limits(self) -> CompanyLimits:
        return CompanyLimits(**self.model_dump(exclude={"reason"}))


class CompanyLimitsDocument(TypedDict):
    """Of a whole company; null: no limit."""

    calls_per_second: int | None
    calls_per_month: int | None
    concurrent_calls: int | None
    bytes_per_month: int | None


class CompanyUseDocument(TypedDict):
    """The limits of a company over all its licences, keys and service accounts, and what it used of them in
    `month`. Of what `operator` and `owner` set, the lower counts: `in_effect`. `bytes` are those of rows and
    files, counted from when a limit of them was set. `in_progress`: calls that are being answered now."""

    organisation: str
    month: str
    in_effect: CompanyLimitsDocument
    operator: CompanyLimitsDocument
    owner: CompanyLimitsDocument
    calls: int
    bytes: int
    in_progress: int
