"""What the operations on offers answer with."""

from datetime import datetime
from typing import Literal

from typing_extensions import TypedDict

from marketplace.offers.column_masks import MaskKind
from marketplace.offers.price import Unit
from sandbox.api_schema import Words


class TierDocument(TypedDict):
    """`fen` for every `per` units of those up to `up_to` in a month; the last tier has no end."""

    up_to: int | None
    fen: int
    per: int


class UsagePriceDocument(TypedDict):
    """A price by quantity; the first `included` units of a month are free. `rounding`: of the month's sum."""

    unit: Unit
    included: int
    tiers: list[TierDocument]
    rounding: Literal["down", "half_up", "up"]


class TrialDocument(TypedDict):
    days: int


class PriceDocument(TypedDict):
    """What a licence costs, in fen."""

    free: bool
    usage: list[UsagePriceDocument]
    monthly_fee_fen: int
    month_maximum_fen: int | None
    one_off_fen: int
    trial: TrialDocument | None


class ColumnMaskDocument(TypedDict):
    """What happens to a column before it is delivered."""

    column: str
    do: MaskKind
    step: int | None
    to: Literal["month", "year"] | None
    characters: int | None


class LicenceTermsDocument(TypedDict):
    """What the buyer may do, for how long and how often. `territory`: codes of ISO 3166, or "anywhere"."""

    purpose: str
    use: str
    longest_days: int
    calls_per_month: int
    calls_per_second: int
    grace_days: int
    territory: list[str] | str
    redistribution: bool
    attribution: str
    compute_only: bool
    masks: list[ColumnMaskDocument]
    watermark: bool
    privacy_budget: str | None


class PricedTerms(TypedDict):
    price: PriceDocument
    terms: LicenceTermsDocument


class OfferedDocument(TypedDict):
    """An offer. `hash` is the SHA-256 of the document's canonical JSON; `organisation`: whom alone it is for;
    `summary`: what it says, in sentences; `log_index` leads to its receipt."""

    id: int
    product: str
    organisation: str | None
    starts_at: datetime
    ends_at: datetime | None
    document: PricedTerms
    hash: str
    summary: list[Words]
    made_by: str
    made_at: datetime
    log_index: int


class OfferList(TypedDict):
    offers: list[OfferedDocument]
