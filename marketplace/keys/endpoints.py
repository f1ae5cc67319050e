"""Keys over HTTP: make (the only time that it is shown), rotate, revoke, list."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field

from marketplace.keys.admits import MOST_NETWORKS, Scope
from marketplace.keys.find import keys_of
from marketplace.keys.issue_key import LABEL_LENGTH, Issued, KeyUse, issue_key
from marketplace.keys.revoke_key import restore_key, revoke_key
from marketplace.keys.rotate_key import rotate_key
from marketplace.keys.sandbox_keys import make_sandbox_key, revoke_sandbox_key, sandbox_keys_of
from marketplace.keys.schemas import IssuedKey, IssuedSandboxKey, KeyList, MarketRisks, SandboxKeyList
from marketplace.keys.watch import market_risks
from marketplace.licences.find import see_licence
from sandbox.api_schema import ExactInt, answers
from sandbox.database import Database
from sandbox.identity import Principal
from sandbox.plain_text import PlainText
from sandbox.policy import Gate


class Wanted(BaseModel):
    """Without scopes a key has all; without networks (CIDR) it is for every address. A test key gets sample
    rows and costs nothing."""

    licence: ExactInt
    label: Annotated[PlainText, Field(max_length=LABEL_LENGTH)] = ""
    scopes: Annotated[tuple[Scope, ...], Field(min_length=1, max_length=len(Scope))] = tuple(Scope)
    networks: Annotated[tuple[PlainText, ...], Field(max_length=MOST_NETWORKS)] = ()
    mode: Literal["live", "test"] = "live"


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
            issue_key(
                database,
                gate=gate,
                principal=principal,
                licence_id=wanted.licence,
                label=wanted.label,
                use=KeyUse(tuple(dict.fromkeys(wanted.scopes)), wanted.networks, wanted.mode),
            )
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

    @routes.post(
        "/{key}/restore",
        status_code=204,
        operation_id="restore_key",
        summary="Take the revocation of a key back, within a minute",
        responses=answers(None, 403, 404, 409, status=204),
    )
    def restore(principal: Caller, key: ExactInt) -> None:
        restore_key(database, gate=gate, principal=principal, key_id=key)

    return routes


def shown(issued: Issued) -> dict[str, object]:
    return {
        "id": issued.id,
        "licence": issued.licence,
        "start": issued.start,
        "key": issued.secret,
        "note": "This key is shown only now. Keep it where your program reads it.",
    }


def risks_router(
    *, database: Database, gate: Gate, caller: Callable[[Request], Principal], window: timedelta
) -> APIRouter:
    """What is out of the ordinary with keys."""
    routes = APIRouter(prefix="/api/v1", tags=["keys"])

    @routes.get(
        "/risks",
        operation_id="list_market_risks",
        summary="Keys that were called from networks that are new to them",
        responses=answers(MarketRisks, 403),
    )
    def listed(principal: Annotated[Principal, Depends(caller)]) -> dict[str, object]:
        """For officers of their department's licences, for auditors of all."""
        return market_risks(database, gate=gate, principal=principal, window=window)

    return routes


def sandbox_router(*, database: Database, gate: Gate, caller: Callable[[Request], Principal]) -> APIRouter:
    """Keys to try products with, without an order."""
    routes = APIRouter(prefix="/api/v1/sandbox-keys", tags=["keys"])
    Caller = Annotated[Principal, Depends(caller)]

    @routes.post(
        "",
        status_code=201,
        operation_id="make_sandbox_key",
        summary="Make a key that opens stand-in rows of every product of rows; without approval",
        responses=answers(IssuedSandboxKey, 403, 404, 409, 429, status=201),
    )
    def make(principal: Caller, response: Response) -> dict[str, object]:
        """Its calls cost nothing, and are not metered: five a second for an organisation."""
        response.headers["Cache-Control"] = "no-store"
        made = make_sandbox_key(database, gate=gate, principal=principal)
        return {name: value for name, value in shown(made).items() if name != "licence"}

    @routes.get(
        "",
        operation_id="list_sandbox_keys",
        summary="The sandbox keys of my organisation, without the keys themselves",
        responses=answers(SandboxKeyList),
    )
    def mine(principal: Caller) -> dict[str, object]:
        with database.transaction() as tx:
            return {"sandbox_keys": [asdict(key) for key in sandbox_keys_of(tx, principal.organisation)]}

    @routes.post(
        "/{key}/revoke",
        status_code=204,
        operation_id="revoke_sandbox_key",
        summary="Revoke a sandbox key",
        responses=answers(None, 403, 404, status=204),
    )
    def revoke(principal: Caller, key: ExactInt) -> None:
        revoke_sandbox_key(database, gate=gate, principal=principal, key_id=key)

    return routes
