"""The offer that counts: the newest that holds, a buyer's own before everybody's."""

from datetime import UTC, datetime, timedelta

from marketplace.offers.document import LicenceTerms, OfferDocument
from marketplace.offers.model import Offer, offer_for
from marketplace.offers.price import Price

NOW = datetime(2026, 3, 1, tzinfo=UTC)
DOCUMENT = OfferDocument(price=Price(free=True), terms=LicenceTerms(purpose="x"))


def offer(
    number: int, *, begins: int = -1, ends: int | None = None, organisation: str | None = None
) -> Offer:
    """One that begins and ends so many days from now."""
    ends_at = None if ends is None else NOW + timedelta(days=ends)
    begins_at = NOW + timedelta(days=begins)
    return Offer(
        number, "p", organisation, begins_at, ends_at, DOCUMENT, DOCUMENT.digest, "zhou", NOW, number
    )


def chosen(*offers: Offer, organisation: str | None = "minsheng") -> int | None:
    found = offer_for(offers, organisation=organisation, now=NOW)
    return found.id if found else None


def test_the_newest_that_holds_counts() -> None:
    assert chosen(offer(1, begins=-9), offer(2, begins=-3)) == 2
    assert chosen(offer(1, begins=-9), offer(2, begins=1)) == 1, "a coming one does not count yet"
    assert chosen(offer(1, begins=-9), offer(2, begins=-3, ends=0)) == 1, "one that ended counts no more"
    assert chosen(offer(1, begins=1)) is None


def test_a_private_offer_is_for_its_buyer_alone_and_before_everybodys() -> None:
    private = offer(1, begins=-9, organisation="minsheng")
    assert chosen(private, offer(2)) == 1
    assert chosen(private, offer(2), organisation="rival") == 2
    assert chosen(private, organisation="rival") is None
    assert chosen(private, organisation=None) is None
    assert private.seen_by("minsheng", "market") and private.seen_by("market", "market")
    assert not private.seen_by("rival", "market")
