"""Pushes over HTTP: for officers, and for departments' systems with a push credential."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, BinaryIO, cast
from uuid import UUID

import anyio.to_thread
from fastapi import APIRouter, Depends, Header, Request, Response, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, Field

from sandbox.api_schema import answers
from sandbox.body_stream import BodyStream
from sandbox.drafts.context import DraftContext
from sandbox.identity import Principal
from sandbox.plain_text import PlainText
from sandbox.pushes import batches, complete, credentials, pushes
from sandbox.pushes.pusher import OfficerPusher, Pusher, is_push_secret, machine_of
from sandbox.pushes.schemas import (
    BatchDocument,
    IssuedCredentialDocument,
    Mode,
    PushBatchDocument,
    PushCredentialDocument,
    PushDocument,
)

PUSHES = "/v1/datasets/{name}/pushes"
PUSH = PUSHES + "/{id}"
CREDENTIALS = "/v1/datasets/{name}/push-credentials"
CREDENTIAL = CREDENTIALS + "/{id}"
BATCHES = "/v1/datasets/*/pushes/*/batches"
"""The requests whose body is a batch of rows."""
Number = Annotated[int, Field(ge=1, le=2**31 - 1)]
Authorization = Annotated[str, Header(include_in_schema=False)]
PUSH_CREDENTIAL = HTTPBearer(
    scheme_name="push_credential",
    description="A push credential of one dataset: it can push rows, and nothing else.",
    auto_error=False,
)


class NewPush(BaseModel):
    """`name`: how you call this push, so that a retry finds it. `mode`: a credential has its own."""

    name: Annotated[PlainText, Field(min_length=1, max_length=100)] | None = None
    mode: Mode | None = None


class Completed(BaseModel):
    batches: Annotated[
        Number | None, Field(description="how many you sent: if some are missing, it stays open")
    ] = None


class NewCredential(BaseModel):
    """`mode`: what a push makes of the last version's rows. `days`: for how long it is good."""

    label: Annotated[PlainText, Field(min_length=1, max_length=100)]
    mode: Mode = "replace"
    days: Annotated[int, Field(ge=1, le=400)] = 365


class AgreedCredential(BaseModel):
    revision: Annotated[Number, Field(description="of the credential that you read")]


def pusher_at(context: DraftContext, authenticate: Callable[..., Principal]) -> Callable[..., Pusher]:
    """A FastAPI dependency: the machine whose credential was sent, or the person."""

    def pusher(
        authorization: Authorization = "",
        _described: Annotated[HTTPAuthorizationCredentials | None, Security(PUSH_CREDENTIAL)] = None,
    ) -> Pusher:
        scheme, _, secret = authorization.partition(" ")
        if scheme.lower() == "bearer" and is_push_secret(secret.strip()):
            return machine_of(context.database, secret.strip())
        return OfficerPusher(authenticate(authorization))

    return pusher


def router(context: DraftContext, *, authenticate: Callable[..., Pusher]) -> APIRouter:
    """What whoever pushes may do: for a machine, this is all."""
    api = APIRouter(tags=["pushes"])

    def allowed(pusher: Annotated[Pusher, Depends(authenticate)]) -> Pusher:
        if isinstance(pusher, OfficerPusher):
            context.require_officer(pusher.principal)
        return pusher

    Pushing = Annotated[Pusher, Depends(allowed)]

    @api.post(
        PUSHES,
        status_code=201,
        operation_id="open_push",
        summary="Open a push",
        responses=answers(PushDocument, 403, 404, 409, 429, status=201),
    )
    def open_push(pusher: Pushing, name: str, new: NewPush) -> PushDocument:
        """Begin to send rows towards the next version. A push that you gave this name before is answered as
        it is now, so a job that starts again goes on where it was."""
        return pushes.open_push(context, pusher, name, mode=new.mode, name=new.name)

    @api.get(
        PUSH,
        operation_id="get_push",
        summary="One push",
        responses=answers(PushDocument, 403, 404, 409),
    )
    def get(pusher: Pushing, name: str, id: UUID) -> PushDocument:
        """Its state, and how much was sent."""
        return pushes.read_push(context, pusher, name, id)

    @api.post(
        PUSH + "/batches",
        status_code=201,
        operation_id="send_push_batch",
        summary="Send a batch of rows",
        responses=answers(BatchDocument, 403, 404, 409, status=201),
        openapi_extra={
            "requestBody": {
                "required": True,
                # the others are in its description: generators of clients know this kind of bytes alone
                "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
            }
        },
    )
    async def batch(
        pusher: Pushing,
        request: Request,
        name: str,
        id: UUID,
        idempotency_key: Annotated[
            PlainText,
            Header(min_length=1, max_length=200, description="the same for a batch that is sent again"),
        ],
    ) -> BatchDocument:
        """Rows in the policy's columns: `text/csv` with names in its first line, `application/x-ndjson` (JSON
        lines) or `application/vnd.apache.parquet`; of `application/octet-stream` the format is detected. The
        body is streamed into the encrypted bucket. Cells that do not fit are counted, by column, and the
        batch is refused as a whole. Sent again under the same key, a batch is taken once."""
        known = batches.format_of_type(request.headers.get("content-type", ""))
        body = cast("BinaryIO", BodyStream(request.stream()))
        sent = batches.Sent(idempotency_key, known, body)
        return await anyio.to_thread.run_sync(partial(batches.receive_batch, context, pusher, name, id, sent))

    @api.post(
        PUSH + "/complete",
        operation_id="complete_push",
        summary="Complete a push",
        responses=answers(PushDocument, 403, 404, 409),
    )
    def complete_push(pusher: Pushing, name: str, id: UUID, completed: Completed) -> PushDocument:
        """Make a version of all batches, or of none. Sent again, it answers the same. Of data about people an
        officer's push waits for a second officer. Why it was refused is told to its officer."""
        return complete.complete_push(context, pusher, name, id, batches=completed.batches)

    @api.post(
        PUSH + "/abandon",
        status_code=204,
        operation_id="abandon_push",
        summary="Abandon a push",
        responses=answers(None, 403, 404, 409, status=204),
    )
    def abandon(pusher: Pushing, name: str, id: UUID) -> Response:
        """Remove what was sent. Nothing becomes of it."""
        pushes.abandon_push(context, pusher, name, id)
        batches.remove_batches(context.database, context.store, id)
        return Response(status_code=204)

    return api


