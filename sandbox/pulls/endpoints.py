"""Pulls over HTTP: for officers, and for the puller."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, BinaryIO, cast

import anyio.to_thread
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import AfterValidator, BaseModel, Field, model_validator

from sandbox.api_schema import answers
from sandbox.body_stream import BodyStream
from sandbox.identity import Principal
from sandbox.plain_text import PlainText
from sandbox.pulls import attempts, pulls
from sandbox.pulls.context import PullContext
from sandbox.pulls.increments import Increments
from sandbox.pulls.schemas import (
    AttemptDocument,
    DuePullDocument,
    FullPull,
    PullDocument,
    SourceDocument,
    What,
)
from sandbox.sources.failures import FAILURES

PULL = "/v1/datasets/{name}/pull"
ROWS = "/v1/pulls/*/rows"
"""The requests whose body is a whole table."""
Number = Annotated[int, Field(ge=1, le=2**31 - 1)]


def _known(code: str) -> str:
    if code not in FAILURES:
        raise ValueError(f"none of {', '.join(FAILURES)}")
    return code


class NewIncrements(BaseModel):
    """`since`: the dataset's column that says what is new. `key`: columns that name a row, together with the
    unit. `overlap`: how far before the last value a pull begins; an hour, a day or 1000 by default."""

    since: Annotated[PlainText, Field(min_length=1, max_length=200)]
    key: Annotated[list[Annotated[PlainText, Field(max_length=200)]], Field(max_length=20)] = []
    full: FullPull = "monthly"
    overlap: Annotated[int, Field(ge=0, le=2**53 - 1)] | None = None

    def increments(self) -> Increments:
        return Increments(self.since, tuple(self.key), self.full, self.overlap)


class NewPull(BaseModel):
    """`what`: a table's name (`name`, `schema.name`), one SELECT, or an object's name."""

    source: Annotated[PlainText, Field(max_length=63)]
    kind: What
    what: Annotated[PlainText, Field(min_length=1, max_length=20_000)]
    schedule: Annotated[PlainText, Field(max_length=100)]
    increments: NewIncrements | None = None


class AtRevision(BaseModel):
    """`turn` is the older name of `revision`: either is given."""

    revision: Number | None = None
    turn: Number | None = None

    @model_validator(mode="after")
    def _one(self) -> "AtRevision":
        if (self.revision is None) == (self.turn is None):
            raise ValueError("revision must be given")
        return self

    @property
    def of(self) -> int:
        return self.revision or self.turn or 0


class Agreed(AtRevision):
    """`revision`: of the pull that you read."""


class Failed(AtRevision):
    code: Annotated[str, Field(json_schema_extra={"enum": list(FAILURES)}), AfterValidator(_known)]
    column: Annotated[PlainText, Field(max_length=200)] = ""


def router(context: PullContext, *, authenticate: Callable[..., Principal]) -> APIRouter:
    """What officers do."""
    api = APIRouter(tags=["pulls"])

    def officer_only(officer: Annotated[Principal, Depends(authenticate)]) -> Principal:
        context.drafting.require_officer(officer)
        return officer

    Officer = Annotated[Principal, Depends(officer_only)]

    @api.get(
        "/v1/sources",
        operation_id="list_sources",
        summary="Your department's sources",
        responses=answers(list[SourceDocument], 403),
    )
    def sources(officer: Officer) -> list[SourceDocument]:
        """From where your department may pull. Their addresses are the operator's."""
        return pulls.list_sources(context, officer)

    @api.get(
        "/v1/pulls",
        operation_id="list_pulls",
        summary="Your department's pulls",
        responses=answers(list[PullDocument], 403),
    )
    def list_pulls(officer: Officer) -> list[PullDocument]:
        """Each with its state and its last outcome."""
        return pulls.list_pulls(context, officer)

    @api.get(
        PULL,
        operation_id="get_pull",
        summary="The pull of a dataset",
        responses=answers(PullDocument, 403, 404),
    )
    def get(officer: Officer, name: str) -> PullDocument:
        """From where the dataset's rows come, when, and how the last attempt ended."""
        return pulls.read_pull(context, officer, name)

    @api.put(
        PULL,
        operation_id="set_pull",
        summary="Set the pull of a dataset",
        responses=answers(PullDocument, 403, 404, 409),
    )
    def set_pull(officer: Officer, name: str, new: NewPull) -> PullDocument:
        """Set from where the dataset's rows come and when, or change it. Each pull becomes a version by the
        dataset's newest policy, under your authority. From grade 4 on a second officer must agree. Once a
        colleague publishes another policy, the pull is suspended until it is set again."""
        return pulls.set_pull(
            context,
            officer,
            name,
            source=new.source,
            kind=new.kind,
            what=new.what,
            schedule=new.schedule,
            increments=new.increments.increments() if new.increments else None,
        )

    @api.delete(
        PULL,
        status_code=204,
        operation_id="remove_pull",
        summary="End the pull of a dataset",
        responses=answers(None, 403, 404, status=204),
    )
    def remove(officer: Officer, name: str) -> Response:
        """No more is pulled. What was published stays."""
        pulls.remove_pull(context, officer, name)
        return Response(status_code=204)

    @api.post(
        PULL + "/agree",
        operation_id="agree_to_pull",
        summary="Agree to a pull as its second officer",
        responses=answers(PullDocument, 403, 404, 409),
    )
    def agree(officer: Officer, name: str, agreed: Agreed) -> PullDocument:
        """Needed where the grade asks for two officers. A change of the pull needs it anew."""
        return pulls.agree(context, officer, name, agreed.of)

    @api.post(
        PULL + "/run",
        operation_id="run_pull",
        summary="Pull now",
        responses=answers(PullDocument, 403, 404, 409),
    )
    def run(officer: Officer, name: str) -> PullDocument:
        """Make it due now: the puller fetches it as soon as it looks, within seconds."""
        return pulls.run_now(context, officer, name)

    @api.get(
        PULL + "/attempts",
        operation_id="list_pull_attempts",
        summary="How the pulls of a dataset ended",
        responses=answers(list[AttemptDocument], 403, 404),
    )
    def list_attempts(officer: Officer, name: str) -> list[AttemptDocument]:
        """The last fifty, the newest first."""
        return pulls.list_attempts(context, officer, name)

    return api


