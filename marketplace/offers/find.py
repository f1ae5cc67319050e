"""Finds offers: rows of the table as values."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, select

from marketplace.offers.document import OfferDocument
from marketplace.offers.model import Offer, offer_for
from marketplace.offers.tables import offers
from sandbox.database import Transaction


def offers_of(tx: Transaction, product_id: str) -> list[Offer]:
    """All that there ever were, the newest first."""
    wanted = select(offers).where(offers.c.product == product_id)
    return [offer_of(row) for row in tx.execute(wanted.order_by(offers.c.id.desc()))]


def current_offer(
    tx: Transaction, product_id: str, *, organisation: str | None, now: datetime
) -> Offer | None:
    """The offer that counts for a buyer now; None for a product from before there were offers."""
    return offer_for(offers_of(tx, product_id), organisation=organisation, now=now)


def offer_of(row: Row[Any]) -> Offer:
    fields = dict(row._mapping)
    return Offer(**fields | {"document": OfferDocument.model_validate(row.document)})
