"""How does an approved order become a licence? With the product's terms as they are now, for the days of the order."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import insert

from marketplace.licences.model import CITY_TIME_ZONE
from marketplace.licences.tables import licences
from marketplace.orders.model import Order
from marketplace.products.model import Product
from sandbox.audit import Event, append
from sandbox.database import Transaction


def issue_licence(tx: Transaction, *, order: Order, product: Product, by: str) -> int:
    """Issue the licence of an order that was just approved; gives its id. The caller has decided."""
    terms = product.terms.model_copy(update={
        "calls_per_month": order.calls_per_month, "calls_per_second": order.calls_per_second})
    licence_id = int(tx.execute(insert(licences).values(
        order=order.id, product=product.id, department=product.department, organisation=order.organisation,
        time_zone=CITY_TIME_ZONE, starts_at=midnight(order.starts_on),
        ends_at=midnight(order.ends_on + timedelta(days=1)), status="live", **terms.model_dump(),
    ).returning(licences.c.id)).scalar_one())
    append(tx, Event(kind="licence.issued", actor=by, subject=f"licence:{licence_id}", payload={
        "order": order.id, "product": product.id, "organisation": order.organisation,
        "from": order.starts_on.isoformat(), "until": order.ends_on.isoformat(), **terms.model_dump()}))
    return licence_id


def midnight(day: date) -> datetime:
    """When a day begins in the city."""
    return datetime.combine(day, time(), ZoneInfo(CITY_TIME_ZONE))
