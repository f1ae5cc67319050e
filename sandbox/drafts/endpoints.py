"""Uploads and drafts over HTTP, for officers."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, BinaryIO, Literal, cast
from uuid import UUID

import anyio.to_thread
from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from sandbox.api_schema import answers
from sandbox.body_stream import BodyStream
from sandbox.catalog.notice import LONGEST_NOTES, PublishersWord
from sandbox.catalog.published_document import published_document
from sandbox.catalog.schemas import PublishedDocument
from sandbox.drafts import drafts
from sandbox.drafts.context import DraftContext
from sandbox.drafts.contract import ContractDocument
from sandbox.drafts.edit_policy import MOST_CHARACTERS
from sandbox.drafts.files import file_of, list_files, remove_file, store_file
from sandbox.drafts.inspect_file import MOST_SHOWN_ROWS
from sandbox.drafts.inspect_file import first_rows as read_first_rows
from sandbox.drafts.progress import LONGEST_WAIT_SECONDS, events
from sandbox.drafts.schemas import (
    DraftDocument,
    DraftSummary,
    FileDocument,
    RowsDocument,
    StepsPreviewDocument,
)
from sandbox.errors import NotAuthenticated
from sandbox.identity import Principal, load_principal
from sandbox.ingest.file_format import FileFormat, Format
from sandbox.ingest.text_encoding import ENCODINGS
from sandbox.plain_text import ExactText, PlainText

UPLOADS = "/v1/uploads"
EVENTS = "text/event-stream"
LONGEST_WAIT = int(LONGEST_WAIT_SECONDS)
Revision = Annotated[int, Field(ge=1, le=2**31 - 1)]
ItemName = Annotated[PlainText, Field(max_length=61)]
Separator = Literal[",", ";", "\t", "|"]
DraftNumber = Annotated[int, Field(ge=1, le=2**31 - 1)]
EncodingName = Annotated[str, Field(json_schema_extra={"enum": list(ENCODINGS)}, max_length=20)]


class FormatGiven(BaseModel):
    """How the file is built, where the detection is to be corrected."""

    format: Literal["csv", "excel", "json", "parquet"] | None = None
    encoding: EncodingName | None = None
    separator: Separator | None = None
    sheet: Annotated[PlainText, Field(max_length=100)] | None = None
    header_row: Annotated[int, Field(ge=0, le=30)] | None = None
    header_rows: Annotated[int, Field(ge=1, le=5)] | None = None
    notes: Annotated[int, Field(ge=0, le=1000)] | None = None

    def given(self) -> FileFormat:
        return FileFormat(
            Format(self.format) if self.format else None,
            self.encoding,
            self.separator,
            self.sheet,
            self.header_row,
            self.header_rows,
            self.notes,
        )


class NewDraft(BaseModel):
    """`like`: a dataset of the officer's department whose policy the draft takes over. `next_of`: the dataset
    of which the file is the next version: steps, rules and all other decisions are taken over, too."""

    file: UUID
    format: FormatGiven = FormatGiven()
    like: Annotated[PlainText, Field(max_length=63)] | None = None
    next_of: Annotated[PlainText, Field(max_length=63)] | None = None


class Saved(BaseModel):
    revision: Revision
    policy: Annotated[ExactText, Field(max_length=MOST_CHARACTERS)]
    note: Annotated[PlainText, Field(max_length=500)] = ""


class Answers(BaseModel):
    """`set`: the new value of each path of the policy; null removes it."""

    revision: Revision
    set: dict[Annotated[PlainText, Field(max_length=200)], Any] = Field(max_length=2000)


class ReadAgain(BaseModel):
    revision: Revision
    format: FormatGiven


class HandOver(BaseModel):
    to: Annotated[PlainText, Field(max_length=100)]
    note: Annotated[PlainText, Field(max_length=500)] = ""


class AtRevision(BaseModel):
    revision: Revision


class Publishing(AtRevision):
    """`notes` on what is new are for everybody. `urgent`: why a change that breaks questions is not announced
    first; the reason is logged. `confirmed`: what you answer with yes of the review before it opens."""

    confirmed: Annotated[frozenset[ItemName], Field(max_length=50)] = frozenset()
    notes: Annotated[PlainText, Field(max_length=LONGEST_NOTES)] = ""
    urgent: Annotated[PlainText, Field(max_length=LONGEST_NOTES)] = ""


def router(context: DraftContext, *, authenticate: Callable[..., Principal]) -> APIRouter:  # noqa: C901  # one function an operation
    api = APIRouter(tags=["drafts"])

    def officer_only(officer: Annotated[Principal, Depends(authenticate)]) -> Principal:
        context.require_officer(officer)
        return officer

    Officer = Annotated[Principal, Depends(officer_only)]

    @api.post(
        UPLOADS,
        status_code=201,
        operation_id="upload_file",
        summary="Upload a file",
        responses=answers(FileDocument, 403, status=201),
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
            }
        },
    )
    async def upload_file(
        officer: Officer, request: Request, name: Annotated[PlainText, Query(max_length=300)] = "file"
    ) -> FileDocument:
        """Stream a file into the encrypted bucket: the body is its bytes. It is written nowhere else, and is
        removed after 14 days unless it is published."""
        body = cast("BinaryIO", BodyStream(request.stream()))
        return await anyio.to_thread.run_sync(
            partial(store_file, context.database, context.store, officer=officer, name=name, stream=body)
        )

    @api.get(
        UPLOADS,
        operation_id="list_uploads",
        summary="Your uploaded files",
        responses=answers(list[FileDocument], 403),
    )
    def uploads(officer: Officer) -> list[FileDocument]:
        """Files that you uploaded, the newest first."""
        with context.database.transaction() as tx:
            return list_files(tx, officer)

    @api.delete(
        UPLOADS + "/{id}",
        status_code=204,
        operation_id="remove_upload",
        summary="Remove an uploaded file",
        responses=answers(None, 403, 404, status=204),
    )
    def remove(officer: Officer, id: UUID) -> Response:
        """Remove a file of yours and drop its drafts. What was published of it stays."""
        with context.database.transaction() as tx:
            file_of(tx, id, officer)
        remove_file(context.database, context.store, id)
        return Response(status_code=204)

    @api.get(
        UPLOADS + "/{id}/rows",
        operation_id="show_first_rows",
        summary="The first rows of your file",
        responses=answers(RowsDocument, 403, 404),
    )
    def first_rows(
        officer: Officer,
        id: UUID,
        count: Annotated[int, Query(ge=1, le=MOST_SHOWN_ROWS)] = 20,
        encoding: Annotated[EncodingName | None, Query()] = None,
        separator: Annotated[Separator | None, Query()] = None,
        sheet: Annotated[PlainText | None, Query(max_length=100)] = None,
        header_row: Annotated[int | None, Query(ge=0, le=30)] = None,
        header_rows: Annotated[int | None, Query(ge=1, le=5)] = None,
    ) -> RowsDocument:
        """The first rows as they are read, so that you see whether encoding, separator and header are right.
        Only the officer who uploaded the file may see them."""
        given = FileFormat(None, encoding, separator, sheet, header_row, header_rows)
        return read_first_rows(context, officer, id, given, count)

    @api.post(
        "/v1/drafts",
        status_code=201,
        operation_id="create_draft",
        summary="Draft a policy for a file",
        responses=answers(DraftDocument, 403, 404, status=201),
    )
    def create(officer: Officer, new: NewDraft) -> DraftDocument:
        """Inspect every cell of the file, and suggest a policy with the reason of each suggestion. With
        `like`, the policy is that dataset's, and what differs between the two files is pointed out. With
        `next_of`, it is that of the dataset's last version, as it stands."""
        return drafts.create(
            context, officer, new.file, new.format.given(), like=new.like, next_of=new.next_of
        )

    @api.get(
        "/v1/drafts",
        operation_id="list_drafts",
        summary="The drafts of your department",
        responses=answers(list[DraftSummary], 403),
    )
    def listed(officer: Officer) -> list[DraftSummary]:
        """Drafts that are open or published, the newest first."""
        return drafts.list_drafts(context, officer)

    @api.get(
        "/v1/drafts/{id}",
        operation_id="get_draft",
        summary="One draft",
        responses=answers(DraftDocument, 403, 404, 409),
    )
    def one(officer: Officer, id: DraftNumber) -> DraftDocument:
        """A draft with its policy, problems, suggestions and predicted errors."""
        return drafts.read(context, officer, id)

    @api.put(
        "/v1/drafts/{id}",
        operation_id="save_draft",
        summary="Save a draft's policy",
        responses=answers(DraftDocument, 403, 404, 409),
    )
    def save(officer: Officer, id: DraftNumber, saved: Saved) -> DraftDocument:
        """Save the policy as a new revision. `problems` says what keeps it from being published."""
        return drafts.save(context, officer, id, saved.revision, saved.policy, saved.note)

    @api.post(
        "/v1/drafts/{id}/answers",
        operation_id="answer_draft",
        summary="Change single values of a draft",
        responses=answers(DraftDocument, 403, 404, 409),
    )
    def answer(officer: Officer, id: DraftNumber, given: Answers) -> DraftDocument:
        """Change values of the policy by their paths, such as `columns.age.bounds`.

        `about` says whom the rows are about. `columns.X.name` renames a column, `columns.X.drop` leaves it
        out, `columns.X.make` adds one that a cleaning step makes. `steps.add` adds a step, `steps.remove`
        takes the one of a number out, `steps.move` puts one elsewhere ([from, to]).
        """
        return drafts.answer(context, officer, id, given.revision, given.set)

    @api.post(
        "/v1/drafts/{id}/inspect",
        operation_id="inspect_draft_again",
        summary="Read a draft's file in another way",
        responses=answers(DraftDocument, 403, 404, 409),
    )
    def inspect_again(officer: Officer, id: DraftNumber, again: ReadAgain) -> DraftDocument:
        """Read the file with another encoding, separator, sheet or header, and suggest the policy anew.
        What was decided stays where it fits; what does not is told by a suggestion below `kept.`. So does
        `notes`, as it stands in the policy's `file`: null has the rows at the end looked for anew."""
        detect_notes = again.format.notes is None and "notes" in again.format.model_fields_set
        return drafts.inspect_again(
            context, officer, id, again.revision, again.format.given(), detect_notes=detect_notes
        )

    @api.post(
        "/v1/drafts/{id}/hand-over",
        operation_id="reassign_draft",
        summary="Hand a draft to a colleague",
        responses=answers(DraftDocument, 403, 404, 409),
    )
    def reassign(officer: Officer, id: DraftNumber, to: HandOver) -> DraftDocument:
        """Another officer of your department goes on with it and has its file: the rows are theirs to see."""
        try:
            with context.database.transaction() as tx:
                colleague = load_principal(tx, to.to)
        except NotAuthenticated:
            raise drafts.no_colleague(to.to) from None
        return drafts.reassign(context, officer, id, colleague, to.note)

    @api.post(
        "/v1/drafts/{id}/agree",
        operation_id="agree_to_draft",
        summary="Agree to a draft as the second person",
        responses=answers(DraftDocument, 403, 404, 409),
    )
    def agree(officer: Officer, id: DraftNumber, at: AtRevision) -> DraftDocument:
        """Needed where the grade asks for two officers. It answers with yes what `opening` asks of a second
        person. A later revision needs it anew."""
        return drafts.agree(context, officer, id, at.revision)

    @api.get(
        "/v1/drafts/{id}/stand-in",
        operation_id="show_draft_stand_in",
        summary="Stand-in rows of a draft",
        responses=answers(RowsDocument, 403, 404, 409),
    )
    def stand_in(
        officer: Officer, id: DraftNumber, count: Annotated[int, Query(ge=1, le=MOST_SHOWN_ROWS)] = 20
    ) -> RowsDocument:
        """Invented rows, as analysts will see them."""
        return drafts.stand_in_rows(context, officer, id, count)

    @api.get(
        "/v1/drafts/{id}/steps",
        operation_id="preview_draft_steps",
        summary="What the cleaning steps of a draft do",
        responses=answers(StepsPreviewDocument, 403, 404, 409),
    )
    def steps(
        officer: Officer,
        id: DraftNumber,
        count: Annotated[int, Query(ge=1, le=MOST_SHOWN_ROWS)] = 20,
        rows: Literal["own", "invented"] = "own",
    ) -> StepsPreviewDocument:
        """The first rows before the cleaning steps and after each: of your own file, or invented ones. Only
        the officer whose file it is sees its rows. Pseudonyms are of a key that is used once."""
        return drafts.preview_steps(context, officer, id, count, own=rows == "own")

    @api.post(
        "/v1/drafts/{id}/publish",
        status_code=201,
        operation_id="publish_draft",
        summary="Publish a draft",
        responses=answers(PublishedDocument, 403, 404, 409, status=201),
    )
    def publish(officer: Officer, id: DraftNumber, at: Publishing) -> PublishedDocument:
        """Publish the dataset, or a new version of it. Says how well the bounds fit, and whether it waits for
        a review before it opens."""
        word = PublishersWord(at.notes, at.urgent)
        return published_document(drafts.publish_draft(context, officer, id, at.revision, word, at.confirmed))

    @api.delete(
        "/v1/drafts/{id}",
        status_code=204,
        operation_id="drop_draft",
        summary="Drop a draft",
        responses=answers(None, 403, 404, 409, status=204),
    )
    def drop(officer: Officer, id: DraftNumber) -> Response:
        """Drop a draft that was not published. Its file stays until it expires or is removed."""
        drafts.drop(context, officer, id)
        return Response(status_code=204)

    return api


