"""Finds what waits in the market and a named person can take on: orders, and records of companies."""

import logging
from collections.abc import Collection, Iterator
from pathlib import Path

from sqlalchemy import select

from marketplace.customers.tables import companies
from marketplace.orders.find import order_of
from marketplace.orders.tables import orders
from marketplace.portal.tables import market_taken_on
from sandbox import notices
from sandbox.catalog.lists import load_lists
from sandbox.chores import Chore
from sandbox.database import Database, Transaction, try_lock_name
from sandbox.identity import Principal, live_officers, live_people
from sandbox.oversight.deadlines import Deadlines
from sandbox.oversight.taken_on import TakenOnContext, WaitingThing, look_after
from sandbox.policy import Gate, Resource

KINDS = ("order", "company")
SECONDS = 60.0


def market_context(database: Database, gate: Gate, deadlines: Deadlines, policies: Path) -> TakenOnContext:
    def things(tx: Transaction, person: Principal, kind: str, ids: Collection[str]) -> Iterator[WaitingThing]:
        if person.kind == "person":
            find = _orders if kind == "order" else _companies
            yield from find(tx, gate, person, ids)

    return TakenOnContext(
        database,
        gate,
        market_taken_on,
        KINDS,
        things,
        _office,
        load_lists(policies).deputies_of,
        deadlines.due,
        "portal",
        frozenset(KINDS),
    )


class TakenOnJob(Chore):
    """Looks after it every minute, in one portal at a time."""

    def __init__(self, context: TakenOnContext) -> None:
        super().__init__(seconds=SECONDS, name="what was taken on", log=logging.getLogger("cihu.portal"))
        self.context = context

    def run(self) -> None:
        with self.context.database.transaction() as lock:
            if try_lock_name(lock, "market.taken on job"):
                look_after(self.context)


def _orders(tx: Transaction, gate: Gate, person: Principal, ids: Collection[str]) -> Iterator[WaitingThing]:
    for row in tx.execute(select(orders).where(orders.c.status == "placed")):
        order, id = order_of(row), str(row.id)
        if id in ids and gate.decide(person, "approve_order", Resource("Order", id, order.cedar)).allowed:
            yield WaitingThing(
                "order",
                id,
                order.department,
                f"{order.product} ← {order.organisation}",
                order.placed_at,
                f"order:{id}",
                f"order:{id}",
                notices.officers(order.department),
            )


def _companies(
    tx: Transaction, gate: Gate, person: Principal, ids: Collection[str]
) -> Iterator[WaitingThing]:
    for row in tx.execute(select(companies).where(companies.c.status == "entered")):
        id = row.organisation
        about = Resource("Company", id, {"organisation": id})
        if id in ids and gate.decide(person, "verify_company", about).allowed:
            object = f"company:{id}"
            yield WaitingThing("company", id, "", row.name, row.entered_at, object, object, notices.OPERATORS)


def _office(tx: Transaction, kind: str, department: str) -> list[str]:
    officers = live_officers(tx, department) if department else []
    return sorted({*officers, *live_people(tx, "operator")})
