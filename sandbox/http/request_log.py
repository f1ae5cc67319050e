"""The request log: one plain line for each request, and nothing of its content."""

import logging
import time

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.audit.decision_trace import begin_request
from sandbox.http.metrics import Metrics
from sandbox.http.problem_details import problem
from sandbox.http.request_id import HEADER, accepted, current


class RequestLog:
    """ASGI middleware: one line for each request, without its query
    (what is asked is the asker's own business), and no traceback of a failure (it could quote a value). It
    gives each request its id and a memory of what was decided in it, and counts what was answered."""

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
        begin_request()

        async def send_and_note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[HEADER] = id
            await send(message)

        try:
            await self.app(scope, receive, send_and_note)
        except Exception as error:  # noqa: BLE001  # the last handler: whatever failed, its words stay inside
            self.log.error("%s %s ended in %s", scope["method"], scope["path"], type(error).__name__)  # noqa: TRY400  # no traceback
            if not status:
                await problem(503, "unavailable", "The service failed.")(scope, receive, send_and_note)
        finally:
            milliseconds = (time.monotonic() - began) * 1000
            self.log.info("%s %s %s %.0f ms", scope["method"], scope["path"], status, milliseconds)
            if self.metrics:
                self.metrics.answered(scope["method"], getattr(scope.get("route"), "path", ""), status)
