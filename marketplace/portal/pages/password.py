"""Pages: change the password, choose a language."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from marketplace.portal.authentication import Authenticator, safe_next
from marketplace.portal.language import COOKIE, LANGUAGES
from marketplace.portal.rendering import Pages
from marketplace.portal.sessions import Session
from sandbox.database import Database
from sandbox.errors import InvalidInput, NotAuthenticated, TooMany
from sandbox.http.status import status_of
from sandbox.identity import change_own_password
from sandbox.plain_text import ExactText

YEAR_SECONDS = 365 * 24 * 60 * 60


def router(*, database: Database, authenticator: Authenticator, pages: Pages) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    Person = Annotated[Session, Depends(authenticator.person)]

    @routes.get("/me/password")
    def password_page(request: Request, session: Person) -> Response:
        return pages.show(request, "password.html", session, refusal="")

    @routes.post("/me/password")
    def new_password(
        request: Request,
        session: Annotated[Session, Depends(authenticator.sender)],
        password: Annotated[ExactText, Form()] = "",
        new_password: Annotated[ExactText, Form()] = "",
        new_password_again: Annotated[ExactText, Form()] = "",
    ) -> Response:
        def refused(code: str, status: int) -> Response:
            return pages.show(request, "password.html", session, status=status, refusal=code)

        if new_password != new_password_again:
            return refused("passwords_differ", 422)
        try:
            change_own_password(
                database,
                account_id=session.principal.id,
                password=password,
                new_password=new_password,
                source=authenticator.source(request),
                rules=authenticator.rules,
            )
        except (NotAuthenticated, TooMany, InvalidInput) as refusal:
            # who sent it is known: a wrong password here is a field of the form, not a missing login
            known = isinstance(refusal, NotAuthenticated)
            return refused(refusal.code, 422 if known else status_of(refusal))
        answer = RedirectResponse("/login?password_changed=yes", status_code=303)
        authenticator.end_session(answer)
        return answer

    @routes.get("/language/{language}")
    def choose_language(language: str, next: str = "/") -> Response:
        if language not in LANGUAGES:
            raise InvalidInput(
                f"There is no language {language[:20]!r}.",
                remedy=f"Use one of {', '.join(LANGUAGES)}.",
                zh=f"没有语言“{language[:20]}”。",
                remedy_zh=f"请选择其中之一：{'、'.join(LANGUAGES)}。",
            )
        answer = RedirectResponse(safe_next(next), status_code=303)
        authenticator.set_cookie(answer, COOKIE, language, YEAR_SECONDS)
        return answer

    return routes
