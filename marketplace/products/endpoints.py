"""Products over HTTP: what is on offer, put on offer, take off."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field

from marketplace.products.copies import Copies
from marketplace.products.find import find_product, listed_products
from marketplace.products.list_product import Offer, list_product
from marketplace.products.model import Product, QueryDefinition
from marketplace.products.schemas import ProductDocument, ProductList
from marketplace.products.withdraw_product import withdraw_product
from marketplace.vault import Vault
from sandbox.api_schema import answers
from sandbox.database import Database
from sandbox.http.problem_details import language_of
from sandbox.identity import Principal
from sandbox.plain_text import PlainText
from sandbox.policy import Gate


class Withdrawal(BaseModel):
    reason: Annotated[PlainText, Field(min_length=1, max_length=2000)]


def router(
    *, database: Database, gate: Gate, vault: Vault, copies: Copies, caller: Callable[[Request], Principal]
) -> APIRouter:
    routes = APIRouter(prefix="/api/v1/products", tags=["products"])
    Caller = Annotated[Principal, Depends(caller)]

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
        return shown(
            list_product(
                database,
                gate=gate,
                vault=vault.reading(language_of(request)),
                copies=copies,
                principal=principal,
                offer=offer,
            )
        )

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

    return routes


def shown(product: Product) -> dict[str, Any]:
    """A product as anybody who is logged in may see it."""
    body = product.model_dump(mode="json", exclude={"definition"})
    definition = product.definition
    if isinstance(definition, QueryDefinition):
        body["what"] = definition.model_dump(mode="json", exclude={"grant"})
    else:
        body["what"] = definition.model_dump(mode="json", exclude={"object"})
    return {**body, "kind": product.kind, "call": f"/api/v1/call/{product.id}"}
