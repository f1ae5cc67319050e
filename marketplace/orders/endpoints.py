"""Orders over HTTP: place, see, approve, refuse."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field

from marketplace.orders.decide_order import approve_order, refuse_order
from marketplace.orders.find import orders_of, waiting_orders
from marketplace.orders.place_order import place_order
from marketplace.orders.schemas import ApprovedOrder, OrderList, PlacedOrder
from sandbox.api_schema import ExactInt, answers
from sandbox.database import Database
from sandbox.identity import Principal
from sandbox.plain_text import PlainText
from sandbox.policy import Gate


class Wish(BaseModel):
    """What a buyer orders; what is left out is all that the product allows, for a year from today."""

    product: PlainText
    starts_on: date | None = None
    ends_on: date | None = None
    calls_per_month: ExactInt | None = None
    calls_per_second: ExactInt | None = None
    note: Annotated[PlainText, Field(max_length=2000)] = ""


class Approval(BaseModel):
    ends_on: date | None = None
    calls_per_month: ExactInt | None = None
    note: Annotated[PlainText, Field(max_length=2000)] = ""


class Refusal(BaseModel):
    reason: Annotated[PlainText, Field(min_length=1, max_length=2000)]


def router(*, database: Database, gate: Gate, caller: Callable[[Request], Principal]) -> APIRouter:
    routes = APIRouter(prefix="/api/v1/orders", tags=["orders"])
    Caller = Annotated[Principal, Depends(caller)]

    @routes.post(
        "",
        status_code=201,
        operation_id="place_order",
        summary="Order a product (buyers)",
        responses=answers(PlacedOrder, 403, 404, 409, status=201),
    )
    def place(principal: Caller, wish: Wish) -> dict[str, object]:
        return asdict(
            place_order(
                database,
                gate=gate,
                principal=principal,
                product_id=wish.product,
                **wish.model_dump(exclude={"product"}),
            )
        )

    @routes.get(
        "",
        operation_id="list_orders",
        summary="My organisation's orders, and those that wait for me",
        responses=answers(OrderList),
    )
    def mine(principal: Caller) -> dict[str, object]:
        with database.transaction() as tx:
            waiting = waiting_orders(tx, principal) if principal.roles & {"officer", "operator"} else []
            return {
                "orders": [asdict(order) for order in orders_of(tx, principal.organisation)],
                "waiting": [asdict(order) for order in waiting],
            }

    @routes.post(
        "/{order}/approve",
        operation_id="approve_order",
        summary="Approve an order, perhaps for less (officers, operators)",
        responses=answers(ApprovedOrder, 403, 404, 409),
    )
    def approve(principal: Caller, order: ExactInt, approval: Approval) -> dict[str, object]:
        return {
            "order": order,
            "licence": approve_order(
                database, gate=gate, principal=principal, order_id=order, **approval.model_dump()
            ),
        }

    @routes.post(
        "/{order}/refuse",
        status_code=204,
        operation_id="refuse_order",
        summary="Refuse an order (officers, operators)",
        responses=answers(None, 403, 404, 409, status=204),
    )
    def refuse(principal: Caller, order: ExactInt, refusal: Refusal) -> None:
        refuse_order(database, gate=gate, principal=principal, order_id=order, reason=refusal.reason)

    return routes
