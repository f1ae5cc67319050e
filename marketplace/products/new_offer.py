"""Publishes a new offer of a product: for everybody, or for one organisation. Licences keep the one they were
sold under."""

from datetime import date, datetime, time, timedelta
from typing import Annotated

from pydantic import BaseModel, Field
from sqlalchemy import func, select

from marketplace.days import Day
from marketplace.offers.document import OfferDocument
from marketplace.offers.find import offers_of
from marketplace.offers.model import Offer
from marketplace.offers.publish_offer import write_offer
from marketplace.products.find import find_product
from marketplace.products.fitting_terms import check_terms_fit
from marketplace.products.selling import Selling
from sandbox.city_time import CITY_TIME, city_date
from sandbox.errors import InvalidInput
from sandbox.identity import Principal
from sandbox.policy import Resource

Organisation = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]


class NewOffer(BaseModel):
    """What an officer sends. Without `starts_on` it counts from now. `ends_on` is its last day.
    `organisation`: whom alone it is for."""

    document: OfferDocument
    organisation: Organisation | None = None
    starts_on: Day | None = None
    ends_on: Day | None = None


def publish_offer(selling: Selling, *, principal: Principal, product_id: str, new: NewOffer) -> Offer:
    """Raises `Forbidden`, `NotFound`, `InvalidInput` (also for a price above the limits)."""
    with selling.database.transaction() as tx:
        product = find_product(tx, product_id)
        selling.gate.require(principal, "publish_offer", Resource("Product", product.id, product.cedar))
        now: datetime = tx.execute(select(func.now())).scalar_one()
        if new.starts_on is not None and new.starts_on < city_date(now):
            raise InvalidInput(
                "An offer cannot begin in the past.",
                remedy="Begin it today or later.",
                zh="报价不能从过去开始。",
                remedy_zh="开始日期应为今天或以后。",
            )
        starts_at = now if new.starts_on in (None, city_date(now)) else midnight(new.starts_on)
        ends_at = midnight(new.ends_on + timedelta(days=1)) if new.ends_on else None
        if ends_at is not None and ends_at <= starts_at:
            raise InvalidInput(
                "The offer ends before it begins.",
                remedy="Give a last day that is not before the first.",
                zh="报价的结束日期早于开始日期。",
                remedy_zh="请核对日期。",
            )
        check_terms_fit(product, new.document, selling.copies)
        return write_offer(
            tx,
            rules=selling.rules,
            product_id=product.id,
            document=new.document,
            starts_at=starts_at,
            ends_at=ends_at,
            organisation=new.organisation,
            by=principal.id,
        )


def list_offers(selling: Selling, *, principal: Principal, product_id: str) -> list[Offer]:
    """Those that this person may see, the newest first: a private one is for its buyer and the seller.
    Raises `NotFound`."""
    with selling.database.transaction() as tx:
        product = find_product(tx, product_id)
        return [
            each
            for each in offers_of(tx, product.id)
            if each.seen_by(principal.organisation, product.department)
        ]


def midnight(day: date | None) -> datetime:
    assert day is not None
    return datetime.combine(day, time(), CITY_TIME)