def for_puller(context: PullContext, *, authenticate: Callable[..., None]) -> APIRouter:
    """What the puller may do, and all that it may do."""
    api = APIRouter(prefix="/v1/pulls", tags=["pulls"], dependencies=[Depends(authenticate)])

    @api.get(
        "/due",
        operation_id="list_due_pulls",
        summary="What is to be pulled now",
        responses=answers(list[DuePullDocument]),
    )
    def due() -> list[DuePullDocument]:
        """For the puller: the longest due first."""
        return attempts.due(context)

    @api.post(
        "/{id}/rows",
        status_code=204,
        operation_id="send_pulled_rows",
        summary="Send what was pulled",
        responses=answers(None, 404, 409, status=204),
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
            }
        },
    )
    async def rows(
        id: Number,
        request: Request,
        revision: Annotated[Number | None, Query()] = None,
        turn: Annotated[Number | None, Query(deprecated=True)] = None,
        base: Annotated[Number | None, Query()] = None,
    ) -> Response:
        """For the puller: the body is the file, streamed. How it ended is told to officers alone. `base`: the
        version of which these rows are what is new."""
        body = cast("BinaryIO", BodyStream(request.stream()))
        # without a revision, nobody waits for the rows
        receive = partial(attempts.receive, context, id, revision or turn or 0, body, base=base)
        await anyio.to_thread.run_sync(receive)
        return Response(status_code=204)

    @api.post(
        "/{id}/failure",
        status_code=204,
        operation_id="report_pull_failure",
        summary="Say why nothing was pulled",
        responses=answers(None, 404, 409, status=204),
    )
    def failure(id: Number, failed: Failed) -> Response:
        """For the puller: a code of a fixed list, and a column's name at most."""
        attempts.fail(context, id, failed.of, failed.code, failed.column)
        return Response(status_code=204)

    return api
