"""Places an order: one order for one product. Rows of open data are approved at once, by rule."""

from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import exists, func, insert, select

from marketplace.licences.find import has_live
from marketplace.licences.issue_licence import midnight
from marketplace.orders.decide_order import approve
from marketplace.orders.find import order_of
from marketplace.orders.tables import orders
from marketplace.products.find import find_product
from marketplace.products.model import Product
from sandbox.audit import Event, append
from sandbox.city_time import city_date
from sandbox.database import Database, Transaction
from sandbox.errors import Conflict, InvalidInput
from sandbox.identity import Principal
from sandbox.policy import Gate, Resource

LONGEST = timedelta(days=3 * 366)
OPEN_GRADE = "1"


@dataclass(frozen=True)
class Placed:
    """What became of an order at once: its id and status, and the licence if there is one already."""

    order: int
    status: str
    licence: int | None


def place_order(
    database: Database,
    *,
    gate: Gate,
    principal: Principal,
    product_id: str,
    starts_on: date | None = None,
    ends_on: date | None = None,
    calls_per_month: int | None = None,
    calls_per_second: int | None = None,
    note: str = "",
) -> Placed:
    """Order a product for the buyer's organisation, by default for a year from today with all
    that the product allows.

    Raises `Forbidden`, `NotFound`, `InvalidInput`, `Conflict`.
    """
    with database.transaction() as tx:
        product = find_product(tx, product_id)
        gate.require(
            principal,
            "order",
            Resource(
                "Product",
                product.id,
                {
                    "department": product.department,
                    "status": product.status,
                    "grade": product.grade,
                    "way": product.way,
                },
            ),
        )
        today = city_date(tx.execute(select(func.now())).scalar_one())
        first = starts_on or today
        last = ends_on or first + timedelta(days=364)
        terms = product.terms
        per_month = within(calls_per_month, terms.calls_per_month, "calls a month")
        per_second = within(calls_per_second, terms.calls_per_second, "calls a second")
        check_days(first, last, today)
        check_only_one(tx, product=product.id, organisation=principal.organisation, first=first, last=last)
        order = order_of(
            tx.execute(
                insert(orders)
                .values(
                    product=product.id,
                    department=product.department,
                    organisation=principal.organisation,
                    buyer=principal.id,
                    starts_on=first,
                    ends_on=last,
                    calls_per_month=per_month,
                    calls_per_second=per_second,
                    note=note.strip()[:2000],
                    status="placed",
                )
                .returning(*orders.c)
            ).one()
        )
        append(
            tx,
            Event(
                kind="order.placed",
                actor=principal.id,
                subject=f"order:{order.id}",
                payload={
                    "product": product.id,
                    "organisation": principal.organisation,
                    "from": first.isoformat(),
                    "until": last.isoformat(),
                    "calls_per_month": per_month,
                    "calls_per_second": per_second,
                },
            ),
        )
        if not needs_decision(product):
            licence = approve(tx, order=order, product=product, by="marketplace", reason="rows of open data")
            return Placed(order.id, "approved", licence)
        return Placed(order.id, "placed", None)


def check_only_one(tx: Transaction, *, product: str, organisation: str, first: date, last: date) -> None:
    """Quota, free calls and cap are an organisation's for a product:
    it cannot have them twice at the same time.

    Raises `Conflict`.
    """
    # two orders at the same time queue here
    tx.execute(
        select(
            func.pg_advisory_xact_lock(func.hashtextextended(f"market.orders {organisation} {product}", 0))
        )
    )
    waiting = tx.execute(
        select(
            exists().where(
                orders.c.product == product,
                orders.c.organisation == organisation,
                orders.c.status == "placed",
                orders.c.starts_on <= last,
                orders.c.ends_on >= first,
            )
        )
    ).scalar()
    if waiting or has_live(
        tx,
        product=product,
        organisation=organisation,
        starts_at=midnight(first),
        ends_at=midnight(last + timedelta(days=1)),
    ):
        raise Conflict(
            "Your organisation has a licence or an order for this product in that time already.",
            code="already_licensed",
            remedy="Use it, or order for the time after it.",
        )


def needs_decision(product: Product) -> bool:
    """Rows of data of grade 1 are for everybody; all else a person decides."""
    return not (product.kind == "rows" and product.grade == OPEN_GRADE)


def within(asked: int | None, most: int, what: str) -> int:
    if asked is None:
        return most
    if not 1 <= asked <= most:
        raise InvalidInput(f"{asked} {what} cannot be ordered.", remedy=f"The product allows 1 to {most}.")
    return asked


def check_days(first: date, last: date, today: date) -> None:
    if first < today:
        raise InvalidInput(
            "The licence would begin in the past.", remedy=f"Begin at {today.isoformat()} or later."
        )
    if not first <= last <= first + LONGEST:
        raise InvalidInput(
            "The licence would end before it begins, or last too long.",
            remedy=f"End it between its first day and {LONGEST.days} days later.",
        )
