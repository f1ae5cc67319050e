"""Usage over HTTP: the lines of a licence's month, and the receipt of a line."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request

from marketplace.licences.find import find_licence, may_know, see_licence
from marketplace.metering.find import lines_of
from marketplace.metering.model import UsageLine
from marketplace.metering.months import month_of, month_span
from marketplace.metering.schemas import UsageDocument, UsageReceipt
from marketplace.metering.usage_receipt import licence_of_line, no_line, usage_receipt
from marketplace.vault import SERVICE, Vault
from sandbox.api_schema import ExactInt, answers
from sandbox.database import Database
from sandbox.identity import Principal
from sandbox.policy import Gate, Resource, hidden_from_strangers


def router(
    *, database: Database, gate: Gate, caller: Callable[[Request], Principal], vault: Vault
) -> APIRouter:
    routes = APIRouter(prefix="/api/v1", tags=["usage"])

    @routes.get(
        "/usage",
        operation_id="list_usage",
        summary="What a licence used in a month, line by line",
        responses=answers(UsageDocument, 403, 404),
    )
    def usage(
        principal: Annotated[Principal, Depends(caller)],
        licence: ExactInt,
        month: str | None = None,
        limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
    ) -> dict[str, object]:
        with database.transaction() as tx:
            found = see_licence(tx, gate=gate, principal=principal, licence_id=licence)
            wanted = month or month_of(datetime.now(UTC), found.time_zone)
            month_span(wanted, found.time_zone)
            lines = lines_of(tx, licence_id=licence, month=wanted, limit=limit)
        return {"licence": licence, "month": wanted, "lines": [shown(line) for line in lines]}

    @routes.get(
        "/usage/{line}/receipt",
        operation_id="get_usage_receipt",
        summary="The proof that a usage line is in the log",
        responses=answers(UsageReceipt, 403, 404, 409),
    )
    def receipt(
        principal: Annotated[Principal, Depends(caller)],
        line: Annotated[str, Path(pattern="^[0-9a-f]{32}$")],
    ) -> dict[str, object]:
        """There a second after the call. Keep it: it is checked without this service, with `cihu audit
        verify`."""
        with database.transaction() as tx:
            licence = find_licence(tx, licence_of_line(tx, line))
            with hidden_from_strangers(no_line(), seen=may_know(principal, licence)):
                gate.require(principal, "view_bill", Resource("Licence", str(licence.id), licence.cedar))
        return usage_receipt(
            database, line=line, licence=licence.id, entry=lambda index: vault.receipt(SERVICE, index)
        )

    return routes


def shown(line: UsageLine) -> dict[str, object]:
    return {**asdict(line), "quantity": format(line.quantity.normalize(), "f")}
