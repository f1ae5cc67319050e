"""Renews a licence by its cadence: the next month, quarter or year after its last day, under the offer that
counts now."""

from calendar import monthrange
from datetime import date, timedelta
from typing import Literal

from marketplace.licences.find import find_licence, may_know, no_licence
from marketplace.offers.price_rules import PriceRules
from marketplace.orders.place_order import Placed, enter_order
from marketplace.orders.trial import lock_orders
from sandbox.city_time import city_date
from sandbox.database import Database
from sandbox.identity import Principal
from sandbox.policy import Gate, Resource, hidden_from_strangers

Cadence = Literal["month", "quarter", "year"]
MONTHS: dict[str, int] = {"month": 1, "quarter": 3, "year": 12}


def renew_licence(
    database: Database,
    *,
    gate: Gate,
    rules: PriceRules,
    principal: Principal,
    licence_id: int,
    cadence: Cadence = "year",
    note: str = "",
) -> Placed:
    """Order the time after a licence. Both are live in the last days of the old one (policies/prices.yaml),
    so that programs change their key without a pause. Raises `Forbidden`, `NotFound`, `Conflict`."""
    with database.transaction() as tx:
        licence = find_licence(tx, licence_id)
        # in this order, as where an order is placed
        lock_orders(tx, product=licence.product, organisation=licence.organisation)
        licence = find_licence(tx, licence_id)
        with hidden_from_strangers(no_licence(licence_id), seen=may_know(principal, licence)):
            gate.require(principal, "renew_licence", Resource("Licence", str(licence.id), licence.cedar))
        last = city_date(licence.ends_at - timedelta(microseconds=1))
        begins, ends = next_period(last, cadence)
        return enter_order(
            tx,
            gate=gate,
            rules=rules,
            principal=principal,
            product_id=licence.product,
            starts_on=begins - rules.renewal_overlap,
            ends_on=ends,
            calls_per_month=licence.terms.calls_per_month,
            calls_per_second=licence.terms.calls_per_second,
            use=licence.document.terms.use if licence.document else None,
            note=note,
            renews=licence.order,
        )


def next_period(last: date, cadence: Cadence) -> tuple[date, date]:
    """The first and the last day of the period after `last`: pure. A month after a month's last day ends on a
    month's last day."""
    first = last + timedelta(days=1)
    months = first.year * 12 + first.month - 1 + MONTHS[cadence]
    year, month = divmod(months, 12)
    day = min(first.day, monthrange(year, month + 1)[1])
    return first, date(year, month + 1, day) - timedelta(days=1)
