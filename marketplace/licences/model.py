"""Defines a licence: what a company may do, how often, and at which price.
Its terms are as they were when it was issued."""

from dataclasses import dataclass
from datetime import datetime

from marketplace.lifecycle import Lifecycle, Status
from marketplace.products.model import Terms

LICENCE_STATUSES: Lifecycle = {
    "live": Status(
        "keys of it may call", "the organisation that holds it", "licence.issued", next=("revoked", "expired")
    ),
    "revoked": Status("ended by the seller, with a reason", "officer of the department", "licence.revoked"),
    "expired": Status("its end and its grace period have passed", "nobody", "licence.expired"),
}


@dataclass(frozen=True)
class Licence:
    """Quota and rate are the organisation's for this product, however many keys it makes."""

    id: int
    order: int
    product: str
    department: str
    organisation: str
    time_zone: str
    starts_at: datetime
    ends_at: datetime
    terms: Terms
    status: str
    issued_at: datetime
    ended_reason: str | None = None

    @property
    def cedar(self) -> dict[str, str]:
        """What the gate wants to know about it."""
        return {"organisation": self.organisation, "status": self.status, "department": self.department}