def progress_router(context: DraftContext, *, authenticate: Callable[..., Principal]) -> APIRouter:
    api = APIRouter(tags=["drafts"])
    Person = Annotated[Principal, Depends(authenticate)]

    @api.get(
        UPLOADS + "/{id}/progress",
        operation_id="watch_progress",
        summary="How far the work on your file is",
        response_class=StreamingResponse,
        responses=answers(None, 403, 404, media_type=EVENTS),
    )
    def progress(
        officer: Person, id: UUID, wait: Annotated[int, Query(ge=0, le=LONGEST_WAIT)] = LONGEST_WAIT
    ) -> StreamingResponse:
        """Server-sent events while the file is inspected or published: `progress` with the step, the bytes
        that are read and the rows that are through, at most five a second; `end` when the work has ended.
        Where nothing is at work, the next work is waited for, `wait` seconds at most; 0 gives how the last
        work stands. Only the officer whose file it is may see it."""
        context.require_officer(officer)
        with context.database.transaction() as tx:
            file_of(tx, id, officer)
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(events(context.progress, id, wait), media_type=EVENTS, headers=headers)

    return api


def contract_router(context: DraftContext, *, authenticate: Callable[..., Principal]) -> APIRouter:
    api = APIRouter(tags=["drafts"])
    Person = Annotated[Principal, Depends(authenticate)]

    @api.get(
        "/v1/datasets/{name}/contract",
        operation_id="export_contract",
        summary="A dataset's policy as a data contract",
        responses=answers(ContractDocument, 403, 404),
    )
    def contract(officer: Person, name: str) -> ContractDocument:
        """The newest version's policy as a contract of the Open Data Contract Standard, for officers of the
        department. `cihu import-contract` makes it a policy again."""
        context.require_officer(officer)
        return drafts.export_contract(context, officer, name)

    return api
