"""What the operations on licences answer with."""

from datetime import datetime
from typing import Literal

from typing_extensions import TypedDict

from marketplace.offers.schemas import PricedTerms
from marketplace.products.schemas import ReleaseChangeDocument, TermsDocument


class LicenceDocument(TypedDict):
    """A licence, with its terms as they were when it was issued. `document` is the offer that it froze, and
    `offer_hash` names it; both are null for a licence from before there were offers. `notice_…`: who ended it
    before its time. `ended_reason` is also why it is suspended."""

    id: int
    order: int
    product: str
    department: str
    organisation: str
    time_zone: str
    starts_at: datetime
    ends_at: datetime
    terms: TermsDocument
    status: Literal["live", "suspended", "ended", "revoked", "expired"]
    issued_at: datetime
    ended_reason: str | None
    document: PricedTerms | None
    offer_hash: str | None
    pinned: bool
    notice_by: str | None
    notice_at: datetime | None
    notice_reason: str | None


class EntitledRelease(TypedDict):
    """A release that a licence may have; an announced one takes effect at `effective_at`."""

    number: int
    effect: Literal["first", "compatible", "additive", "breaking"]
    changes: list[ReleaseChangeDocument]
    notes: str
    effective_at: datetime
    status: Literal["released", "announced", "dropped"]


class LicenceReleases(TypedDict):
    """`delivered` is the number of the release that calls get now; null for a product from before there were
    releases."""

    licence: int
    delivered: int | None
    pinned: bool
    releases: list[EntitledRelease]


class EndedLicence(TypedDict):
    licence: int
    ends_at: datetime


class LicenceList(TypedDict):
    licences: list[LicenceDocument]


class PrivacyAccountDocument(TypedDict):
    """The privacy budget of a licence of free SQL. `epsilon` was sold, at the dataset's delta.
    `percent_used` is in zCDP, in which the ledger counts; it and what follows are null until the account
    is opened. `until`: when it ends."""

    licence: int
    epsilon: str
    opened: bool
    percent_used: float | None
    epsilon_spent: float | None
    until: str | None
