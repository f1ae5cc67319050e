"""Service accounts over HTTP: make, list, a new secret, revoke."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field

from marketplace.keys.admits import MOST_NETWORKS, Scope
from marketplace.service_accounts.manage import (
    LABEL_LENGTH,
    IssuedSecret,
    make_service_account,
    revoke_service_account,
    rotate_secret,
    service_accounts_of,
)
from marketplace.service_accounts.schemas import IssuedServiceAccount, ServiceAccountList
from sandbox.api_schema import answers
from sandbox.database import Database
from sandbox.identity import Principal
from sandbox.plain_text import PlainText
from sandbox.policy import Gate


class WantedAccount(BaseModel):
    """Without networks (CIDR) it calls from every address. A test account gets sample rows and costs
    nothing."""

    label: Annotated[PlainText, Field(min_length=1, max_length=LABEL_LENGTH)]
    scopes: Annotated[tuple[Scope, ...], Field(min_length=1, max_length=len(Scope))] = (
        Scope.CALL,
        Scope.SAMPLE,
    )
    networks: Annotated[tuple[PlainText, ...], Field(max_length=MOST_NETWORKS)] = ()
    mode: Literal["live", "test"] = "live"


class NewSecret(BaseModel):
    overlap_hours: Annotated[int, Field(ge=0, le=720)] = 24


class Revocation(BaseModel):
    reason: Annotated[PlainText, Field(max_length=2000)] = ""


def router(
    *, database: Database, gate: Gate, caller: Callable[[Request], Principal], portal_url: str
) -> APIRouter:
    routes = APIRouter(prefix="/api/v1/service-accounts", tags=["customers"])
    Caller = Annotated[Principal, Depends(caller)]

    def issued(made: IssuedSecret, response: Response) -> dict[str, object]:
        response.headers["Cache-Control"] = "no-store"
        return {
            "client_id": made.id,
            "client_secret": made.secret,
            "token_endpoint": f"{portal_url}/oauth/token",
            "note": "This secret is shown only now. Keep it where your program reads it.",
        }

    @routes.post(
        "",
        status_code=201,
        operation_id="make_service_account",
        summary="Make a service account for a program (owners, developers)",
        responses=answers(IssuedServiceAccount, 403, 409, status=201),
    )
    def make(principal: Caller, wanted: WantedAccount, response: Response) -> dict[str, object]:
        """Its client credentials give short-lived tokens, which the calls of all the company's licences
        take beside keys."""
        return issued(
            make_service_account(
                database,
                gate=gate,
                principal=principal,
                label=wanted.label,
                scopes=wanted.scopes,
                networks=wanted.networks,
                mode=wanted.mode,
            ),
            response,
        )

    @routes.get(
        "",
        operation_id="list_service_accounts",
        summary="The service accounts of my company, without their secrets",
        responses=answers(ServiceAccountList),
    )
    def listed(principal: Caller) -> dict[str, object]:
        with database.transaction() as tx:
            found = service_accounts_of(tx, principal.organisation)
        return {"service_accounts": [asdict(each) for each in found]}

    @routes.post(
        "/{client_id}/rotate",
        status_code=201,
        operation_id="rotate_service_account",
        summary="A new secret for a service account; the old one goes on for a while",
        responses=answers(IssuedServiceAccount, 403, 404, 409, status=201),
    )
    def rotate(
        principal: Caller, client_id: PlainText, wanted: NewSecret, response: Response
    ) -> dict[str, object]:
        return issued(
            rotate_secret(
                database,
                gate=gate,
                principal=principal,
                client_id=client_id,
                overlap=timedelta(hours=wanted.overlap_hours),
            ),
            response,
        )

    @routes.post(
        "/{client_id}/revoke",
        status_code=204,
        operation_id="revoke_service_account",
        summary="Revoke a service account at once, with its tokens",
        responses=answers(None, 403, 404, 409, status=204),
    )
    def revoke(principal: Caller, client_id: PlainText, revocation: Revocation) -> None:
        revoke_service_account(
            database, gate=gate, principal=principal, client_id=client_id, reason=revocation.reason
        )

    return routes
