"""Pages: log in, log out, change the password, choose a language."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from marketplace.portal.authentication import Authenticator, safe_next, sent_from
from marketplace.portal.form_draft import FormDraft
from marketplace.portal.language import COOKIE, LANGUAGES
from marketplace.portal.rendering import Pages
from marketplace.portal.sessions import Session, csrf_of, hash_secret, log_out, open_session
from sandbox.database import Database
from sandbox.errors import InvalidInput, NotAuthenticated, TooMany
from sandbox.http.status import status_of
from sandbox.identity import change_own_password, log_in
from sandbox.plain_text import ExactText, PlainText

YEAR_SECONDS = 365 * 24 * 60 * 60


def router(*, database: Database, authenticator: Authenticator, pages: Pages) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    Person = Annotated[Session, Depends(authenticator.person)]

    @routes.get("/login")
    def login_page(
        request: Request, next: str = "/", again: str = "", password_changed: str = ""
    ) -> Response:
        """`again`: show the form also to somebody who is logged in, because the hub asks for a new login."""
        if not again and authenticator.visitor(request):
            return RedirectResponse(safe_next(next), status_code=303)
        return login_form(request, authenticator, pages, next=next, password_changed=bool(password_changed))

    @routes.post("/login", dependencies=[Depends(authenticator.require_visit)])
    def login(
        request: Request,
        account: Annotated[PlainText, Form()] = "",
        password: Annotated[ExactText, Form()] = "",
        next: Annotated[PlainText, Form()] = "/",
        kept: Annotated[PlainText, Form()] = "",
    ) -> Response:
        try:
            principal = log_in(database, account_id=account.strip().lower(), password=password)
        except (NotAuthenticated, TooMany) as refusal:
            status = 429 if isinstance(refusal, TooMany) else 401
            return login_form(
                request,
                authenticator,
                pages,
                next=next,
                refusal=refusal.code,
                account=account,
                status=status,
                kept=kept,
            )
        with database.transaction() as tx:
            cookie = open_session(
                tx,
                principal=principal,
                seconds=authenticator.settings.session_seconds,
                replaces=request.cookies.get(authenticator.session_cookie),
                sent_from=sent_from(request),
            )
        again = FormDraft.from_text(kept)
        answer: Response = RedirectResponse(safe_next(next), status_code=303)
        if again:
            session = Session(principal, hash_secret(cookie), datetime.now(UTC), csrf_of(cookie))
            answer = pages.show(request, "send_again.html", session, kept=again)
        authenticator.admit(answer, cookie)
        return answer

    @routes.post("/logout")
    def logout(session: Annotated[Session, Depends(authenticator.sender)]) -> Response:
        with database.transaction() as tx:
            log_out(tx, account=session.principal.id, by=session.principal.id)
        answer = RedirectResponse("/login", status_code=303)
        authenticator.end_session(answer)
        return answer

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
                database, account_id=session.principal.id, password=password, new_password=new_password
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
                f"There is no language {language[:20]!r}.", remedy=f"Use one of {', '.join(LANGUAGES)}."
            )
        answer = RedirectResponse(safe_next(next), status_code=303)
        authenticator.set_cookie(answer, COOKIE, language, YEAR_SECONDS)
        return answer

    return routes


def login_form(
    request: Request,
    authenticator: Authenticator,
    pages: Pages,
    *,
    next: str,
    refusal: str = "",
    account: str = "",
    status: int = 200,
    kept: str = "",
    password_changed: bool = False,
) -> Response:
    """The login page. `kept` is what was typed before the login had to be renewed (see `Kept`)."""
    visit, csrf = authenticator.start_visit(request)
    answer = pages.show(
        request,
        "login.html",
        None,
        status=status,
        csrf=csrf,
        next=safe_next(next),
        refusal=refusal,
        account=account,
        kept=kept,
        password_changed=password_changed,
    )
    authenticator.remember_visit(answer, visit)
    return answer
