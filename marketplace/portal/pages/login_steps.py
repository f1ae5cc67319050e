"""Pages: the second step of a login, and the login with a passkey."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from marketplace.portal.authentication import Authenticator, safe_next
from marketplace.portal.pages.after_login import answer_login, code_form, relying_party
from marketplace.portal.pages.login import login_form
from marketplace.portal.rendering import Pages
from marketplace.portal.sessions import Session
from sandbox.database import Database
from sandbox.errors import InvalidInput, NotAuthenticated, TooMany
from sandbox.identity import Login, give_code
from sandbox.identity.passkeys import log_in_with_passkey
from sandbox.plain_text import PlainText


def router(*, database: Database, authenticator: Authenticator, pages: Pages) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    Person = Annotated[Session, Depends(authenticator.person)]

    @routes.get("/login/code")
    def code_page(request: Request, session: Person, next: str = "/") -> Response:
        if session.need != "code":
            return RedirectResponse(safe_next(next), status_code=303)
        return code_form(request, pages, session, next=next)

    @routes.post("/login/code")
    def login_by_code(
        request: Request,
        session: Annotated[Session, Depends(authenticator.sender)],
        code: Annotated[PlainText, Form()] = "",
        next: Annotated[PlainText, Form()] = "/",
        kept: Annotated[PlainText, Form()] = "",
    ) -> Response:
        if session.need != "code":
            return RedirectResponse(safe_next(next), status_code=303)
        source = authenticator.named_source(request)
        try:
            login = give_code(
                database,
                login=Login(session.principal, session.methods),
                code=code,
                box=authenticator.box,
                source=source,
                rules=authenticator.rules,
            )
        except (NotAuthenticated, TooMany) as refusal:
            status = 429 if isinstance(refusal, TooMany) else 422
            return code_form(
                request, pages, session, next=next, kept=kept, refusal=refusal.code, status=status
            )
        return answer_login(
            request,
            authenticator,
            pages,
            login,
            source,
            next=next,
            kept=kept,
            continues=session.id_hash,
        )

    @routes.post("/login/passkey", dependencies=[Depends(authenticator.require_visit)])
    def login_by_passkey(
        request: Request,
        credential: Annotated[PlainText, Form()] = "",
        next: Annotated[PlainText, Form()] = "/",
        kept: Annotated[PlainText, Form()] = "",
    ) -> Response:
        source = authenticator.named_source(request)
        try:
            with database.transaction() as tx:
                login = log_in_with_passkey(
                    tx,
                    relying_party(authenticator),
                    credential=credential,
                    holder=request.cookies[authenticator.visit_cookie],
                    source=source,
                )
        except (NotAuthenticated, InvalidInput) as refusal:
            # not in the log: it names no account, and strangers would grow the log. The metrics count it.
            return login_form(
                request, authenticator, pages, next=next, refusal=refusal.code, status=401, kept=kept
            )
        return answer_login(request, authenticator, pages, login, source, next=next, kept=kept)

    return routes
