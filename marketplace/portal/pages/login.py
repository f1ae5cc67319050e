"""Pages: log in with a password, log out."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from marketplace.portal.authentication import Authenticator, safe_next
from marketplace.portal.city_login.city_sessions import issuer_of
from marketplace.portal.city_login.refusals import REFUSALS
from marketplace.portal.pages.after_login import answer_login, relying_party
from marketplace.portal.rendering import Pages
from marketplace.portal.sessions import Session, log_out
from sandbox.database import Database
from sandbox.errors import NotAuthenticated, TooMany
from sandbox.identity import log_in
from sandbox.identity.passkeys import login_options
from sandbox.plain_text import ExactText, PlainText

YEAR_SECONDS = 365 * 24 * 60 * 60
CODE_SECONDS = 10 * 60  # between the password and the code


def router(*, database: Database, authenticator: Authenticator, pages: Pages) -> APIRouter:
    routes = APIRouter(include_in_schema=False)

    @routes.get("/login")
    def login_page(
        request: Request,
        next: str = "/",
        again: str = "",
        password_changed: str = "",
        left: str = "",
        refused: str = "",
    ) -> Response:
        """`again`: show the form also to somebody who is logged in, because the hub asks for a new login.
        `left`: the identity provider where somebody who just logged out here is still logged in.
        `refused`: why a log-in by a provider failed."""
        if not again and authenticator.visitor(request):
            return RedirectResponse(safe_next(next), status_code=303)
        return login_form(
            request,
            authenticator,
            pages,
            next=next,
            password_changed=bool(password_changed),
            again=bool(again),
            left=left,
            refusal=refused if refused in REFUSALS else "",
        )

    @routes.post("/login", dependencies=[Depends(authenticator.require_visit)])
    def login_by_password(
        request: Request,
        account: Annotated[PlainText, Form()] = "",
        password: Annotated[ExactText, Form()] = "",
        next: Annotated[PlainText, Form()] = "/",
        kept: Annotated[PlainText, Form()] = "",
        code: Annotated[PlainText, Form()] = "",
    ) -> Response:
        source = authenticator.named_source(request)
        try:
            login = log_in(
                database,
                account_id=account.strip().lower(),
                password=password,
                code=code,
                source=source,
                rules=authenticator.rules,
                box=authenticator.box,
            )
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
        return answer_login(request, authenticator, pages, login, source, next=next, kept=kept)

    @routes.post("/logout")
    def logout(session: Annotated[Session, Depends(authenticator.sender)]) -> Response:
        with database.transaction() as tx:
            issuer = issuer_of(tx, session.id_hash)
            log_out(tx, account=session.principal.id, by=session.principal.id)
        left = [each.id for each in authenticator.city_providers if each.issuer == issuer]
        answer = RedirectResponse(f"/login?left={left[0]}" if left else "/login", status_code=303)
        authenticator.end_session(answer)
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
    again: bool = False,
    left: str = "",
) -> Response:
    """The login page. `kept` is what was typed before the login had to be renewed (see `Kept`)."""
    providers = authenticator.city_providers
    visit, csrf = authenticator.start_visit(request)
    party = relying_party(authenticator)
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
        asks_code=refusal == "too_many_attempts",
        providers=providers,
        again=again,
        come_back=f"/login?next={quote(safe_next(next), safe='')}",
        left=[each for each in providers if each.id == left],
        passkey_options=login_options(party, holder=visit) if party.can else "",
    )
    authenticator.remember_visit(answer, visit)
    return answer
