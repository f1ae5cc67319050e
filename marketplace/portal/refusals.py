"""How does a refusal look? A problem document for programs, a page with the same words for people."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, cast
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse, Response
from starlette.exceptions import HTTPException

from marketplace.portal.door import Door
from marketplace.portal.rendering import Pages
from sandbox import problems
from sandbox.audit import append
from sandbox.database import Database
from sandbox.errors import CihuError, NotAuthenticated
from sandbox.policy import Refused, refusal_event

FOR_PROGRAMS = ("/api/", "/oauth/", "/.well-known/", "/healthz", "/openapi.json", "/static/")
UNFORESEEN = "The service failed. Nothing more can be told here; it has been logged."

Handler = Callable[[Request, Exception], Response]


def install(app: FastAPI, *, database: Database, door: Door, pages: Pages) -> None:
    """Install `sandbox.problems`, show the same refusal as a page where a person is looking, and log refused decisions."""
    problems.install(app)
    for kind in (CihuError, HTTPException, RequestValidationError, Exception):
        document = cast("Handler", app.exception_handlers[kind])
        app.add_exception_handler(kind, for_people(document, database=database, door=door, pages=pages))


def for_people(document: Handler, *, database: Database, door: Door, pages: Pages) -> Handler:
    """A handler that answers people with a page, and programs with `document`."""

    def answer(request: Request, error: Exception) -> Response:
        plain = document(request, error)
        if isinstance(error, Refused):
            with suppress(CihuError), database.transaction() as tx:  # the deed's own transaction has ended
                append(tx, refusal_event(error.decision))
        if request.url.path.startswith(FOR_PROGRAMS):
            return plain
        if isinstance(error, NotAuthenticated):
            back = request.url.path if request.method == "GET" else "/"
            return RedirectResponse(f"/login?next={quote(back, safe='')}", status_code=303)
        try:
            session = door.visitor(request)
        except CihuError:
            session = None  # the refusal is that Postgres is away
        return pages.show(request, "error.html", session, status=plain.status_code,
                          number=plain.status_code, **said(error, plain))

    return answer


def said(error: Exception, plain: Response) -> dict[str, Any]:
    """The words of a refusal: code, message, mend."""
    match error:
        case CihuError():
            return {"code": error.code, "message": error.message, "mend": error.mend}
        case HTTPException():
            return {"code": f"http_{plain.status_code}", "message": str(error.detail), "mend": ""}
        case RequestValidationError():
            faults = (f"{fault['loc'][-1]}: {fault['msg']}" for fault in error.errors())
            return {"code": "invalid_input", "message": "; ".join(faults), "mend": ""}
        case _:
            return {"code": "unavailable", "message": UNFORESEEN, "mend": ""}
