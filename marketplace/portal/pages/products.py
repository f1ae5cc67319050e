"""Pages: products, and an order."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy import func, select

from marketplace.offers.find import current_offer
from marketplace.offers.price_rules import PriceRules, Use
from marketplace.offers.summary import summary
from marketplace.orders.place_order import needs_decision, place_order
from marketplace.portal.authentication import Authenticator
from marketplace.portal.language import vault_in_language
from marketplace.portal.pages.public.products import PublicProducts
from marketplace.portal.pages.requests import count_of, day_of
from marketplace.portal.paging import PAGE, Part, page_of, part, reach
from marketplace.portal.rendering import Pages
from marketplace.portal.sent_once import sent_once
from marketplace.portal.sessions import Session
from marketplace.products.find import department_products, find_product, listed_ids, some_products
from marketplace.products.fitting_terms import units_of_kind
from marketplace.products.model import Product
from marketplace.products.new_offer import list_offers
from marketplace.products.release import releases_of
from marketplace.products.selling import Selling
from marketplace.products.withdraw_product import withdraw_product
from marketplace.vault import Vault
from sandbox.database import Transaction
from sandbox.identity import Principal
from sandbox.plain_text import PlainText
from sandbox.policy import Resource


def router(
    *, selling: Selling, authenticator: Authenticator, pages: Pages, strangers: PublicProducts
) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    database, gate, rules = selling.database, selling.gate, selling.rules
    Anybody = Annotated[Session | None, Depends(authenticator.anybody)]
    Reading = Annotated[Vault, Depends(vault_in_language(selling.vault))]
    Sender = Annotated[Session, Depends(authenticator.sender)]
    Text = Annotated[PlainText, Form()]

    @routes.get("/products")
    def products(request: Request, session: Anybody, vault: Reading) -> Response:
        if session is None:
            return strangers.products(request, vault)
        me = session.principal
        page = page_of(request)
        with database.transaction() as tx:
            ids = listed_ids(tx, **reach(page))
            listed = Part(some_products(tx, ids[:PAGE]), page, len(ids) > PAGE)
            own = own_products(tx, me, page_of(request, "own"))
        return pages.show(
            request,
            "products.html",
            session,
            listed=listed,
            own=own,
        )

    @routes.get("/products/{name}")
    def product(request: Request, session: Anybody, vault: Reading, name: str) -> Response:
        if session is None:
            return strangers.product(request, vault, name)
        me = session.principal
        with database.transaction() as tx:
            found = find_product(tx, name)
            now = tx.execute(select(func.now())).scalar_one()
            releases = releases_of(tx, name)
            offer = current_offer(tx, name, organisation=me.organisation, now=now)
        resource = Resource("Product", found.id, found.cedar)
        may_order = gate.decide(me, "order", resource)
        may = {
            action: gate.decide(me, action, resource).allowed
            for action in ("publish_offer", "release_product", "retire_product")
        }
        document = offer.document if offer else found.document
        return pages.show(
            request,
            "product.html",
            session,
            product=found,
            about=found.model_dump(),
            portal_url=authenticator.settings.portal_url,
            may_order=may_order,
            needs_decision=needs_decision(found),
            terms=document.terms,
            uses={document.terms.use: rules.use(document.terms.use)} | free_uses(rules),
            summary=summary(document, rules, found.masks),
            releases=releases,
            offers=list_offers(selling, principal=me, product_id=name),
            units=units_of_kind(found.definition.kind),
            may=may,
            sells=any(may.values()),
            now=now,
        )

    @routes.post("/products/{name}/order")
    def order(
        request: Request,
        session: Sender,
        name: str,
        ends_on: Text = "",
        calls_per_month: Text = "",
        note: Text = "",
        use: Text = "",
        once: Text = "",
    ) -> Response:
        def place() -> str:
            placed = place_order(
                database,
                gate=gate,
                rules=rules,
                principal=session.principal,
                product_id=name,
                ends_on=day_of(ends_on),
                calls_per_month=count_of(calls_per_month),
                note=note,
                use=use or None,
            )
            return f"/licences/{placed.licence}" if placed.licence else "/licences"

        return sent_once(authenticator, request, once, ends_on, calls_per_month, note, use, deed=place)

    @routes.post("/products/{name}/withdraw")
    def withdraw(session: Sender, name: str, reason: Text = "") -> Response:
        withdraw_product(database, gate=gate, principal=session.principal, product_id=name, reason=reason)
        return RedirectResponse("/products", status_code=303)

    return routes


def own_products(tx: Transaction, person: Principal, page: int) -> Part[Product]:
    """A page of what an officer's department ever put on offer."""
    officer = "officer" in person.roles
    return part(department_products(tx, person.organisation, **reach(page)) if officer else [], page)


def free_uses(rules: PriceRules) -> dict[str, Use]:
    """Uses for the public's benefit: free, once a person agreed."""
    return {name: use for name, use in rules.uses.items() if use.free}
