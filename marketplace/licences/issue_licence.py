"""Issues a licence for an approved order, with the product's terms as they are now, for the days of the
order."""

from datetime import date, datetime, time, timedelta

from sqlalchemy import insert

from marketplace.licences.tables import licences
from marketplace.products.model import Product
from sandbox.audit import Event, append
from sandbox.city_time import CITY_TIME, CITY_TIME_ZONE
from sandbox.database import Transaction


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
    by: str,
) -> int:
    """Issue the licence of an order that was just approved; gives its id. The caller has decided."""
    terms = product.terms.model_copy(
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
                time_zone=CITY_TIME_ZONE,
                starts_at=midnight(starts_on),
                ends_at=midnight(ends_on + timedelta(days=1)),
                status="live",
                **terms.model_dump(),
            )
            .returning(licences.c.id)
        ).scalar_one()
    )
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
            },
        ),
    )
    return licence_id


def midnight(day: date) -> datetime:
    """When a day begins in the city."""
    return datetime.combine(day, time(), CITY_TIME)
