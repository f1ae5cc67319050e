"""What the operations on demands answer with."""

from datetime import datetime
from typing import Literal

from typing_extensions import TypedDict

DemandState = Literal["open", "planned", "met", "declined"]


class DemandDocument(TypedDict):
    """Data that an analyst asks a department for, and the answer. `dataset`: what meets it."""

    id: int
    title: str
    purpose: str
    department: str
    state: DemandState
    asked_by: str
    organisation: str
    asked_at: datetime
    answer: str
    dataset: str | None
    answered_by: str | None
    answered_at: datetime | None
