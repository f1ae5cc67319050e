"""What is written down of each request, and how large may one be? One plain line; and nothing of what it said."""

import logging
import time
from collections.abc import Callable
from urllib.parse import unquote_plus

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.errors import CihuError
from sandbox.http.metrics import Metrics
from sandbox.http.request_id import HEADER, accepted, current
from sandbox.plain_text import MEND, is_text
from sandbox.problems import problem, status_of


class Journal:
    """ASGI middleware: one line for each request, without its query (what is asked is the asker's own business), and
    no traceback of a failure (it could quote a value). It gives each request its id, and counts what was answered."""

    def __init__(self, app: ASGIApp, log: logging.Logger, metrics: Metrics | None = None) -> None:
        self.app = app
        self.log = log
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, status = time.monotonic(), 0
        id = accepted(Headers(scope=scope).get(HEADER, ""))
        current.set(id)  # for this task, and what it starts

        async def send_and_note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[HEADER] = id
            await send(message)

        try:
            await self.app(scope, receive, send_and_note)
        except Exception as error:  # noqa: BLE001  # the last door: whatever failed, its words stay inside
            self.log.error("%s %s ended in %s", scope["method"], scope["path"], type(error).__name__)  # noqa: TRY400  # no traceback
            if not status:
                await problem(503, "unavailable", "The service failed.")(scope, receive, send_and_note)
        finally:
            milliseconds = (time.monotonic() - began) * 1000
            self.log.info("%s %s %s %.0f ms", scope["method"], scope["path"], status, milliseconds)
            if self.metrics:
                self.metrics.answered(scope["method"], getattr(scope.get("route"), "path", ""), status)


class BodyLimit:
    """ASGI middleware: a body is at most `most` bytes, counted as it comes. `large` names the one request that may be
    larger, how large, and who must be asked before a byte of it is read (its refusal is the answer)."""

    def __init__(self, app: ASGIApp, most: int, *, large: tuple[str, str, int] | None = None,
                 admit: Callable[[str], object] | None = None) -> None:
        self.app, self.most, self.large, self.admit = app, most, large, admit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        # every parameter of every path and query, whatever endpoint reads it
        if not is_text(scope["path"]):
            await problem(404, "not_found", "There is nothing at this address.")(scope, receive, send)
            return
        query = unquote_plus(scope.get("query_string", b"").decode("latin-1"), errors="surrogateescape")
        if not is_text(query):
            await problem(422, "invalid_input", "The query of the address is not plain text.", mend=MEND)(scope, receive, send)
            return
        limit = self.most
        if self.large and (scope["method"], scope["path"]) == self.large[:2]:
            limit = self.large[2]
            try:
                if self.admit:
                    self.admit(Request(scope).headers.get("authorization", ""))
            except CihuError as refused:
                refusal = refused.shown_as or refused
                await problem(status_of(refusal), refusal.code, refusal.message, mend=refusal.mend)(scope, receive, send)
                return
        read = 0

        async def receive_some() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > limit:
                raise HTTPException(413, f"The request is larger than {limit} bytes.")
            return message

        await self.app(scope, receive_some, send)
