"""Usage over HTTP: the lines of a licence's month."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from marketplace.licences.find import see_licence
from marketplace.metering.find import lines_of
from marketplace.metering.months import month_of, month_span
from marketplace.metering.schemas import UsageDocument
from sandbox.api_schema import ExactInt, answers
from sandbox.database import Database
from sandbox.identity import Principal
from sandbox.policy import Gate


def router(*, database: Database, gate: Gate, caller: Callable[[Request], Principal]) -> APIRouter:
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
            return {
                "licence": licence,
                "month": wanted,
                "lines": [
                    asdict(line) for line in lines_of(tx, licence_id=licence, month=wanted, limit=limit)
                ],
            }

    return routes
