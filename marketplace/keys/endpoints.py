"""Keys over HTTP: make (the only time that it is shown), rotate, revoke, list."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field

from marketplace.keys.find import keys_of
from marketplace.keys.issue_key import LABEL_LENGTH, Issued, issue_key
from marketplace.keys.revoke_key import revoke_key
from marketplace.keys.rotate_key import rotate_key
from marketplace.keys.schemas import IssuedKey, KeyList
from marketplace.licences.find import see_licence
from sandbox.api_schema import ExactInt, answers
from sandbox.database import Database
from sandbox.identity import Principal
from sandbox.plain_text import PlainText
from sandbox.policy import Gate


class Wanted(BaseModel):
    licence: ExactInt
    label: Annotated[PlainText, Field(max_length=LABEL_LENGTH)] = ""


class Rotation(BaseModel):
    overlap_hours: Annotated[int, Field(ge=0, le=720)] = 24


class Shutting(BaseModel):
    reason: Annotated[PlainText, Field(max_length=2000)] = ""


def router(*, database: Database, gate: Gate, caller: Callable[[Request], Principal]) -> APIRouter:
    routes = APIRouter(prefix="/api/v1/keys", tags=["keys"])
    Caller = Annotated[Principal, Depends(caller)]

    @routes.post(
        "",
        status_code=201,
        operation_id="issue_key",
        summary="Make a key for a licence; it is shown once, here",
        responses=answers(IssuedKey, 403, 404, 409, status=201),
    )
    def make(principal: Caller, wanted: Wanted, response: Response) -> dict[str, object]:
        response.headers["Cache-Control"] = "no-store"
        return shown(
            issue_key(database, gate=gate, principal=principal, licence_id=wanted.licence, label=wanted.label)
        )

    @routes.get(
        "",
        operation_id="list_keys",
        summary="The keys of a licence, without the keys themselves",
        responses=answers(KeyList, 403, 404),
    )
    def mine(principal: Caller, licence: ExactInt) -> dict[str, object]:
        with database.transaction() as tx:
            see_licence(tx, gate=gate, principal=principal, licence_id=licence)
            return {"keys": [asdict(key) for key in keys_of(tx, licence)]}

    @routes.post(
        "/{key}/rotate",
        status_code=201,
        operation_id="rotate_key",
        summary="A successor for a key; the old one goes on for a while",
        responses=answers(IssuedKey, 403, 404, 409, status=201),
    )
    def rotate(principal: Caller, key: ExactInt, rotation: Rotation, response: Response) -> dict[str, object]:
        response.headers["Cache-Control"] = "no-store"
        return shown(
            rotate_key(
                database,
                gate=gate,
                principal=principal,
                key_id=key,
                overlap=timedelta(hours=rotation.overlap_hours),
            )
        )

    @routes.post(
        "/{key}/revoke",
        status_code=204,
        operation_id="revoke_key",
        summary="Revoke a key at once",
        responses=answers(None, 403, 404, 409, status=204),
    )
    def revoke(principal: Caller, key: ExactInt, shutting: Shutting) -> None:
        revoke_key(database, gate=gate, principal=principal, key_id=key, reason=shutting.reason)

    return routes


def shown(issued: Issued) -> dict[str, object]:
    return {
        "id": issued.id,
        "licence": issued.licence,
        "start": issued.start,
        "key": issued.secret,
        "note": "This key is shown only now. Keep it where your program reads it.",
    }
