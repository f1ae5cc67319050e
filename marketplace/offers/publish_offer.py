"""Publishes an offer: checked against the price rules, hashed, logged, written once."""

from datetime import datetime

from sqlalchemy import insert

from marketplace.offers.document import OfferDocument
from marketplace.offers.find import offer_of
from marketplace.offers.model import Offer
from marketplace.offers.price_rules import PriceRules
from marketplace.offers.tables import offers
from sandbox.audit import Event, append
from sandbox.database import Transaction


def write_offer(
    tx: Transaction,
    *,
    rules: PriceRules,
    product_id: str,
    document: OfferDocument,
    starts_at: datetime,
    by: str,
    ends_at: datetime | None = None,
    organisation: str | None = None,
) -> Offer:
    """The caller has decided who may. Raises `InvalidInput` for a price above the limits."""
    rules.check(document)
    digest = document.digest
    log_index = append(
        tx,
        Event(
            kind="offer.published",
            actor=by,
            subject=f"product:{product_id}",
            payload={
                "hash": digest,
                "document": document.model_dump(mode="json"),
                "from": starts_at.isoformat(),
                "until": ends_at.isoformat() if ends_at else None,
                "organisation": organisation,
            },
        ),
    )
    return offer_of(
        tx.execute(
            insert(offers)
            .values(
                product=product_id,
                organisation=organisation,
                starts_at=starts_at,
                ends_at=ends_at,
                document=document.model_dump(mode="json"),
                hash=digest,
                made_by=by,
                log_index=log_index,
            )
            .returning(*offers.c)
        ).one()
    )
