"""Issues a licence for an approved order, under the offer that was ordered, for the days of the order."""

from datetime import date, datetime, time, timedelta

from sqlalchemy import insert, update

from marketplace.customers.find import time_zone_of
from marketplace.customers.limits import limit_lock, limits_set
from marketplace.licences.entitlements import entitle_licence
from marketplace.licences.find import lock_siblings
from marketplace.licences.tables import licences
from marketplace.offers.document import OfferDocument
from marketplace.products.model import Product, terms_of_document
from sandbox.audit import Event, append
from sandbox.city_time import CITY_TIME
from sandbox.database import Transaction, lock_name


def issue_licence(
    tx: Transaction,
    *,
    order: int,
    product: Product,
    organisation: str,
    starts_on: date,
    ends_on: date,
    calls_per_month: int,
    calls_per_second: int,
    document: OfferDocument,
    by: str,
) -> int:
    """Issue the licence of an order that was just approved; gives its id. The caller has decided, and holds
    what is locked here already (`orders.trial.lock_orders`): the approval is in the log."""
    # the document stays as it was offered, so that its hash names it; the limits are those of the order
    terms = terms_of_document(document).model_copy(
        update={"calls_per_month": calls_per_month, "calls_per_second": calls_per_second}
    )
    licence_id = int(
        tx.execute(
            insert(licences)
            .values(
                order=order,
                product=product.id,
                department=product.department,
                organisation=organisation,
                time_zone=time_zone_of(tx, organisation),
                starts_at=midnight(starts_on),
                ends_at=midnight(ends_on + timedelta(days=1)),
                status="live",
                document=document.model_dump(mode="json"),
                offer_hash=document.digest,
                **terms.model_dump(),
            )
            .returning(licences.c.id)
        ).scalar_one()
    )
    share_months(tx, product=product.id, organisation=organisation)
    mark_limited(tx, licence_id, organisation)
    entitle_licence(tx, licence_id, product.id)
    append(
        tx,
        Event(
            kind="licence.issued",
            actor=by,
            subject=f"licence:{licence_id}",
            payload={
                "order": order,
                "product": product.id,
                "organisation": organisation,
                "from": starts_on.isoformat(),
                "until": ends_on.isoformat(),
                **terms.model_dump(),
                "offer": document.digest,
                "document": document.model_dump(mode="json"),
            },
        ),
    )
    return licence_id


def share_months(tx: Transaction, *, product: str, organisation: str) -> None:
    """What several licences of an organisation for a product use counts together from now on. The caller
    holds those that were there (`orders.trial.lock_orders`), so no call is at one that is not marked."""
    ids = lock_siblings(tx, product=product, organisation=organisation)
    if len(ids) > 1:
        tx.execute(update(licences).where(licences.c.id.in_(ids), ~licences.c.shared).values(shared=True))


def mark_limited(tx: Transaction, licence_id: int, organisation: str) -> None:
    """A licence of a company with limits counts in them from its first call on. Whoever sets limits marks the
    licences that are there, under the same lock."""
    lock_name(tx, limit_lock(organisation))
    if limits_set(tx, organisation):
        tx.execute(update(licences).where(licences.c.id == licence_id).values(limited=True))


def midnight(day: date) -> datetime:
    """When a day begins in the city."""
    return datetime.combine(day, time(), CITY_TIME)
