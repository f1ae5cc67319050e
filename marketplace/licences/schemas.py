"""What the operations on licences answer with."""

from datetime import datetime
from typing import Literal

from typing_extensions import TypedDict

from marketplace.products.schemas import TermsDocument


class LicenceDocument(TypedDict):
    """A licence, with its terms as they were when it was issued."""

    id: int
    order: int
    product: str
    department: str
    organisation: str
    time_zone: str
    starts_at: datetime
    ends_at: datetime
    terms: TermsDocument
    status: Literal["live", "revoked", "expired"]
    issued_at: datetime
    ended_reason: str | None


class LicenceList(TypedDict):
    licences: list[LicenceDocument]
