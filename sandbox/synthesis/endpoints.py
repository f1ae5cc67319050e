"""Buying stand-in rows over HTTP. Reading them is the catalogue's (sandbox/catalog/endpoints.py)."""

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from sandbox.api_schema import answers
from sandbox.identity import Principal
from sandbox.privacy import MOST_EPSILON
from sandbox.releases import AskContext
from sandbox.synthesis.buy_stand_in import buy_stand_in
from sandbox.synthesis.schemas import PurchaseDocument


class Purchase(BaseModel):
    model_config = ConfigDict(extra="forbid")

    epsilon: Decimal = Field(
        max_digits=12,
        decimal_places=6,
        gt=0,
        json_schema_extra={"maximum": MOST_EPSILON},  # whoever offers more is told so in our words
        allow_inf_nan=False,
        description="the loss, as epsilon at the dataset's delta",
    )
    trained: bool = Field(
        default=False,
        description="spend a tenth of the loss on testing models, trained on these rows, on real ones",
    )


def router(context: AskContext, *, authenticate: Callable[..., Principal]) -> APIRouter:
    api = APIRouter(prefix="/v1/datasets", tags=["datasets"])
    Officer = Annotated[Principal, Depends(authenticate)]

    @api.post(
        "/{name}/stand-in",
        status_code=201,
        operation_id="buy_stand_in_rows",
        summary="Buy stand-in rows with differential privacy",
        responses=answers(PurchaseDocument, 402, 403, 404, 409, status=201),
    )
    def buy(officer: Officer, name: str, purchase: Purchase) -> dict[str, Any]:
        """Buy stand-in rows with differential privacy for the newest version, once,
        from the dataset's budget."""
        return buy_stand_in(
            context,
            officer=officer,
            dataset=name,
            epsilon=Fraction(purchase.epsilon),
            trained=purchase.trained,
        )

    return api
