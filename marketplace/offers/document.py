"""Defines the document of an offer: a price and short licence terms. Its digest names it for ever."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from marketplace.offers.column_masks import Masks, each_once
from marketplace.offers.price import Frozen, Price
from sandbox.audit.model import canonical_sha256
from sandbox.plain_text import PlainText

Region = Annotated[str, Field(pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$")]
Use = Annotated[str, Field(pattern=r"^[a-z][a-z_]{1,40}$")]
LONGEST_DAYS = 3 * 366

MOST_CALLS_A_MONTH, MOST_CALLS_A_SECOND = 10**9, 100_000


class LicenceTerms(Frozen):
    """What the buyer may do with what they get, for how long and how often.

    `use` is one of the uses in policies/prices.yaml, `purpose` says it in words. `territory` holds codes of
    ISO 3166, or is "anywhere". `attribution` is the line to show with what is made of it; empty: none.
    `compute_only`: what is delivered may be computed with, and is not kept. `masks` are laid over those of
    the release. `watermark`: files are arranged so that a copy shows whose it was. `privacy_budget`: the
    epsilon that a licence of free SQL has in all, at the dataset's delta.
    """

    purpose: Annotated[PlainText, Field(min_length=1, max_length=500)]
    use: Use = "industry"
    longest_days: Annotated[int, Field(strict=True, ge=1, le=LONGEST_DAYS)] = LONGEST_DAYS
    calls_per_month: Annotated[int, Field(strict=True, ge=1, le=MOST_CALLS_A_MONTH)] = 10_000
    calls_per_second: Annotated[int, Field(strict=True, ge=1, le=MOST_CALLS_A_SECOND)] = 10
    grace_days: Annotated[int, Field(strict=True, ge=0, le=90)] = 0
    territory: Annotated[tuple[Region, ...], Field(min_length=1, max_length=50)] | Literal["anywhere"] = (
        "anywhere"
    )
    redistribution: bool = False
    attribution: Annotated[PlainText, Field(max_length=200)] = ""
    compute_only: bool = False
    masks: Annotated[Masks, AfterValidator(each_once)] = ()
    watermark: bool = False
    privacy_budget: Annotated[str, Field(pattern=r"^[0-9]{1,3}(\.[0-9]{1,6})?$")] | None = None


class OfferDocument(Frozen):
    """A price under terms. A licence freezes it whole, and a later offer never touches it."""

    price: Price
    terms: LicenceTerms

    @property
    def digest(self) -> str:
        """SHA-256 of its canonical JSON, in hexadecimal."""
        return canonical_sha256(self.model_dump(mode="json"))
