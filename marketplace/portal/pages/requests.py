"""Pages: my team's requests and grants; the officer's queue of what waits for a decision."""

from datetime import UTC, date, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from marketplace.customers.find import company_names
from marketplace.days import near
from marketplace.licences.privacy_account import opened_with_approval
from marketplace.offers.price_rules import PriceRules
from marketplace.orders.decide_order import approve_order, refuse_order
from marketplace.orders.find import waiting_orders
from marketplace.portal.authentication import Authenticator
from marketplace.portal.desk import moment_of
from marketplace.portal.language import vault_in_language
from marketplace.portal.paging import PAGE, page_of, part, reach
from marketplace.portal.rendering import Pages
from marketplace.portal.sessions import Session
from marketplace.portal.vault_life import VaultLife
from marketplace.products.find import product_titles
from marketplace.vault import Vault
from sandbox.database import Database
from sandbox.errors import InvalidInput
from sandbox.identity.principals import account_names
from sandbox.oversight.deadlines import Deadlines
from sandbox.plain_text import PlainText
from sandbox.policy import Gate


def router(
    *,
    database: Database,
    gate: Gate,
    rules: PriceRules,
    deadlines: Deadlines,
    authenticator: Authenticator,
    pages: Pages,
    vault: Vault,
) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    Reading = Annotated[Vault, Depends(vault_in_language(vault))]
    Person = Annotated[Session, Depends(authenticator.person)]
    Sender = Annotated[Session, Depends(authenticator.sender)]
    Text = Annotated[PlainText, Form()]

    @routes.get("/requests")
    def requests(
        request: Request,
        session: Person,
        vault: Reading,
    ) -> Response:
        me, page, granted = session.principal, page_of(request), page_of(request, "granted")
        held = part(vault.grants(me.id, **reach(granted)), granted)
        asked = part(vault.requests(me.id, **reach(page)), page)
        with database.transaction() as tx:
            named = {each.get(by) or "" for each in asked.items for by in ("asked_by", "decided_by")}
            people = account_names(tx, named)
        budgets = vault.budgets(me.id, offset=PAGE * (granted - 1), limit=PAGE)
        return pages.show(
            request,
            "requests.html",
            session,
            requests=asked,
            people=people,
            grants=held,
            budgets={budget["grant"]: budget for budget in budgets},
            announcements=VaultLife(vault).my_announcements(me.id),
        )

    @routes.get("/queue")
    def queue(request: Request, session: Person, vault: Reading) -> Response:
        me, page = session.principal, page_of(request)
        ordered, granted = page_of(request, "orders"), page_of(request, "grants")
        asked = vault.requests(me.id, status="asked", department=me.organisation, **reach(page))
        live = vault.grants(me.id, status="live", department=me.organisation, **reach(granted))
        with database.transaction() as tx:
            orders = waiting_orders(tx, me, **reach(ordered)) if me.roles & {"officer", "operator"} else []
            names = company_names(tx, [each.organisation for each in orders])
            titles = product_titles(tx, [each.product for each in orders])
            people = account_names(
                tx,
                [
                    *(each.buyer for each in orders),
                    *(each["asked_by"] for each in asked),
                    *(each["approved_by"] for each in live),
                ],
            )
        return pages.show(
            request,
            "queue.html",
            session,
            requests=part(asked, page),
            grants=part(live, granted),
            orders=part(orders, ordered),
            names=names,
            titles=titles,
            people=people,
            due=lambda kind, since: deadlines.due(kind, moment_of(since)),
            now=datetime.now(UTC),
        )

    @routes.post("/queue/grants/{number}/revoke")
    def revoke(session: Sender, vault: Reading, number: str, reason: Text = "") -> Response:
        vault.revoke_grant(session.principal.id, number, reason)
        return back()

    @routes.post("/queue/orders/{number}/approve")
    def approve_an_order(
        session: Sender, number: int, ends_on: Text = "", calls_per_month: Text = "", note: Text = ""
    ) -> Response:
        licence = approve_order(
            database,
            gate=gate,
            rules=rules,
            principal=session.principal,
            order_id=number,
            ends_on=day_of(ends_on),
            calls_per_month=count_of(calls_per_month),
            note=note,
        )
        opened_with_approval(
            database, gate=gate, vault=vault, principal=session.principal, licence_id=licence
        )
        return back()

    @routes.post("/queue/orders/{number}/refuse")
    def refuse_an_order(session: Sender, number: int, reason: Text = "") -> Response:
        refuse_order(database, gate=gate, principal=session.principal, order_id=number, reason=reason)
        return back()

    return routes


def back() -> Response:
    return RedirectResponse("/queue", status_code=303)


def day_of(text: str) -> date | None:
    """A day from a form, None if the field was left empty. Raises `InvalidInput`."""
    try:
        return near(date.fromisoformat(text.strip())) if text.strip() else None
    except ValueError:
        raise InvalidInput(
            "This is not a date.",
            remedy="Write it like 2026-12-31.",
            zh="这不是日期。",
            remedy_zh="请写成 2026-12-31 这样。",
        ) from None


def count_of(text: str) -> int | None:
    """A whole number from a form, None if the field was left empty. Raises `InvalidInput`."""
    text = text.strip()
    if text and not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise InvalidInput(
            "This is not a whole number.",
            remedy="Write it with digits alone.",
            zh="这不是整数。",
            remedy_zh="请只用数字书写。",
        )
    return int(text) if text else None
