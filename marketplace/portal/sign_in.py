"""How does the command line log in? A password for two short tokens: one for the vault, one for the portal."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field

from sandbox.audit import Event, append
from sandbox.database import Database
from sandbox.identity import PORTAL, VAULT, TokenIssuer, log_in
from sandbox.plain_text import ExactText, PlainText

TOKEN_SECONDS = 15 * 60


class Credentials(BaseModel):
    username: Annotated[PlainText, Field(max_length=64)]
    password: Annotated[ExactText, Field(max_length=1024)]


def router(*, database: Database, issuer: TokenIssuer) -> APIRouter:
    routes = APIRouter(prefix="/api/v1", tags=["login"])

    @routes.post("/login", summary="A password for two tokens of fifteen minutes")
    def sign_in(credentials: Credentials) -> dict[str, object]:
        principal = log_in(database, account_id=credentials.username.strip().lower(), password=credentials.password)
        vault_token, portal_token = (
            issuer.issue(principal.id, audience=audience, lifetime_seconds=TOKEN_SECONDS) for audience in (VAULT, PORTAL))
        with database.transaction() as tx:
            append(tx, Event(kind="session.opened", actor=principal.id, subject=f"account:{principal.id}",
                             payload={"way": "command line", "seconds": TOKEN_SECONDS}))
        return {
            "vault_token": vault_token,
            "portal_token": portal_token,
            "expires_at": (datetime.now(UTC) + timedelta(seconds=TOKEN_SECONDS)).isoformat(timespec="seconds"),
            "principal": {"id": principal.id, "name": principal.display_name, "organisation": principal.organisation,
                          "roles": sorted(principal.roles), "teams": sorted(principal.teams)},
        }

    return routes
