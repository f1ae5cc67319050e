"""What may a page of ours do in a browser? Nothing but what is named here; and each request leaves one plain log line."""

import logging
import time
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from marketplace.settings import Settings

log = logging.getLogger("cihu.portal")


def page_headers(settings: Settings) -> dict[str, str]:
    """The headers of every answer. No inline script or style, nothing from elsewhere."""
    hub = urlsplit(settings.hub_url)
    # a login form leads on to the hub, and browsers hold form-action against redirects too
    policy = ("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
              f"form-action 'self' {hub.scheme}://{hub.netloc}; frame-ancestors 'none'; base-uri 'none'")
    headers = {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    }
    if settings.secure:
        headers["Strict-Transport-Security"] = "max-age=31536000"
    return headers


class Headers:
    """ASGI middleware: adds the headers to every answer."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self.headers = page_headers(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self.headers.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, send_with_headers if scope["type"] == "http" else send)


class Journal:
    """ASGI middleware: one line for each request, without its query (what a company asks is its own business), and
    no traceback of a failure (it could quote a value)."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, status = time.monotonic(), 0

        async def send_and_note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, send_and_note)
        except Exception as error:  # noqa: BLE001  # the last door: whatever failed, its words stay inside
            log.error("%s %s ended in %s", scope["method"], scope["path"], type(error).__name__)  # noqa: TRY400  # no traceback
            if not status:
                await Response("The service failed.", 503)(scope, receive, send_and_note)
        finally:
            log.info("%s %s %s %.0f ms", scope["method"], scope["path"], status, (time.monotonic() - began) * 1000)
