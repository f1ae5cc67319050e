"""Saved pages of answers over HTTP."""

from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from sandbox.answer_pages.pages import (
    MOST_QUESTIONS,
    change_page,
    list_pages,
    page_history,
    read_page,
    remove_page,
    save_page,
)
from sandbox.answer_pages.refresh import price_page, refresh_page
from sandbox.answer_pages.schemas import (
    AnswerPageDocument,
    AnswerPageEntry,
    AnswerPagePrice,
    AnswerPageState,
)
from sandbox.api_schema import answers
from sandbox.audit import Log
from sandbox.identity import Principal
from sandbox.plain_text import PlainText
from sandbox.releases import AskContext

Number = Annotated[int, Field(ge=1, le=2**31 - 1)]


class SavedAnswer(BaseModel):
    """An answer of the team's, and the words over it."""

    model_config = ConfigDict(extra="forbid")

    answer_id: UUID
    caption: Annotated[PlainText, Field(max_length=200)] = ""


class AnswerPageContent(BaseModel):
    model_config = ConfigDict(extra="forbid")

    title: Annotated[PlainText, Field(min_length=1, max_length=200)]
    text: Annotated[PlainText, Field(max_length=5000)] = ""
    answers: Annotated[
        list[SavedAnswer],
        Field(min_length=1, max_length=MOST_QUESTIONS, description="in the page's order, each once"),
    ]

    def content(self) -> dict[str, Any]:
        answers = [(each.answer_id, each.caption) for each in self.answers]
        return {"title": self.title, "text": self.text, "answers": answers}


class NewAnswerPage(AnswerPageContent):
    team: Annotated[PlainText, Field(max_length=100)]


class ChangedAnswerPage(AnswerPageContent):
    number: Annotated[Number, Field(description="of the page's newest state, which is changed")]


class PageRefresh(BaseModel):
    model_config = ConfigDict(extra="forbid")

    priced: Annotated[
        str, Field(pattern="^[0-9a-f]{64}$", description="as the price says: what was shown is confirmed")
    ]


def router(context: AskContext, log: Log, *, authenticate: Callable[..., Principal]) -> APIRouter:
    api = APIRouter(prefix="/v1/answer-pages", tags=["questions"])
    Member = Annotated[Principal, Depends(authenticate)]

    @api.get(
        "",
        operation_id="list_answer_pages",
        summary="The saved pages of your teams' answers",
        responses=answers(list[AnswerPageEntry]),
    )
    def pages(member: Member) -> list[AnswerPageEntry]:
        """The newest changed first."""
        return list_pages(context, member)

    @api.post(
        "",
        status_code=201,
        operation_id="save_answer_page",
        summary="Save a page of answers",
        responses=answers(AnswerPageDocument, 403, 404, 429, status=201),
    )
    def save(member: Member, page: NewAnswerPage) -> AnswerPageDocument:
        """A page of stored private answers of one team, which all of its members may see and change."""
        return save_page(context, log, member, team=page.team, **page.content())

    @api.get(
        "/{page}",
        operation_id="get_answer_page",
        summary="A page of answers",
        responses=answers(AnswerPageDocument, 404),
    )
    def read(
        member: Member, page: UUID, number: Annotated[Number | None, Query()] = None
    ) -> AnswerPageDocument:
        """Its newest state, or that of the `number`, with answers, intervals and receipts."""
        return read_page(context, log, member, page, number)

    @api.put(
        "/{page}",
        operation_id="change_answer_page",
        summary="Change a page of answers",
        responses=answers(AnswerPageDocument, 403, 404, 409, 429),
    )
    def change(member: Member, page: UUID, changed: ChangedAnswerPage) -> AnswerPageDocument:
        """Its next state. Questions that stay keep how they are asked again."""
        return change_page(context, log, member, page, number=changed.number, **changed.content())

    @api.delete(
        "/{page}",
        status_code=204,
        operation_id="remove_answer_page",
        summary="Remove a page of answers",
        responses=answers(None, 403, 404, status=204),
    )
    def remove(member: Member, page: UUID) -> Response:
        """Its answers stay in the team's history."""
        remove_page(context, member, page)
        return Response(status_code=204)

    @api.get(
        "/{page}/history",
        operation_id="get_answer_page_history",
        summary="The states of a page of answers",
        responses=answers(list[AnswerPageState], 404),
    )
    def history(member: Member, page: UUID) -> list[AnswerPageState]:
        """Who saved or refreshed it when, and what that cost; the newest first."""
        return page_history(context, member, page)

    @api.get(
        "/{page}/price",
        operation_id="price_answer_page",
        summary="The price of a refresh",
        responses=answers(AnswerPagePrice, 404),
    )
    def price(member: Member, page: UUID) -> AnswerPagePrice:
        """Of asking its questions of the newest versions, in all and at each level. Spends nothing."""
        return price_page(context, member, page)

    @api.post(
        "/{page}/refresh",
        operation_id="refresh_answer_page",
        summary="Refresh a page of answers",
        responses=answers(AnswerPageDocument, 402, 403, 404, 409, 429),
    )
    def refresh(member: Member, page: UUID, shown: PageRefresh) -> AnswerPageDocument:
        """Asks its questions of the newest versions, at the price that was shown and at no other."""
        return refresh_page(context, log, member, page, priced=shown.priced)

    return api
