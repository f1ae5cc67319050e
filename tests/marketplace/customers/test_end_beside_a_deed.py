"""An operator ends a company while somebody else changes a licence that slipped in: both come to an end."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sqlalchemy import event, select

from marketplace.company_endings.give_notice import end_as_operator
from marketplace.company_endings.rules import read_ending_rules
from marketplace.customers.enter_company import enter_company
from marketplace.customers.record import CompanyRecord
from marketplace.licences.tables import licences
from marketplace.products.model import Terms
from marketplace.settings import REPOSITORY
from sandbox.audit import Event, append
from sandbox.audit.tables import entries
from sandbox.identity import load_principal
from selling import Market

TERMS = Terms(price_fen=5, purpose="x")
LONG = 120
"""Seconds within which another thread is there; nothing is measured by it."""


def test_nothing_is_held_after_the_first_entry_of_an_operators_end(market: Market) -> None:
    record = CompanyRecord(name="x", credit_code="91350100M000100Y43")
    enter_company(market.database, gate=market.gate, principal=market.chen, record=record)
    first = market.sell(TERMS).licence
    with market.database.transaction() as tx:
        he = load_principal(tx, "he")
    ender: list[int] = []
    begins, goes_on, logged = threading.Event(), threading.Event(), threading.Event()

    def end() -> str:
        ender.append(threading.get_ident())
        return end_as_operator(
            market.database,
            gate=market.gate,
            rules=read_ending_rules(REPOSITORY / "policies"),
            principal=he,
            organisation=market.chen.organisation,
            reason="a test",
        ).status

    def before(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "log.append(" in statement and threading.get_ident() in ender:
            begins.set()
            assert goes_on.wait(LONG)

    def after(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "log.append(" in statement and threading.get_ident() in ender:
            logged.set()

    event.listen(market.database.engine, "before_cursor_execute", before)
    event.listen(market.database.engine, "after_cursor_execute", after)
    try:
        with ThreadPoolExecutor(1) as pool:
            ending = pool.submit(end)
            assert begins.wait(LONG), ending.exception(0)
            slipped_in = market.sell(TERMS).licence
            with market.database.transaction() as tx:
                tx.execute(select(licences.c.id).where(licences.c.id == slipped_in).with_for_update())
                goes_on.set()
                assert logged.wait(LONG)
                append(tx, Event("licence.suspended", "he", f"licence:{slipped_in}"))
            assert ending.result(LONG) == "ended"
    finally:
        goes_on.set()
        event.remove(market.database.engine, "before_cursor_execute", before)
        event.remove(market.database.engine, "after_cursor_execute", after)
    with market.database.transaction() as tx:
        status = {row.id: row.status for row in tx.execute(select(licences))}
        log = " ".join(tx.scalars(select(entries.c.entry).order_by(entries.c.index)))
    assert status == {first: "revoked", slipped_in: "live"}, "the job ends what slipped in"
    assert (
        log.index("company_ending.noticed")
        < log.index("company_ending.ended")
        < log.index("licence.suspended")
    )
