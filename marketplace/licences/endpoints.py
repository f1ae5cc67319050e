"""Licences over HTTP: see, end."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field

from marketplace.licences.end_licence import revoke_licence
from marketplace.licences.find import licences_for
from marketplace.licences.model import Licence
from marketplace.licences.schemas import LicenceList
from sandbox.api_schema import ExactInt, answers
from sandbox.database import Database
from sandbox.identity import Principal
from sandbox.plain_text import PlainText
from sandbox.policy import Gate


class Ending(BaseModel):
    reason: Annotated[PlainText, Field(min_length=1, max_length=2000)]


def router(*, database: Database, gate: Gate, caller: Callable[[Request], Principal]) -> APIRouter:
    routes = APIRouter(prefix="/api/v1/licences", tags=["licences"])
    Caller = Annotated[Principal, Depends(caller)]

    @routes.get(
        "",
        operation_id="list_licences",
        summary="The licences that you may see",
        responses=answers(LicenceList),
    )
    def mine(principal: Caller) -> dict[str, object]:
        with database.transaction() as tx:
            return {"licences": [shown(licence) for licence in licences_for(tx, principal)]}

    @routes.post(
        "/{licence}/revoke",
        status_code=204,
        operation_id="revoke_licence",
        summary="End a licence (officers)",
        responses=answers(None, 403, 404, 409, status=204),
    )
    def revoke(principal: Caller, licence: ExactInt, ending: Ending) -> None:
        revoke_licence(database, gate=gate, principal=principal, licence_id=licence, reason=ending.reason)

    return routes


def shown(licence: Licence) -> dict[str, object]:
    return {
        **{name: getattr(licence, name) for name in Licence.__dataclass_fields__},
        "terms": licence.terms.model_dump(),
    }
