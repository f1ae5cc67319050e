"""Each step of an order's, a licence's and an invoice's life that concerns a buyer writes exactly one notice
to the buyer's people, with the step."""

import pytest
from sqlalchemy import select

from marketplace.invoices.model import INVOICE_STATUSES
from marketplace.licences.end_licence import end_licence, revoke_licence
from marketplace.licences.model import LICENCE_STATUSES
from marketplace.licences.suspend_licence import resume_licence, suspend_licence
from marketplace.offers.price_rules import read_price_rules
from marketplace.orders.model import ORDER_STATUSES
from marketplace.products.model import Terms
from marketplace.products.withdraw_product import withdraw_product
from marketplace.settings import REPOSITORY
from sandbox.errors import Conflict
from sandbox.identity import load_principal
from sandbox.notices.events import EVENTS
from sandbox.notices.tables import notices

TERMS = Terms(price_fen=5, purpose="选址分析")
BEGINS = {"licence.issued", "invoice.drafted", "invoice.in_grace", "invoice.voided"}
"""What goes with the approval of an order, and an invoice before it is one."""
BUYER = "developers:minsheng"


@pytest.mark.parametrize("cycle", [ORDER_STATUSES, LICENCE_STATUSES, INVOICE_STATUSES])
def test_every_step_of_the_table_has_a_notice(cycle) -> None:
    events = {event for status in cycle.values() for event in (status.event, *status.event_from.values())}
    assert events - BEGINS <= set(EVENTS)


def told(market, about: str) -> list[tuple[str, str]]:
    with market.database.transaction() as tx:
        rows = tx.execute(
            select(notices).where(notices.c.about == about).order_by(notices.c.at, notices.c.id)
        ).all()
    return [(row.event, row.audience) for row in rows]


def officer(market):
    with market.database.transaction() as tx:
        return load_principal(tx, "zhou")


def test_a_licence_that_is_suspended_resumed_and_revoked_tells_its_holder_each_once(market) -> None:
    sold, by = market.sell(TERMS), {"gate": market.gate, "principal": officer(market)}
    licence = {"licence_id": sold.licence, **by}
    suspend_licence(market.database, reason="please look at your calls", **licence)
    with pytest.raises(Conflict):
        suspend_licence(market.database, reason="please look at your calls", **licence)
    resume_licence(market.database, **licence)
    revoke_licence(market.database, reason="misuse", **licence)
    assert told(market, f"licence:{sold.licence}") == [
        ("licence.suspended", BUYER),
        ("licence.resumed", BUYER),
        ("licence.revoked", BUYER),
    ]


def test_notice_and_end_are_told_once(market) -> None:
    sold = market.sell(TERMS)
    rules = read_price_rules(REPOSITORY / "policies")
    ended = {"gate": market.gate, "rules": rules, "licence_id": sold.licence}
    end_licence(market.database, principal=officer(market), reason="the source ends", **ended)
    end_licence(market.database, principal=market.chen, reason="not needed", **ended)
    assert told(market, f"licence:{sold.licence}") == [
        ("licence.notice_given", BUYER),
        ("licence.ended", BUYER),
    ]


def test_an_order_tells_its_seller_and_its_buyer(market) -> None:
    """It needs no approval here: both steps are of one transaction."""
    sold = market.sell(TERMS)
    with market.database.transaction() as tx:
        order = tx.scalar(
            select(notices.c.about).where(notices.c.event == "order.approved").order_by(notices.c.at.desc())
        )
    assert sold.licence and told(market, order) == [
        ("order.placed", "officers:market"),
        ("order.approved", "buyers:minsheng"),
    ]


def test_a_withdrawn_product_tells_those_who_hold_it_and_nobody_else(market) -> None:
    sold, other = market.sell(TERMS), market.sell(TERMS)
    by = {"gate": market.gate, "principal": officer(market), "reason": "the source ends"}
    withdraw_product(market.database, product_id=sold.product, **by)
    assert told(market, f"product:{sold.product}") == [("product.withdrawn", BUYER)]
    assert told(market, f"product:{other.product}") == []
