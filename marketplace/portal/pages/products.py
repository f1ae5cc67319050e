"""Pages: products, and an order."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from marketplace.orders.find import orders_of
from marketplace.orders.place_order import needs_decision, place_order
from marketplace.portal.authentication import Authenticator
from marketplace.portal.pages.requests import count_of, day_of
from marketplace.portal.rendering import Pages
from marketplace.portal.sent_once import sent_once
from marketplace.portal.sessions import Session
from marketplace.products.find import department_products, find_product, listed_products
from marketplace.products.withdraw_product import withdraw_product
from sandbox.database import Database
from sandbox.plain_text import PlainText
from sandbox.policy import Gate, Resource


def router(*, database: Database, gate: Gate, authenticator: Authenticator, pages: Pages) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    Person = Annotated[Session, Depends(authenticator.person)]
    Sender = Annotated[Session, Depends(authenticator.sender)]
    Text = Annotated[PlainText, Form()]

    @routes.get("/products")
    def products(request: Request, session: Person) -> Response:
        me = session.principal
        with database.transaction() as tx:
            own = department_products(tx, me.organisation) if "officer" in me.roles else []
            return pages.show(
                request,
                "products.html",
                session,
                products=listed_products(tx),
                own=own,
                orders=orders_of(tx, me.organisation),
            )

    @routes.get("/products/{name}")
    def product(request: Request, session: Person, name: str) -> Response:
        with database.transaction() as tx:
            found = find_product(tx, name)
        may_order = gate.decide(
            session.principal,
            "order",
            Resource(
                "Product",
                found.id,
                {
                    "department": found.department,
                    "status": found.status,
                    "grade": found.grade,
                    "way": found.way,
                },
            ),
        )
        return pages.show(
            request,
            "product.html",
            session,
            product=found,
            about=found.model_dump(),
            may_order=may_order,
            needs_decision=needs_decision(found),
        )

    @routes.post("/products/{name}/order")
    def order(
        request: Request,
        session: Sender,
        name: str,
        ends_on: Text = "",
        calls_per_month: Text = "",
        note: Text = "",
        once: Text = "",
    ) -> Response:
        def place() -> str:
            placed = place_order(
                database,
                gate=gate,
                principal=session.principal,
                product_id=name,
                ends_on=day_of(ends_on),
                calls_per_month=count_of(calls_per_month),
                note=note,
            )
            return f"/licences/{placed.licence}" if placed.licence else "/licences"

        return sent_once(authenticator, request, once, ends_on, calls_per_month, note, deed=place)

    @routes.post("/products/{name}/withdraw")
    def withdraw(session: Sender, name: str, reason: Text = "") -> Response:
        withdraw_product(database, gate=gate, principal=session.principal, product_id=name, reason=reason)
        return RedirectResponse("/products", status_code=303)

    return routes
