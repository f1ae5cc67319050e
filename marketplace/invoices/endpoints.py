"""Invoices over HTTP: the preview of a licence's month."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends, Request

from marketplace.invoices.preview_invoice import preview_invoice
from marketplace.invoices.schemas import InvoicePreview
from sandbox.api_schema import ExactInt, answers
from sandbox.database import Database
from sandbox.identity import Principal
from sandbox.policy import Gate


def router(*, database: Database, gate: Gate, caller: Callable[[Request], Principal]) -> APIRouter:
    routes = APIRouter(prefix="/api/v1/invoices", tags=["invoices"])

    @routes.get(
        "/preview",
        operation_id="preview_invoice",
        summary="What a licence's month comes to, by reason, to the last fen",
        responses=answers(InvoicePreview, 403, 404, 409),
    )
    def shown(
        principal: Annotated[Principal, Depends(caller)], licence: ExactInt, month: str
    ) -> dict[str, object]:
        return asdict(
            preview_invoice(database, gate=gate, principal=principal, licence_id=licence, month=month)
        )

    return routes
