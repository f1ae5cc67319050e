"""Serves the log over HTTP. Checkpoint, key and consistency proofs are public (they are hashes).
Entries and receipts need a login. An opening is shown only to those whom `may_open` allows."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import PlainTextResponse
from pydantic import Field

from sandbox.api_schema import LARGEST_EXACT, answers
from sandbox.audit.log import MOST_RECEIPTS, Log
from sandbox.audit.schemas import ConsistencyProof, LogEntries, LogKey, Receipt, Receipts

Index = Annotated[int, Path(ge=0, le=LARGEST_EXACT)]
Indexes = Annotated[
    list[Annotated[int, Field(ge=0, le=LARGEST_EXACT)]], Query(min_length=1, max_length=MOST_RECEIPTS)
]
Size = Annotated[int, Query(ge=0, le=LARGEST_EXACT)]


def router(
    log: Log,
    *,
    authenticate: Callable[..., Any],
    may_open: Callable[[Any, str], bool],
) -> APIRouter:
    """`authenticate` is the service's dependency that gives the caller;
    `may_open(principal, actor)` says whether the caller may see an entry's opening, given the actor
    whom the entry names."""
    api = APIRouter(prefix="/v1/log", tags=["log"])
    Asker = Annotated[Any, Depends(authenticate)]

    @api.get(
        "/checkpoint",
        response_class=PlainTextResponse,
        operation_id="get_checkpoint",
        summary="The newest signed checkpoint",
        responses=answers(None, media_type="text/plain"),
    )
    def checkpoint() -> str:
        """The newest signed checkpoint, a C2SP signed note."""
        return log.checkpoint()

    @api.get(
        "/key",
        operation_id="get_log_key",
        summary="The key that signs the log",
        responses=answers(LogKey),
    )
    def key() -> dict[str, str]:
        """The public key that the log signs with, as a vkey."""
        return {"origin": log.origin, "key": log.public_key}

    @api.get(
        "/consistency",
        operation_id="prove_consistency",
        summary="Proof that a longer log continues a shorter one",
        responses=answers(ConsistencyProof),
    )
    def consistency(first: Size, second: Size) -> dict[str, Any]:
        """The proof that the log of `second` entries began as the log of `first`."""
        return {"first": first, "second": second, "proof": log.consistency(first, second)}

    @api.get(
        "/entries",
        operation_id="list_log_entries",
        summary="Entries of the log",
        responses=answers(LogEntries),
    )
    def entries(_: Asker, start: Size, end: Size) -> dict[str, Any]:
        """The entries from `start` up to `end`, without openings; at most 1000 at once."""
        return {"start": start, "entries": log.entries(start, end)}

    @api.get(
        "/receipts/{index}",
        operation_id="get_receipt",
        summary="The receipt of an entry",
        responses=answers(Receipt, 404),
    )
    def receipt(asker: Asker, index: Index) -> dict[str, Any]:
        """A receipt of one entry, with its opening for those who may see it."""
        return log.receipts([index], may_open=partial(may_open, asker))[0]

    @api.get(
        "/receipts",
        operation_id="get_receipts",
        summary="The receipts of several entries",
        responses=answers(Receipts, 404),
    )
    def receipts(asker: Asker, index: Indexes) -> dict[str, Any]:
        """Receipts of at most 100 entries under one checkpoint, in the order asked (`?index=3&index=8`)."""
        return {"receipts": log.receipts(index, may_open=partial(may_open, asker))}

    return api
