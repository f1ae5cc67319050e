"""Reviews before opening over HTTP, for officers of the dataset's department."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from sandbox.api_schema import answers
from sandbox.identity import Principal
from sandbox.openings import openings
from sandbox.openings.context import OpeningContext
from sandbox.openings.schemas import OpeningDocument, OpeningStateName
from sandbox.plain_text import PlainText

Number = Annotated[int, Field(ge=1, le=2**31 - 1)]
ItemName = Annotated[PlainText, Field(min_length=1, max_length=61)]
DatasetName = Annotated[PlainText, Query(max_length=100)]


class OpeningAnswer(BaseModel):
    """`note` is needed with a yes where the system could not confirm the item by itself."""

    model_config = ConfigDict(extra="forbid")

    item: ItemName
    yes: bool
    note: Annotated[PlainText, Field(max_length=1000)] = ""


class AnsweredItems(BaseModel):
    model_config = ConfigDict(extra="forbid")

    answers: Annotated[list[OpeningAnswer], Field(min_length=1, max_length=50)]


class OpeningRefusal(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: Annotated[PlainText, Field(max_length=1000)]


def router(context: OpeningContext, *, authenticate: Callable[..., Principal]) -> APIRouter:
    api = APIRouter(prefix="/v1/openings", tags=["datasets"])
    Officer = Annotated[Principal, Depends(authenticate)]

    @api.get(
        "",
        operation_id="list_opening_reviews",
        summary="Reviews before datasets open",
        responses=answers(list[OpeningDocument], 403),
    )
    def listed(
        officer: Officer, dataset: DatasetName | None = None, state: OpeningStateName | None = None
    ) -> list[OpeningDocument]:
        """Of the officer's department, what waits first."""
        return openings.list_openings(context, officer, dataset=dataset, state=state)

    @api.get(
        "/{id}",
        operation_id="get_opening_review",
        summary="One review before a dataset opens",
        responses=answers(OpeningDocument, 403, 404),
    )
    def one(officer: Officer, id: Number) -> OpeningDocument:
        """Its checklist, what was answered, and the policy of the version."""
        return openings.read_opening(context, officer, id)

    @api.post(
        "/{id}/answers",
        operation_id="answer_opening_review",
        summary="Answer what is asked before a dataset opens",
        responses=answers(OpeningDocument, 403, 404, 409),
    )
    def answer(officer: Officer, id: Number, given: AnsweredItems) -> OpeningDocument:
        """Whoever published answers their items, another officer of the department those of the second
        person. With the last yes the version opens; a no keeps it closed."""
        given_answers = [openings.GivenAnswer(each.item, each.yes, each.note) for each in given.answers]
        return openings.answer_opening(context, officer, id, given_answers)

    @api.post(
        "/{id}/refuse",
        operation_id="refuse_opening_review",
        summary="Refuse that a dataset opens",
        responses=answers(OpeningDocument, 403, 404, 409),
    )
    def refuse(officer: Officer, id: Number, refusal: OpeningRefusal) -> OpeningDocument:
        """The version stays closed. Nothing is lost: its draft can be corrected and published again. The
        publisher takes it back the same way."""
        return openings.refuse_opening(context, officer, id, refusal.reason)

    return api
