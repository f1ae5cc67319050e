"""Responsibilities and their hand-over, over HTTP."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from sandbox.api_schema import answers
from sandbox.identity import Principal
from sandbox.plain_text import PlainText
from sandbox.responsibilities.schemas import HandOverDocument, ResponsibilitiesDocument
from sandbox.responsibilities.transfer import HandOverContext, responsibilities, transfer

AccountName = Annotated[PlainText, Field(max_length=100)]


class NewHandOver(BaseModel):
    """`to`: the colleague who takes over; without it, the deputy of the responsibility list."""

    model_config = ConfigDict(extra="forbid")

    to: AccountName | None = None
    reason: Annotated[PlainText, Field(max_length=1000)]


def router(context: HandOverContext, *, authenticate: Callable[..., Principal]) -> APIRouter:
    api = APIRouter(prefix="/v1/responsibilities", tags=["responsibilities"])
    Asker = Annotated[Principal, Depends(authenticate)]

    @api.get(
        "/{account}",
        operation_id="list_responsibilities",
        summary="What an officer answers for",
        responses=answers(ResponsibilitiesDocument, 404),
    )
    def listed(asker: Asker, account: str) -> ResponsibilitiesDocument:
        """Drafts, pulls, reviews, datasets and entries of the responsibility list; and what waits for the
        department. For the account itself, officers of its department, and operators."""
        return responsibilities(context, asker, account)

    @api.post(
        "/{account}/hand-over",
        status_code=201,
        operation_id="hand_over_responsibilities",
        summary="Hand over what an officer answers for",
        responses=answers(HandOverDocument, 404, 409, status=201),
    )
    def handed(asker: Asker, account: str, new: NewHandOver) -> HandOverDocument:
        """In one act, to a colleague of the same department. For the account itself, and for operators, also
        of an account that is disabled. Of pulls of data about people, a second officer agrees anew."""
        return transfer(context, asker, account, to=new.to, reason=new.reason)

    return api
