"""Keeps the free trial to a company's first licence of a product."""

from sqlalchemy import select

from marketplace.customers.limits import limit_lock
from marketplace.licences.find import lock_siblings
from marketplace.licences.tables import licences
from marketplace.offers.document import OfferDocument
from sandbox.database import Transaction, lock_name


def lock_orders(tx: Transaction, *, product: str, organisation: str) -> None:
    """An organisation's orders and approvals of a product queue here until the transaction ends, and its
    licences for it are held: another one changes what counts for them. Then its limits are held, which a new
    licence is marked by. Taken before anything is written to the log, because whoever ends a licence or sets
    limits holds these in the same order and then writes."""
    lock_name(tx, f"market.orders {organisation} {product}")
    lock_siblings(tx, product=product, organisation=organisation)
    lock_name(tx, limit_lock(organisation))


def without_second_trial(
    tx: Transaction, document: OfferDocument, *, product: str, organisation: str
) -> OfferDocument:
    """The offer, without a trial if the company had a licence of the product. Asked when an order is placed,
    and again when it is approved: of several that wait, the first that is approved has the trial."""
    if document.price.trial is None:
        return document
    had = tx.execute(
        select(licences.c.id)
        .where(licences.c.product == product, licences.c.organisation == organisation)
        .limit(1)
    ).first()
    if had is None:
        return document
    return document.model_copy(update={"price": document.price.model_copy(update={"trial": None})})
