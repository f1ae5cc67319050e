"""Security headers: a page of ours may do nothing in a browser but what is named here."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# For a page whose address holds a secret: another address is never told more than the site. With
# "no-referrer" a browser sends the page's own forms with `Origin: null` (Fetch, "append a request `Origin`
# header"), and they would be refused as another site's.
ORIGIN_ALONE = "strict-origin"


def security_headers(*, form_targets: Sequence[str] = (), secure: bool = False) -> dict[str, str]:
    """The headers of every answer. No inline script or style, nothing from elsewhere (CSP level 3).

    `form_targets`: the addresses of other services to which a form may lead on; browsers hold form-action
    against redirects too. `secure`: the service is reached by https alone.
    """
    targets = "".join(
        f" {address.scheme}://{address.netloc}" for address in (urlsplit(target) for target in form_targets)
    )
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        f"form-action 'self'{targets}; frame-ancestors 'none'; base-uri 'none'"
    )
    headers = {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    }
    if secure:
        headers["Strict-Transport-Security"] = "max-age=31536000"
    return headers


class SecurityHeaders:
    """ASGI middleware: adds the headers to every answer."""

    def __init__(self, app: ASGIApp, *, form_targets: Sequence[str] = (), secure: bool = False) -> None:
        self.app = app
        self.headers = security_headers(form_targets=form_targets, secure=secure)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self.headers.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, send_with_headers if scope["type"] == "http" else send)
