"""Logs each change that the rules refused, once its own transaction has ended.

A refused reading is not logged: pages ask for what they might show. What is asked by POST and changes nothing
counts as a change here, because a person asked for it.
"""

from collections.abc import Callable
from typing import cast

from fastapi import FastAPI, Request
from fastapi.responses import Response

from sandbox.database import Database
from sandbox.errors import CihuError
from sandbox.http.maintenance_gate import SAFE
from sandbox.policy import Refused, log_refusal

Handler = Callable[[Request, Exception], Response]


def log_refused_changes(app: FastAPI, database: Database) -> None:
    """After `problem_details.install`, whose answer stays as it is."""
    document = cast("Handler", app.exception_handlers[CihuError])

    def refused(request: Request, error: Exception) -> Response:
        if isinstance(error, Refused) and request.method not in SAFE:
            log_refusal(database, error)
        return document(request, error)

    app.add_exception_handler(CihuError, refused)
