"""What the operation on usage answers with."""

from datetime import datetime

from typing_extensions import TypedDict

from marketplace.metering.model import Reason


class UsageLineDocument(TypedDict):
    """One thing that happened under a licence. `calls` is 1 for a call, 0 for a fee, -1 for a credit."""

    id: str
    licence: int
    month: str
    at: datetime
    reason: Reason
    calls: int
    amount_fen: int
    compensates: str | None
    key: int | None
    log_index: int | None


class UsageDocument(TypedDict):
    """The lines of a licence's month."""

    licence: int
    month: str
    lines: list[UsageLineDocument]
