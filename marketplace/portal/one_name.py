"""Leads people to the one name of a portal on this machine: at another loopback name they have no session.

A cookie and a passkey belong to a host name, so `localhost` and 127.0.0.1 are two places to a browser.
"""

from urllib.parse import urlsplit

from fastapi.responses import RedirectResponse
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from marketplace.settings import is_loopback

FOR_PROGRAMS = ("/api/", "/oauth/", "/.well-known/", "/healthz", "/health/", "/metrics", "/static/")


class OneName:
    """Redirects a GET of a page at another loopback name than the portal's, to the same page there."""

    def __init__(self, app: ASGIApp, portal_url: str) -> None:
        self.app, self.portal_url = app, portal_url.rstrip("/")
        self.own = urlsplit(portal_url)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        target = self.elsewhere(scope) if scope["type"] == "http" else None
        if target is None:
            await self.app(scope, receive, send)
        else:
            await RedirectResponse(target, status_code=307)(scope, receive, send)

    def elsewhere(self, scope: Scope) -> str | None:
        """Where the page is, if the request came by another name."""
        path = scope.get("raw_path", b"").decode("latin-1")
        if (
            scope["method"] not in ("GET", "HEAD")
            or not path.startswith("/")
            or path.startswith(FOR_PROGRAMS)
        ):
            return None
        try:
            asked = urlsplit(f"//{Headers(scope=scope).get('host', '')}")
            host, port = asked.hostname or "", asked.port
        except ValueError:
            return None
        if host == self.own.hostname or port != self.own.port or not is_loopback(host):
            return None
        query = scope["query_string"].decode("latin-1")
        return f"{self.portal_url}{path}" + (f"?{query}" if query else "")
