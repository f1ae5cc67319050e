"""Tracing a copy over HTTP."""

from collections.abc import AsyncIterator, Callable
from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends, Request

from marketplace.delivery.answer_call import Delivery
from marketplace.delivery.watermarks.schemas import TraceDocument
from marketplace.delivery.watermarks.trace import MOST_BYTES, require_tracer, too_large, trace_copy
from sandbox.api_schema import answers
from sandbox.identity import Principal
from sandbox.policy import Gate

TRACES = "/api/v1/watermark-traces"
BYTES = {"schema": {"type": "string", "format": "binary"}}
CSV_BODY = {"required": True, "content": {"application/octet-stream": BYTES}}


def router(*, delivery: Delivery, gate: Gate, caller: Callable[[Request], Principal]) -> APIRouter:
    routes = APIRouter(tags=["products"])

    @routes.post(
        TRACES,
        operation_id="trace_watermark",
        summary="Whose copy of a file was found, by its watermark (officers who sell)",
        responses=answers(TraceDocument, 403, 413, 429),
        openapi_extra={"requestBody": CSV_BODY},
    )
    async def trace(principal: Annotated[Principal, Depends(caller)], request: Request) -> dict[str, object]:
        """Send the copy as CSV with a header, whole or cut, at most 32 MiB. It is compared with the files of
        all buyers of the own department who have a watermark, and not kept. The log says that it was done.
        `cihu watermark trace` also takes Parquet."""
        require_tracer(gate, principal)  # before the first byte is read
        content = await read_body(request.stream())
        traced = await delivery.in_thread(
            lambda: trace_copy(delivery, gate=gate, principal=principal, content=content)
        )
        return asdict(traced)

    return routes


async def read_body(pieces: AsyncIterator[bytes]) -> bytes:
    """Raises `InvalidInput` for more than is compared."""
    body = bytearray()
    async for piece in pieces:
        body += piece
        if len(body) > MOST_BYTES:
            raise too_large()
    return bytes(body)
