"""Pages: one order with its steps, its contract, and what buyer and seller can do with it."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import PlainTextResponse, RedirectResponse, Response

from marketplace.customers.find import company_names
from marketplace.licences.find import licence_of_order
from marketplace.orders.answer_order import accept_order, decline_order, withdraw_order
from marketplace.orders.decide_order import offer_back
from marketplace.orders.endpoints import contract_document
from marketplace.orders.find import see_order
from marketplace.orders.model import stage_of
from marketplace.orders.renew_licence import MONTHS, renew_licence
from marketplace.orders.steps import steps_of
from marketplace.portal.authentication import Authenticator
from marketplace.portal.pages.requests import count_of, day_of
from marketplace.portal.rendering import Pages
from marketplace.portal.sent_once import sent_once
from marketplace.portal.sessions import Session
from marketplace.products.find import product_titles
from marketplace.products.selling import Selling
from sandbox.errors import InvalidInput
from sandbox.identity.principals import account_names
from sandbox.plain_text import PlainText
from sandbox.policy import Resource


def router(*, selling: Selling, authenticator: Authenticator, pages: Pages) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    database, gate, rules = selling.database, selling.gate, selling.rules
    Person = Annotated[Session, Depends(authenticator.person)]
    Sender = Annotated[Session, Depends(authenticator.sender)]
    Text = Annotated[PlainText, Form()]

    def back(number: int) -> Response:
        return RedirectResponse(f"/orders/{number}", status_code=303)

    @routes.get("/orders/{number}")
    def order(request: Request, session: Person, number: int) -> Response:
        with database.transaction() as tx:
            found = see_order(tx, session.principal, number)
            licence = licence_of_order(tx, number)
            steps = steps_of(tx, number)
            names = company_names(tx, [found.organisation])
            people = account_names(tx, [found.buyer, *(step.by for step in steps)])
            titles = product_titles(tx, [found.product])
        resource = Resource("Order", str(number), found.cedar)
        may = {
            action: gate.decide(session.principal, action, resource).allowed
            for action in ("answer_order", "offer_back")
        }
        return pages.show(
            request,
            "order.html",
            session,
            order=found,
            names=names,
            people=people,
            titles=titles,
            licence=licence,
            steps=steps,
            may=may,
            stage=stage_of(found.status, licence.status if licence else None),
        )

    @routes.get("/orders/{number}/contract.txt")
    def contract(session: Person, number: int) -> Response:
        with database.transaction() as tx:
            document = contract_document(tx, see_order(tx, session.principal, number))
        return PlainTextResponse(
            str(document["text"]),
            headers={
                "Content-Disposition": f'attachment; filename="contract-{number}.txt"',
                "Cache-Control": "no-store",
            },
        )

    @routes.post("/orders/{number}/offer-back")
    def counter(
        session: Sender,
        number: int,
        ends_on: Text = "",
        calls_per_month: Text = "",
        calls_per_second: Text = "",
        note: Text = "",
    ) -> Response:
        offer_back(
            database,
            gate=gate,
            rules=rules,
            principal=session.principal,
            order_id=number,
            note=note,
            ends_on=day_of(ends_on),
            calls_per_month=count_of(calls_per_month),
            calls_per_second=count_of(calls_per_second),
        )
        return back(number)

    @routes.post("/orders/{number}/accept")
    def accept(session: Sender, number: int) -> Response:
        accept_order(database, gate=gate, rules=rules, principal=session.principal, order_id=number)
        return back(number)

    @routes.post("/orders/{number}/decline")
    def decline(session: Sender, number: int, reason: Text = "") -> Response:
        decline_order(database, gate=gate, principal=session.principal, order_id=number, reason=reason)
        return back(number)

    @routes.post("/orders/{number}/withdraw")
    def withdraw(session: Sender, number: int, reason: Text = "") -> Response:
        withdraw_order(database, gate=gate, principal=session.principal, order_id=number, reason=reason)
        return back(number)

    @routes.post("/licences/{number}/renew")
    def renew(
        request: Request, session: Sender, number: int, cadence: Text = "year", once: Text = ""
    ) -> Response:
        if cadence not in MONTHS:
            raise InvalidInput(
                "There is no such cadence.",
                remedy="Choose month, quarter or year.",
                zh="没有这种周期。",
                remedy_zh="请选择每月、每季度或每年。",
            )

        def place() -> str:
            placed = renew_licence(
                database,
                gate=gate,
                rules=rules,
                principal=session.principal,
                licence_id=number,
                cadence=cadence,  # type: ignore[arg-type]  # checked above
            )
            return f"/orders/{placed.order}"

        return sent_once(authenticator, request, once, cadence, deed=place)

    return routes
