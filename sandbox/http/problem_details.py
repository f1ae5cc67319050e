"""RFC 9457 problem details for every refusal of a service."""

import logging
import re
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import Match, Mount

from sandbox import errors
from sandbox.api_schema import PROBLEM_JSON
from sandbox.http.error_pages import page_address
from sandbox.http.http_refusals import code_of_status, http_words
from sandbox.http.request_id import current_request_id
from sandbox.http.status import status_of

log = logging.getLogger("cihu")
QUOTED = re.compile(r"'([^']*)'")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


def language_of(request: Request) -> str:
    """What a program asks for by Accept-Language (RFC 9110 §12.5.4):
    "zh" if its first language is Chinese, else "en"."""
    first = request.headers.get("accept-language", "").split(",")[0].partition(";")[0].strip().lower()
    return "zh" if first.partition("-")[0] == "zh" else "en"


def problem(status: int, code: str, message: str, **more: Any) -> JSONResponse:
    """An RFC 9457 document: type, title, status, detail, our stable `code` and `remedy`,
    and the request's id, by which the operator finds it in the log."""
    request = {"request_id": id} if (id := current_request_id()) else {}
    if more.get("remedy"):
        more["mend"] = more["remedy"]  # its older name, for one more release
    body = {
        "type": page_address(code),
        "title": code.replace("_", " "),
        "status": status,
        "detail": message,
        "code": code,
        **request,
        **{name: value for name, value in more.items() if value},
    }
    # what was sent may be quoted, and may be no text: it is then shown by its code points
    shown = {
        name: value.encode(errors="backslashreplace").decode() if isinstance(value, str) else value
        for name, value in body.items()
    }
    # RFC 9110 §11.6.1: a 401 says how to authenticate
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
    return JSONResponse(shown, status_code=status, media_type=PROBLEM_JSON, headers=headers)


def allowed_methods(request: Request) -> str:
    """The methods that the request's address has, for `Allow`: those of all its routes together."""
    return ", ".join(
        method
        for method in METHODS
        if any(
            not isinstance(route, Mount)
            and route.matches({**request.scope, "method": method})[0] is Match.FULL
            for route in request.app.routes
        )
    )


def malformed_words(error: RequestValidationError, language: str) -> tuple[str, str]:
    """Message and remedy for a request that does not fit its description.
    What is wrong with each field pydantic says, in English."""
    faults = [f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()]
    allowed = [
        f"{fault['loc'][-1]}: {', '.join(re.findall(QUOTED, fault['ctx']['expected']))}"
        for fault in error.errors()
        if fault["type"] == "literal_error"
    ]
    if language == "zh":
        remedy_zh = f"可选：{'；'.join(allowed)}。" if allowed else "请查阅接口描述。"
        return f"请求与接口描述不符（{'; '.join(faults)}）。", remedy_zh
    remedy = f"Give one of these. {'; '.join(allowed)}." if allowed else "See the description of the API."
    return "; ".join(faults), remedy


def install(app: FastAPI) -> None:
    """Make every refusal of `app` a problem document, and every unforeseen failure one that tells nothing."""

    @app.exception_handler(errors.CihuError)
    def refused(request: Request, error: errors.CihuError) -> JSONResponse:
        error = error.shown_as or error
        if error.internal:
            log.warning("%s %s: %s (%s)", request.method, request.url.path, error.code, error.internal)
        message, remedy = error.words(language_of(request))
        place = error.position if isinstance(error, errors.QueryRefused) else None
        position = {"line": place.line, "column": place.column} if place else None
        answer = problem(status_of(error), error.code, message, remedy=remedy, position=position)
        if isinstance(error, errors.NotAuthenticated):
            answer.headers["WWW-Authenticate"] = error.challenge
        if (seconds := getattr(error, "retry_after", None)) is not None:
            answer.headers["Retry-After"] = str(seconds)
        # what was asked for, if it was made
        answer.headers["Content-Language"] = "en" if message == error.message else "zh"
        return answer

    @app.exception_handler(RequestValidationError)
    def malformed(request: Request, error: RequestValidationError) -> JSONResponse:
        message, remedy = malformed_words(error, language := language_of(request))
        answer = problem(422, "invalid_input", message, remedy=remedy)
        answer.headers["Content-Language"] = language
        return answer

    @app.exception_handler(HTTPException)
    def http(request: Request, error: HTTPException) -> JSONResponse:
        message, remedy = http_words(error.status_code, error.detail, language_of(request))
        answer = problem(error.status_code, code_of_status(error.status_code), message, remedy=remedy)
        if error.status_code == 405:
            answer.headers["Allow"] = allowed_methods(request) or "GET, HEAD"  # files have these
        return answer

    @app.exception_handler(Exception)
    def failed(request: Request, error: Exception) -> JSONResponse:
        # the type alone: a message or a traceback could quote a value
        log.error("%s %s failed: %s", request.method, request.url.path, type(error).__name__)
        return problem(
            503, "unavailable", "The service failed. Nothing more can be told here; it has been logged."
        )
