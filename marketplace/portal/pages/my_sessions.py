"""My sessions: a page, and the same for programs."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from marketplace.portal.authentication import Authenticator
from marketplace.portal.my_sessions import (
    MySession,
    end_my_session,
    end_my_sessions,
    end_my_tokens,
    my_sessions,
)
from marketplace.portal.rendering import Pages
from marketplace.portal.schemas import SessionList
from marketplace.portal.sessions import Session, session_name
from sandbox.api_schema import answers
from sandbox.database import Database
from sandbox.identity import Principal


def router(*, database: Database, authenticator: Authenticator, pages: Pages) -> APIRouter:
    routes = APIRouter()

    def listed(account: str) -> list[MySession]:
        with database.transaction() as tx:
            return list(
                my_sessions(tx, account=account, idle_seconds=authenticator.settings.session_idle_seconds)
            )

    @routes.get("/me/sessions", include_in_schema=False)
    def page(request: Request, session: Annotated[Session, Depends(authenticator.person)]) -> Response:
        return pages.show(
            request,
            "sessions.html",
            session,
            sessions=listed(session.principal.id),
            this=session_name(session.id_hash),
        )

    @routes.post("/me/sessions/end", include_in_schema=False)
    def end_all_by_form(session: Annotated[Session, Depends(authenticator.sender)]) -> Response:
        with database.transaction() as tx:
            end_my_sessions(tx, account=session.principal.id)
        answer = RedirectResponse("/login", status_code=303)
        authenticator.end_session(answer)
        return answer

    @routes.post("/me/sessions/{id}/end", include_in_schema=False)
    def end_by_form(id: str, session: Annotated[Session, Depends(authenticator.sender)]) -> Response:
        with database.transaction() as tx:
            end_my_session(tx, account=session.principal.id, id=id)
        return RedirectResponse("/me/sessions", status_code=303)

    @routes.post("/me/tokens/end", include_in_schema=False)
    def end_tokens_by_form(session: Annotated[Session, Depends(authenticator.sender)]) -> Response:
        idle = authenticator.settings.session_idle_seconds
        with database.transaction() as tx:
            end_my_tokens(tx, account=session.principal.id, idle_seconds=idle)
        return RedirectResponse("/me#tokens", status_code=303)

    @routes.post("/me/tokens/{id}/end", include_in_schema=False)
    def end_token_by_form(id: str, session: Annotated[Session, Depends(authenticator.sender)]) -> Response:
        with database.transaction() as tx:
            end_my_session(tx, account=session.principal.id, id=id)
        return RedirectResponse("/me#tokens", status_code=303)

    @routes.get(
        "/api/v1/sessions",
        tags=["login"],
        operation_id="list_sessions",
        summary="Where I am logged in",
        responses=answers(SessionList),
    )
    def my(caller: Annotated[Principal, Depends(authenticator.caller)]) -> dict[str, list[dict[str, Any]]]:
        return {"sessions": [shown(one) for one in listed(caller.id)]}

    @routes.delete(
        "/api/v1/sessions",
        tags=["login"],
        status_code=204,
        operation_id="end_all_sessions",
        summary="Log out everywhere",
        responses=answers(None, 403, status=204),
    )
    def end_all(caller: Annotated[Principal, Depends(authenticator.caller)]) -> None:
        with database.transaction() as tx:
            end_my_sessions(tx, account=caller.id)

    @routes.delete(
        "/api/v1/sessions/{id}",
        tags=["login"],
        status_code=204,
        operation_id="end_session",
        summary="End one of my sessions",
        responses=answers(None, 403, 404, status=204),
    )
    def end(id: str, caller: Annotated[Principal, Depends(authenticator.caller)]) -> None:
        with database.transaction() as tx:
            end_my_session(tx, account=caller.id, id=id)

    return routes


def shown(one: MySession) -> dict[str, Any]:
    return {
        "id": one.id,
        "kind": one.kind,
        "opened_at": one.opened_at.isoformat(),
        "seen_at": one.seen_at.isoformat(),
        "expires_at": one.expires_at.isoformat(),
        "address": one.address,
        "agent": one.agent,
    }
