"""Products over HTTP: what is on offer, put on offer, take off."""

from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field
from sqlalchemy import func, select

from marketplace.offers.model import Offer as PublishedOffer
from marketplace.offers.price_rules import PriceRules
from marketplace.offers.schemas import OfferedDocument, OfferList
from marketplace.offers.summary import summary
from marketplace.products.find import find_product, listed_products
from marketplace.products.list_product import Offer, list_product
from marketplace.products.model import Definition, Product, QueryDefinition
from marketplace.products.new_offer import NewOffer, list_offers, publish_offer
from marketplace.products.release import Release, releases_of
from marketplace.products.release_product import NewRelease, drop_release, release_product
from marketplace.products.retire_product import Retirement, retire_product
from marketplace.products.schemas import (
    ProductDocument,
    ProductList,
    ReleaseDocument,
    ReleaseList,
    RetiredProduct,
)
from marketplace.products.selling import Selling
from marketplace.products.withdraw_product import withdraw_product
from sandbox.api_schema import ExactInt, answers
from sandbox.http.problem_details import language_of
from sandbox.identity import Principal
from sandbox.plain_text import PlainText


class Withdrawal(BaseModel):
    reason: Annotated[PlainText, Field(min_length=1, max_length=2000)]


def router(*, selling: Selling, caller: Callable[[Request], Principal]) -> APIRouter:
    database, gate = selling.database, selling.gate
    routes = APIRouter(prefix="/api/v1/products", tags=["products"])
    Caller = Annotated[Principal, Depends(caller)]

    def reading(request: Request) -> Selling:
        return replace(selling, vault=selling.vault.reading(language_of(request)))

    @routes.get(
        "",
        operation_id="list_products",
        summary="The products on offer",
        responses=answers(ProductList),
        dependencies=[Depends(caller)],
    )
    def on_offer(dataset: str | None = None) -> dict[str, object]:
        with database.transaction() as tx:
            return {"products": [shown(product) for product in listed_products(tx, dataset=dataset)]}

    @routes.get(
        "/{product}",
        operation_id="get_product",
        summary="One product",
        responses=answers(ProductDocument, 404),
        dependencies=[Depends(caller)],
    )
    def one(product: str) -> dict[str, object]:
        with database.transaction() as tx:
            return shown(find_product(tx, product))

    @routes.post(
        "",
        status_code=201,
        operation_id="offer_product",
        summary="Put a product on offer (officers)",
        responses=answers(ProductDocument, 402, 403, 404, 409, 429, status=201),
    )
    def offer(request: Request, principal: Caller, offer: Offer) -> dict[str, object]:
        return shown(list_product(reading(request), principal=principal, offer=offer))

    @routes.post(
        "/{product}/withdraw",
        status_code=204,
        operation_id="withdraw_product",
        summary="Take a product off the market (officers)",
        responses=answers(None, 403, 404, 409, status=204),
    )
    def withdraw(principal: Caller, product: str, withdrawal: Withdrawal) -> None:
        withdraw_product(
            database, gate=gate, principal=principal, product_id=product, reason=withdrawal.reason
        )

    @routes.post(
        "/{product}/retire",
        operation_id="retire_product",
        summary="Announce a product's retirement (officers)",
        responses=answers(RetiredProduct, 403, 404, 409),
    )
    def retire(principal: Caller, product: str, retirement: Retirement) -> dict[str, object]:
        """It is sold no more, and the licences of it end with its last day; their holders have notice."""
        last_day, told = retire_product(
            selling, principal=principal, product_id=product, retirement=retirement
        )
        return {"product": product, "last_day": last_day, "licences": told}

    @routes.get(
        "/{product}/releases",
        operation_id="list_releases",
        summary="The releases of a product, with what each changed",
        responses=answers(ReleaseList, 404),
        dependencies=[Depends(caller)],
    )
    def releases(product: str) -> dict[str, object]:
        with database.transaction() as tx:
            now = tx.execute(select(func.now())).scalar_one()
            return {
                "releases": [
                    shown_release(each, now) for each in releases_of(tx, find_product(tx, product).id)
                ]
            }

    @routes.post(
        "/{product}/releases",
        status_code=201,
        operation_id="release_product",
        summary="Release newer data, or another question, of a product (officers)",
        responses=answers(ReleaseDocument, 402, 403, 404, 409, 429, status=201),
    )
    def release(request: Request, principal: Caller, product: str, new: NewRelease) -> dict[str, object]:
        """What changed is computed. A release that breaks what buyers call takes effect after a notice; any
        other takes effect at once. Without `what` it is the same columns of the dataset's newest version."""
        made = release_product(reading(request), principal=principal, product_id=product, new=new)
        return shown_release(made, made.released_at)

    @routes.post(
        "/{product}/releases/{number}/drop",
        operation_id="drop_release",
        summary="Take an announced release back (officers)",
        responses=answers(ReleaseDocument, 403, 404, 409),
    )
    def drop(principal: Caller, product: str, number: ExactInt) -> dict[str, object]:
        dropped = drop_release(selling, principal=principal, product_id=product, number=number)
        return shown_release(dropped, dropped.released_at)

    @routes.get(
        "/{product}/offers",
        operation_id="list_offers",
        summary="The offers of a product, past and coming",
        responses=answers(OfferList, 404),
    )
    def offers(principal: Caller, product: str) -> dict[str, object]:
        found = list_offers(selling, principal=principal, product_id=product)
        return {"offers": [shown_offer(each, selling.rules) for each in found]}

    @routes.post(
        "/{product}/offers",
        status_code=201,
        operation_id="publish_offer",
        summary="Publish a price and terms, for everybody or for one organisation (officers)",
        responses=answers(OfferedDocument, 403, 404, status=201),
    )
    def new_offer(principal: Caller, product: str, new: NewOffer) -> dict[str, object]:
        """It counts for new licences and renewals. A licence that was sold keeps its price."""
        return shown_offer(
            publish_offer(selling, principal=principal, product_id=product, new=new), selling.rules
        )

    return routes


def shown_release(release: Release, now: datetime) -> dict[str, object]:
    """A release without where its copy is stored."""
    hidden = ("id", "definition")
    return {
        **{name: value for name, value in asdict(release).items() if name not in hidden},
        "what": shown_definition(release.definition),
        "status": release.status_at(now),
    }


def shown_offer(offer: PublishedOffer, rules: PriceRules) -> dict[str, object]:
    return {
        **{name: getattr(offer, name) for name in PublishedOffer.__dataclass_fields__},
        "document": offer.document.model_dump(mode="json"),
        "summary": [{"zh": zh, "en": en} for zh, en in summary(offer.document, rules)],
    }


def shown_definition(definition: Definition) -> dict[str, Any]:
    """What is sold; not under which grant, or from which object."""
    hidden = {"grant"} if isinstance(definition, QueryDefinition) else {"object"}
    return definition.model_dump(mode="json", exclude=hidden)


def shown(product: Product) -> dict[str, Any]:
    """A product as anybody who is logged in may see it."""
    body = product.model_dump(mode="json", exclude={"definition"})
    return {
        **body,
        "what": shown_definition(product.definition),
        "kind": product.kind,
        "call": f"/api/v1/call/{product.id}",
        "release": product.release,
        "offer": product.document.model_dump(mode="json"),
    }
