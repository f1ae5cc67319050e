"""Finds what waits in the market and a named person can take on: orders, and records of companies."""

import logging
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import get_args

from sqlalchemy import select

from marketplace.customers.find import company_names
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
from sandbox.oversight.waiting_kinds import MarketKind
from sandbox.policy import Gate, Resource

KINDS: tuple[str, ...] = get_args(MarketKind)
SECONDS = 60.0


def market_context(database: Database, gate: Gate, deadlines: Deadlines, policies: Path) -> TakenOnContext:
    def things(
        tx: Transaction, person: Principal, kind: str, ids: Collection[str] | None
    ) -> Iterator[WaitingThing]:
        if person.kind == "person" and person.roles & {"officer", "operator"}:
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


def _orders(
    tx: Transaction, gate: Gate, person: Principal, ids: Collection[str] | None
) -> Iterator[WaitingThing]:
    wanted = select(orders).where(orders.c.status == "placed")
    if "operator" not in person.roles:
        wanted = wanted.where(orders.c.department == person.organisation)
    found = [order_of(row) for row in tx.execute(wanted) if ids is None or str(row.id) in ids]
    asked = [Resource("Order", str(each.id), each.cedar) for each in found]
    decisions = gate.decide_all(person, "approve_order", asked)
    allowed = [order for order, decision in zip(found, decisions, strict=True) if decision.allowed]
    names = company_names(tx, [order.organisation for order in allowed])
    for order in allowed:
        yield WaitingThing(
            "order",
            str(order.id),
            order.department,
            f"{order.product} ← {names.get(order.organisation, order.organisation)}",
            order.placed_at,
            f"order:{order.id}",
            f"order:{order.id}",
            notices.officers(order.department),
        )


def _companies(
    tx: Transaction, gate: Gate, person: Principal, ids: Collection[str] | None
) -> Iterator[WaitingThing]:
    rows = tx.execute(select(companies).where(companies.c.status == "entered"))
    found = [row for row in rows if ids is None or row.organisation in ids]
    asked = [Resource("Company", row.organisation, {"organisation": row.organisation}) for row in found]
    decisions = gate.decide_all(person, "verify_company", asked)
    for row, decision in zip(found, decisions, strict=True):
        if decision.allowed:
            id, object = row.organisation, f"company:{row.organisation}"
            yield WaitingThing("company", id, "", row.name, row.entered_at, object, object, notices.OPERATORS)


def _office(tx: Transaction, kind: str, department: str) -> list[str]:
    officers = live_officers(tx, department) if department else []
    return sorted({*officers, *live_people(tx, "operator")})
