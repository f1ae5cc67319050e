"""The login of the command line: a password for two short tokens, one for the vault, one for the portal."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from marketplace.portal.authentication import Authenticator, LoginIncomplete, sent_from
from marketplace.portal.schemas import SignedIn
from marketplace.portal.sessions import open_command_line
from sandbox.api_schema import answers
from sandbox.database import Database
from sandbox.identity import PORTAL, VAULT, TokenIssuer, log_in, login_claims, what_login_needs
from sandbox.plain_text import ExactText, PlainText

TOKEN_SECONDS = 15 * 60


class Credentials(BaseModel):
    username: Annotated[PlainText, Field(max_length=64)]
    password: Annotated[ExactText, Field(max_length=1024)]
    code: Annotated[
        PlainText,
        Field(max_length=64, description="of the second factor, or a recovery code; if there is one"),
    ] = ""


def router(*, database: Database, issuer: TokenIssuer, authenticator: Authenticator) -> APIRouter:
    routes = APIRouter(prefix="/api/v1", tags=["login"])

    @routes.post(
        "/login",
        operation_id="sign_in",
        summary="A password for two tokens of fifteen minutes",
        responses=answers(SignedIn, 401, 429),
    )
    def sign_in(request: Request, credentials: Credentials) -> dict[str, object]:
        """Who has a second factor sends its code along; a passkey logs in with a browser."""
        login = log_in(
            database,
            account_id=credentials.username.strip().lower(),
            password=credentials.password,
            code=credentials.code,
            source=authenticator.source(request),
            rules=authenticator.rules,
            box=authenticator.box,
        )
        principal = login.principal
        with database.transaction() as tx:
            need = what_login_needs(tx, principal, login.methods, authenticator.rules)
        if need:
            raise LoginIncomplete(need)
        with database.transaction() as tx:
            session, opened_at = open_command_line(
                tx, login=login, seconds=TOKEN_SECONDS, sent_from=sent_from(request)
            )
        claims = login_claims(session=session, logged_in_at=opened_at)
        vault_token, portal_token = (
            issuer.issue(principal.id, audience=audience, lifetime_seconds=TOKEN_SECONDS, **claims)
            for audience in (VAULT, PORTAL)
        )
        return {
            "vault_token": vault_token,
            "portal_token": portal_token,
            "expires_at": (datetime.now(UTC) + timedelta(seconds=TOKEN_SECONDS)).isoformat(
                timespec="seconds"
            ),
            "principal": {
                "id": principal.id,
                "name": principal.display_name,
                "organisation": principal.organisation,
                "roles": sorted(principal.roles),
                "teams": sorted(principal.teams),
            },
        }

    return routes