def officers_router(context: DraftContext, *, authenticate: Callable[..., Principal]) -> APIRouter:
    """What officers alone do."""
    api = APIRouter(tags=["pushes"])

    def officer_only(officer: Annotated[Principal, Depends(authenticate)]) -> Principal:
        context.require_officer(officer)
        return officer

    Officer = Annotated[Principal, Depends(officer_only)]

    @api.get(
        PUSHES,
        operation_id="list_pushes",
        summary="The pushes into a dataset",
        responses=answers(list[PushDocument], 403, 404),
    )
    def list_all(officer: Officer, name: str) -> list[PushDocument]:
        """The last fifty, the newest first."""
        return pushes.list_pushes(context, officer, name)

    @api.get(
        PUSH + "/batches",
        operation_id="list_push_batches",
        summary="The batches of a push",
        responses=answers(list[PushBatchDocument], 403, 404),
    )
    def list_batches(officer: Officer, name: str, id: UUID) -> list[PushBatchDocument]:
        """In their order, with the rows of each; what was done to their cells is for the officer who answers
        for the push."""
        return pushes.list_push_batches(context, officer, name, id)

    @api.post(
        PUSH + "/agree",
        operation_id="agree_to_push",
        summary="Agree to a push as its second officer",
        responses=answers(PushDocument, 403, 404, 409),
    )
    def agree(officer: Officer, name: str, id: UUID) -> PushDocument:
        """It becomes a version."""
        return complete.agree_to_push(context, officer, name, id)

    @api.get(
        CREDENTIALS,
        operation_id="list_push_credentials",
        summary="The push credentials of a dataset",
        responses=answers(list[PushCredentialDocument], 403, 404),
    )
    def list_credentials(officer: Officer, name: str) -> list[PushCredentialDocument]:
        """Those that are not revoked. Nobody can read a secret again."""
        return credentials.list_credentials(context, officer, name)

    @api.post(
        CREDENTIALS,
        status_code=201,
        operation_id="issue_push_credential",
        summary="Issue a push credential",
        responses=answers(IssuedCredentialDocument, 403, 404, 409, 429, status=201),
    )
    def issue(officer: Officer, name: str, new: NewCredential) -> IssuedCredentialDocument:
        """For a system of your department, which pushes under your authority. The secret is shown once. Of
        data about people a second officer must agree before it is good."""
        return credentials.issue_credential(
            context, officer, name, label=new.label, mode=new.mode, days=new.days
        )

    @api.post(
        CREDENTIAL + "/agree",
        operation_id="agree_to_push_credential",
        summary="Agree to a push credential as its second officer",
        responses=answers(PushCredentialDocument, 403, 404, 409),
    )
    def agree_to_credential(
        officer: Officer, name: str, id: Number, agreed: AgreedCredential
    ) -> PushCredentialDocument:
        """From now on it is good."""
        return credentials.agree_to_credential(context, officer, name, id, agreed.revision)

    @api.post(
        CREDENTIAL + "/confirm",
        operation_id="confirm_push_credential",
        summary="Confirm a push credential for the newest policy",
        responses=answers(PushCredentialDocument, 403, 404, 409),
    )
    def confirm(officer: Officer, name: str, id: Number) -> PushCredentialDocument:
        """Needed after another policy was published, or after a version was withdrawn. You answer for it from
        now on. Its secret stays."""
        return credentials.confirm_credential(context, officer, name, id)

    @api.delete(
        CREDENTIAL,
        status_code=204,
        operation_id="revoke_push_credential",
        summary="Revoke a push credential",
        responses=answers(None, 403, 404, status=204),
    )
    def revoke(officer: Officer, name: str, id: Number) -> Response:
        """Nothing is pushed with it any more. What was published stays."""
        credentials.revoke_credential(context, officer, name, id)
        return Response(status_code=204)

    return api
