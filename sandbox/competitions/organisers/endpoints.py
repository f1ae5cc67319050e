"""Competitions that are being written, and an organiser's statistics, over HTTP."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from pydantic import Field

from sandbox.api_schema import answers
from sandbox.competitions.context import CompetitionContext
from sandbox.competitions.endpoints import LONGEST_DOCUMENT, Body, Number
from sandbox.competitions.organisers import forms, statistics
from sandbox.competitions.schemas import CompetitionForm, CompetitionFormSummary, CompetitionStatistics
from sandbox.identity import Principal
from sandbox.plain_text import PlainText

Text = Annotated[PlainText, Field(max_length=LONGEST_DOCUMENT)]


class NewForm(Body):
    """A competition's text (YAML), with whatever faults it still has."""

    text: Text


class ChangedForm(NewForm):
    """`revision`: of the text that you changed."""

    revision: Number


def forms_router(context: CompetitionContext, *, authenticate: Callable[..., Principal]) -> APIRouter:
    """What officers of the organiser do before there is a draft, and what they count."""
    api = APIRouter(prefix="/v1", tags=["competitions"])
    Officer = Annotated[Principal, Depends(authenticate)]

    @api.get(
        "/competition-forms",
        operation_id="list_competition_forms",
        summary="Competitions that your department writes",
        responses=answers(list[CompetitionFormSummary], 403),
    )
    def listed(officer: Officer) -> list[CompetitionFormSummary]:
        """Before they are drafts. The newest first."""
        return forms.list_forms(context, officer)

    @api.post(
        "/competition-forms",
        status_code=201,
        operation_id="begin_competition_form",
        summary="Keep the text of a competition that is being written",
        responses=answers(CompetitionForm, 403, 429, status=201),
    )
    def begin(officer: Officer, new: NewForm) -> CompetitionForm:
        """With whatever faults it still has. The draft is made of it with `write_competition_draft`."""
        return forms.begin(context, officer, new.text)

    @api.get(
        "/competition-forms/{number}",
        operation_id="get_competition_form",
        summary="A competition that is being written",
        responses=answers(CompetitionForm, 403, 404),
    )
    def one(officer: Officer, number: Number) -> CompetitionForm:
        """As it was kept last."""
        return forms.read_form(context, officer, number)

    @api.put(
        "/competition-forms/{number}",
        operation_id="keep_competition_form",
        summary="Change the text of a competition that is being written",
        responses=answers(CompetitionForm, 403, 404, 409),
    )
    def keep(officer: Officer, number: Number, changed: ChangedForm) -> CompetitionForm:
        """Refused if somebody has changed it since the revision that you read."""
        return forms.keep(context, officer, number, changed.text, changed.revision)

    @api.delete(
        "/competition-forms/{number}",
        status_code=204,
        operation_id="remove_competition_form",
        summary="Remove a competition that is being written",
        responses=answers(None, 403, 404, status=204),
    )
    def remove(officer: Officer, number: Number) -> Response:
        """A draft that was made of it stays."""
        forms.remove(context, officer, number)
        return Response(status_code=204)

    @api.get(
        "/competitions/{name}/statistics",
        operation_id="get_competition_statistics",
        summary="What an organiser counts of a competition",
        responses=answers(CompetitionStatistics, 403, 404),
    )
    def count(officer: Officer, name: str) -> CompetitionStatistics:
        """Teams, people, and entries by track, day and state."""
        return statistics.read_statistics(context, officer, name)

    return api
