"""Orders over HTTP: place, see, offer back, answer, decide, renew."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field

from marketplace.days import Day
from marketplace.licences.find import licence_of_order
from marketplace.licences.privacy_account import opened_with_approval
from marketplace.offers.document import OfferDocument, Use
from marketplace.offers.price_rules import PriceRules
from marketplace.orders.answer_order import accept_order, decline_order, withdraw_order
from marketplace.orders.decide_order import approve_order, offer_back, refuse_order
from marketplace.orders.find import contract_of, orders_of, see_order, waiting_orders
from marketplace.orders.model import Order, stage_of
from marketplace.orders.place_order import place_order
from marketplace.orders.renew_licence import Cadence, renew_licence
from marketplace.orders.schemas import (
    ApprovedOrder,
    ContractDocument,
    OrderHistory,
    OrderList,
    PlacedOrder,
)
from marketplace.orders.steps import steps_of
from marketplace.vault import Vault
from sandbox.api_schema import ExactInt, answers
from sandbox.database import Database, Transaction
from sandbox.errors import NotFound
from sandbox.identity import Principal
from sandbox.plain_text import PlainText
from sandbox.policy import Gate


class Wish(BaseModel):
    """What a buyer orders; what is left out is all that the product allows, for a year from today."""

    product: PlainText
    starts_on: Day | None = None
    ends_on: Day | None = None
    calls_per_month: ExactInt | None = None
    calls_per_second: ExactInt | None = None
    note: Annotated[PlainText, Field(max_length=2000)] = ""
    use: Use | None = None


class Renewal(BaseModel):
    """The next month, quarter or year after the last day of a licence."""

    cadence: Cadence = "year"
    note: Annotated[PlainText, Field(max_length=2000)] = ""


class Counteroffer(BaseModel):
    """What the seller offers back; what is left out stays as it was ordered."""

    note: Annotated[PlainText, Field(min_length=1, max_length=2000)]
    starts_on: Day | None = None
    ends_on: Day | None = None
    calls_per_month: ExactInt | None = None
    calls_per_second: ExactInt | None = None
    document: OfferDocument | None = None


class Answering(BaseModel):
    reason: Annotated[PlainText, Field(max_length=2000)] = ""


class Approval(BaseModel):
    ends_on: Day | None = None
    calls_per_month: ExactInt | None = None
    note: Annotated[PlainText, Field(max_length=2000)] = ""


class Refusal(BaseModel):
    reason: Annotated[PlainText, Field(min_length=1, max_length=2000)]


def router(
    *, database: Database, gate: Gate, rules: PriceRules, caller: Callable[[Request], Principal], vault: Vault
) -> APIRouter:
    routes = APIRouter(prefix="/api/v1/orders", tags=["orders"])
    renewals = APIRouter(prefix="/api/v1/licences", tags=["orders"])
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
                rules=rules,
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
        """Where a privacy budget was sold, an officer's approval also opens the licence's account."""
        licence = approve_order(
            database, gate=gate, rules=rules, principal=principal, order_id=order, **approval.model_dump()
        )
        opened = opened_with_approval(
            database, gate=gate, vault=vault, principal=principal, licence_id=licence
        )
        return {"order": order, "licence": licence, "privacy_account_opened": opened}

    @routes.post(
        "/{order}/refuse",
        status_code=204,
        operation_id="refuse_order",
        summary="Refuse an order (officers, operators)",
        responses=answers(None, 403, 404, 409, status=204),
    )
    def refuse(principal: Caller, order: ExactInt, refusal: Refusal) -> None:
        refuse_order(database, gate=gate, principal=principal, order_id=order, reason=refusal.reason)

    @renewals.post(
        "/{licence}/renew",
        status_code=201,
        operation_id="renew_licence",
        summary="Order the time after a licence (buyers)",
        responses=answers(PlacedOrder, 403, 404, 409, status=201),
    )
    def renew(principal: Caller, licence: ExactInt, renewal: Renewal) -> dict[str, object]:
        return asdict(
            renew_licence(
                database,
                gate=gate,
                rules=rules,
                principal=principal,
                licence_id=licence,
                **renewal.model_dump(),
            )
        )

    @routes.get(
        "/{order}",
        operation_id="get_order",
        summary="One order, with every step and its place in the log",
        responses=answers(OrderHistory, 404),
    )
    def one(principal: Caller, order: ExactInt) -> dict[str, object]:
        with database.transaction() as tx:
            found = see_order(tx, principal, order)
            licence = licence_of_order(tx, found.id)
            return {
                "order": asdict(found),
                "stage": stage_of(found.status, licence.status if licence else None),
                "licence": licence.id if licence else None,
                "steps": [asdict(step) for step in steps_of(tx, found.id)],
            }

    @routes.get(
        "/{order}/contract",
        operation_id="get_contract",
        summary="The contract of an approved order",
        responses=answers(ContractDocument, 404),
    )
    def contract(principal: Caller, order: ExactInt) -> dict[str, object]:
        with database.transaction() as tx:
            return contract_document(tx, see_order(tx, principal, order))

    @routes.post(
        "/{order}/offer-back",
        status_code=204,
        operation_id="offer_back",
        summary="Offer something else back for an order (officers, operators)",
        responses=answers(None, 403, 404, 409, status=204),
    )
    def counter(principal: Caller, order: ExactInt, offer: Counteroffer) -> None:
        changes = {name: getattr(offer, name) for name in Counteroffer.model_fields}
        offer_back(database, gate=gate, rules=rules, principal=principal, order_id=order, **changes)

    @routes.post(
        "/{order}/accept",
        operation_id="accept_order",
        summary="Accept what the seller offered back (buyers)",
        responses=answers(ApprovedOrder, 403, 404, 409),
    )
    def accept(principal: Caller, order: ExactInt) -> dict[str, object]:
        licence = accept_order(database, gate=gate, rules=rules, principal=principal, order_id=order)
        return {"order": order, "licence": licence, "privacy_account_opened": None}

    @routes.post(
        "/{order}/decline",
        status_code=204,
        operation_id="decline_order",
        summary="Decline what the seller offered back (buyers)",
        responses=answers(None, 403, 404, 409, status=204),
    )
    def decline(principal: Caller, order: ExactInt, answering: Answering) -> None:
        decline_order(database, gate=gate, principal=principal, order_id=order, reason=answering.reason)

    @routes.post(
        "/{order}/withdraw",
        status_code=204,
        operation_id="withdraw_order",
        summary="Take an order back before it is decided (buyers)",
        responses=answers(None, 403, 404, 409, status=204),
    )
    def withdraw(principal: Caller, order: ExactInt, answering: Answering) -> None:
        withdraw_order(database, gate=gate, principal=principal, order_id=order, reason=answering.reason)

    both = APIRouter()
    both.include_router(routes)
    both.include_router(renewals)
    return both


def contract_document(tx: Transaction, order: Order) -> dict[str, object]:
    """Raises `NotFound` before the order is approved."""
    text = contract_of(tx, order.id)
    if text is None:
        raise NotFound(
            f"The order {order.id} has no contract.",
            remedy="There is one once the order is approved.",
            zh=f"订单 {order.id} 没有合同。",
            remedy_zh="订单批准后才有合同。",
        )
    approved = next(step for step in steps_of(tx, order.id) if step.status == "approved")
    return {
        "order": order.id,
        "text": text,
        "sha256": order.contract_sha256,
        "log_index": approved.log_index,
    }
