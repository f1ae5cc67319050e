"""Forms of a seller: a new offer, a new release, a release that is taken back."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import ValidationError

from marketplace.money import fen_of
from marketplace.portal.authentication import Authenticator
from marketplace.portal.pages.requests import count_of, day_of
from marketplace.portal.sent_once import sent_once
from marketplace.portal.sessions import Session
from marketplace.products.find import find_product
from marketplace.products.new_offer import NewOffer, publish_offer
from marketplace.products.release_product import NewRelease, drop_release, release_product
from marketplace.products.selling import Selling
from sandbox.errors import InvalidInput
from sandbox.plain_text import PlainText


def router(*, selling: Selling, authenticator: Authenticator) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    Sender = Annotated[Session, Depends(authenticator.sender)]
    Text = Annotated[PlainText, Form()]

    @routes.post("/products/{name}/offers")
    def offer(
        request: Request,
        session: Sender,
        name: str,
        unit: Text = "call",
        price: Text = "",
        per: Text = "1",
        included: Text = "",
        monthly_fee: Text = "",
        month_maximum: Text = "",
        trial_days: Text = "",
        organisation: Text = "",
        starts_on: Text = "",
        once: Text = "",
    ) -> Response:
        priced = price_of(
            unit=unit,
            fen=fen_of(price) or 0,
            per=count_of(per) or 1,
            included=count_of(included) or 0,
            fee=fen_of(monthly_fee) or 0,
            maximum=fen_of(month_maximum),
            trial=count_of(trial_days) or 0,
        )

        def publish() -> str:
            with selling.database.transaction() as tx:
                terms = find_product(tx, name).document.terms.model_dump(mode="json")
            publish_offer(
                selling,
                principal=session.principal,
                product_id=name,
                new=new_offer(priced, terms, organisation=organisation, starts_on=starts_on),
            )
            return f"/products/{name}"

        fields = (unit, price, per, included, monthly_fee, month_maximum, trial_days)
        return sent_once(authenticator, request, once, *fields, organisation, starts_on, deed=publish)

    @routes.post("/products/{name}/releases")
    def release(
        request: Request,
        session: Sender,
        name: str,
        notes: Text = "",
        effective_on: Text = "",
        once: Text = "",
    ) -> Response:
        def make() -> str:
            release_product(
                selling,
                principal=session.principal,
                product_id=name,
                new=NewRelease(notes=notes, effective_on=day_of(effective_on)),
            )
            return f"/products/{name}"

        return sent_once(authenticator, request, once, notes, effective_on, deed=make)

    @routes.post("/products/{name}/releases/{number}/drop")
    def drop(session: Sender, name: str, number: int) -> Response:
        drop_release(selling, principal=session.principal, product_id=name, number=number)
        return RedirectResponse(f"/products/{name}", status_code=303)

    return routes


def price_of(
    *, unit: str, fen: int, per: int, included: int, fee: int, maximum: int | None, trial: int
) -> dict[str, Any]:
    """The price document of the form's fields; nothing at all is free."""
    free = not (fen or fee)
    usage = [{"unit": unit, "included": included, "tiers": [{"fen": fen, "per": per}]}] if fen else []
    return {
        "free": free,
        "usage": usage,
        "monthly_fee_fen": fee,
        "month_maximum_fen": None if free else maximum,
        "trial": {"days": trial} if trial and not free else None,
    }


def simple_offer(typed: Mapping[str, str], *, unit: str) -> dict[str, Any]:
    """The offer of a form that asks for one price by `unit`, what is included, a monthly fee and short terms.
    Raises `InvalidInput` for what is no amount or no number."""
    price = price_of(
        unit=typed.get("unit") or unit,
        fen=fen_of(typed.get("price", "")) or 0,
        per=1,
        included=count_of(typed.get("included", "")) or 0,
        fee=fen_of(typed.get("monthly_fee", "")) or 0,
        maximum=None,
        trial=0,
    )
    terms = {
        "purpose": typed.get("purpose", ""),
        "use": typed.get("use") or "industry",
        "calls_per_month": count_of(typed.get("calls_per_month", "")) or 10_000,
    }
    return {"price": price, "terms": terms}


def percent_of(text: str) -> int:
    """A whole number of percent that somebody typed; -1, which no offer takes, for anything else."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 4 else -1


def new_offer(price: dict[str, Any], terms: dict[str, Any], *, organisation: str, starts_on: str) -> NewOffer:
    """Raises `InvalidInput`."""
    try:
        return NewOffer.model_validate(
            {
                "document": {"price": price, "terms": terms},
                "organisation": organisation.strip() or None,
                "starts_on": day_of(starts_on),
            }
        )
    except ValidationError as error:
        first = error.errors()[0]
        raise InvalidInput(
            f"This cannot be an offer: {first['msg']}.",
            remedy="Check the fields.",
            zh="报价内容不符合要求。",
            remedy_zh="请核对各项。",
        ) from None
