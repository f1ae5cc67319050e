"""Renders a refusal: a problem document for programs, a page with the same words for people."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import cast
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse, Response
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from marketplace.portal.authentication import Authenticator, LoginIncomplete, LoginTooOld
from marketplace.portal.form_draft import FormDraft, typed_into
from marketplace.portal.pages.login import login_form
from marketplace.portal.rendering import Pages, come_back, words_of
from sandbox.audit import append
from sandbox.database import Database
from sandbox.errors import CihuError, Forbidden, NotAuthenticated, NotFound
from sandbox.http import problem_details
from sandbox.http.http_refusals import code_of_status, http_words
from sandbox.http.request_id import current_request_id
from sandbox.plain_text import is_text
from sandbox.policy import Refused, refusal_event

FOR_PROGRAMS = (
    "/api/",
    "/oauth/",
    "/.well-known/",
    "/healthz",
    "/health/",
    "/metrics",
    "/openapi.json",
    "/static/",
    "/uploads",  # sent by the script of a page
)
UNFORESEEN = "The service failed. Nothing more can be told here; it has been logged."

Handler = Callable[[Request, Exception], Response]
PageHandler = Callable[[Request, Exception], Awaitable[Response]]


def install(app: FastAPI, *, database: Database, authenticator: Authenticator, pages: Pages) -> None:
    """Install `sandbox.http.problem_details`, show the same refusal as a page where a person is looking,
    and log refused decisions."""
    problem_details.install(app)
    for kind in (CihuError, HTTPException, RequestValidationError, Exception):
        document = cast("Handler", app.exception_handlers[kind])
        app.add_exception_handler(
            kind, for_people(document, database=database, authenticator=authenticator, pages=pages)
        )


def for_people(
    document: Handler, *, database: Database, authenticator: Authenticator, pages: Pages
) -> PageHandler:
    """A handler that answers people with a page, and programs with `document`."""

    async def answer(request: Request, error: Exception) -> Response:
        if request.url.path == "/login" and code_of(error) == "stale_form":
            typed = str((await request.form()).get("account", ""))
            account = typed[:64] if is_text(typed) else ""
            return login_form(
                request, authenticator, pages, next="/", refusal="stale_form", status=403, account=account
            )
        kept = await typed_into(request) if may_be_mended(error) else None
        return await run_in_threadpool(answer_with, request, error, kept)

    def answer_with(request: Request, error: Exception, kept: FormDraft | None) -> Response:
        plain = document(request, error)
        if isinstance(error, Refused):
            with (
                suppress(CihuError),
                database.transaction() as tx,
            ):  # the refused action's own transaction has ended
                append(tx, refusal_event(error.decision))
        if request.url.path.startswith(FOR_PROGRAMS):
            return plain
        error = (isinstance(error, CihuError) and error.shown_as) or error
        if isinstance(error, LoginIncomplete):
            back = request.url.path if request.method == "GET" else come_back(request)
            return RedirectResponse(f"{error.leads_to}?next={quote(back, safe='')}", status_code=303)
        if isinstance(error, NotAuthenticated):
            if kept and sent_from_here(request, authenticator):
                back = come_back(request)
                return login_form(
                    request,
                    authenticator,
                    pages,
                    next=back,
                    refusal="session_ended",
                    status=401,
                    kept=kept.as_text(),
                )
            back = request.url.path if request.method == "GET" else "/"
            return RedirectResponse(f"/login?next={quote(back, safe='')}", status_code=303)
        if isinstance(error, LoginTooOld):
            back = request.url.path if request.method == "GET" else come_back(request)
            return RedirectResponse(f"/login?again=1&next={quote(back, safe='')}", status_code=303)
        try:
            session = authenticator.visitor(request)
        except CihuError:
            session = None  # the refusal is that Postgres is away
        shown = pages.show(
            request,
            "error.html",
            session,
            status=plain.status_code,
            number=plain.status_code,
            refusal=said(error, plain),
            kept=kept,
            request_id=current_request_id(),
        )
        if "retry-after" in plain.headers:
            shown.headers["Retry-After"] = plain.headers["retry-after"]
        return shown

    return answer


def may_be_mended(error: Exception) -> bool:
    """Whether sending the form again, perhaps with something else in it, can end well."""
    match (isinstance(error, CihuError) and error.shown_as) or error:
        case Forbidden():
            return code_of(error) == "stale_form"
        case NotFound():
            return False
        case CihuError() | RequestValidationError():
            return code_of(error) != "form_used"
        case _:
            return False


def code_of(error: Exception) -> str:
    return error.code if isinstance(error, CihuError) else ""


def sent_from_here(request: Request, authenticator: Authenticator) -> bool:
    """Nothing that another site has sent is kept."""
    try:
        authenticator.check_same_site(request)
    except Forbidden:
        return False
    return True


def said(error: Exception, plain: Response) -> dict[str, str]:
    """The words of a refusal: code, message, remedy, and both in Chinese if they were made in it."""
    match error:
        case CihuError():
            return words_of(error)
        case HTTPException():
            message, remedy = http_words(error.status_code, error.detail, "en")
            zh, remedy_zh = http_words(error.status_code, error.detail, "zh")
            code = code_of_status(error.status_code)
            return {"code": code, "message": message, "remedy": remedy, "zh": zh, "remedy_zh": remedy_zh}
        case RequestValidationError():
            faults = (f"{fault['loc'][-1]}: {fault['msg']}" for fault in error.errors())
            return {"code": "invalid_input", "message": "; ".join(faults), "remedy": "", "zh": ""}
        case _:
            return {"code": "unavailable", "message": UNFORESEEN, "remedy": "", "zh": ""}
