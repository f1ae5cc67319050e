"""Defines an offer: a document, for whom, from when, until when."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from marketplace.offers.document import OfferDocument


@dataclass(frozen=True)
class Offer:
    """`organisation`: whom alone it is for; None: everybody. `ends_at` None: until a later one begins."""

    id: int
    product: str
    organisation: str | None
    starts_at: datetime
    ends_at: datetime | None
    document: OfferDocument
    hash: str
    made_by: str
    made_at: datetime
    log_index: int

    def holds_at(self, now: datetime) -> bool:
        return self.starts_at <= now and (self.ends_at is None or now < self.ends_at)

    def seen_by(self, organisation: str, department: str) -> bool:
        """A private offer is seen by whom it is for and by the seller."""
        return self.organisation in (None, organisation) or organisation == department


def offer_for(offers: Iterable[Offer], *, organisation: str | None, now: datetime) -> Offer | None:
    """The offer that counts for a buyer: the newest of their own, else the newest of everybody's."""
    open_to = [each for each in offers if each.holds_at(now) and each.organisation in (None, organisation)]
    return max(
        open_to, key=lambda each: (each.organisation is not None, each.starts_at, each.id), default=None
    )
