"""Defines a licence: what a company may do, how often, and at which price.
Its terms are as they were when it was issued."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from marketplace.lifecycle import Lifecycle, Status
from marketplace.offers.document import OfferDocument
from marketplace.offers.price import Price
from marketplace.products.model import Terms

LICENCE_STATUSES: Lifecycle = {
    "live": Status(
        "keys of it may call",
        "the organisation that holds it",
        "licence.issued",
        next=("suspended", "ended", "revoked", "expired"),
        event_from={"suspended": "licence.resumed"},
    ),
    "suspended": Status(
        "its keys open nothing until it is resumed",
        "officer of the department",
        "licence.suspended",
        next=("live", "ended", "revoked", "expired"),
    ),
    "ended": Status("ended by the organisation that held it", "nobody", "licence.ended"),
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
    document: OfferDocument | None = None
    offer_hash: str | None = None
    pin: int | None = None
    notice_by: str | None = None
    notice_at: datetime | None = None
    notice_reason: str | None = None
    privacy_grant: str | None = None

    @property
    def price(self) -> Price:
        """What its calls cost: as it was sold, whatever offers came later."""
        return self.document.price if self.document else self.terms.as_price

    @property
    def over_at(self) -> datetime:
        """When its days and its days of grace have passed."""
        return self.ends_at + timedelta(days=self.terms.grace_days)

    def in_trial(self, now: datetime) -> bool:
        """Whether calls cost nothing, because the licence is new."""
        trial = self.price.trial
        return trial is not None and now < self.starts_at + timedelta(days=trial.days)

    @property
    def cedar(self) -> dict[str, str]:
        """What the gate wants to know about it."""
        return {"organisation": self.organisation, "status": self.status, "department": self.department}
