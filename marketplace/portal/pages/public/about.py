"""Pages about the service itself: its state, privacy, terms, accessibility, and the parts that pages are made
of; robots.txt and security.txt."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import PlainTextResponse, Response

from marketplace.portal.authentication import Authenticator
from marketplace.portal.notices.settings import mails_are_sent
from marketplace.portal.rendering import Pages
from marketplace.portal.sessions import Session
from sandbox.http.health import OK, Health

CONTACT_DAYS = 180  # RFC 9116 wants an end that is less than a year away
PAGES = ("privacy", "terms", "accessibility")
TOKENS = ("ink", "soft", "lake", "paper", "card", "line", "edge", "bad", "amber", "focus")


def router(*, authenticator: Authenticator, pages: Pages, health: Health) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    Anybody = Annotated[Session | None, Depends(authenticator.anybody)]
    contact = pages.settings.contact

    @routes.get("/status")
    def status(request: Request, session: Anybody) -> Response:
        """Which part answers; never why one does not, which can hold an address."""
        parts = {name: said == OK for name, said in health.checked().items()}
        return pages.show(
            request,
            "public_status.html",
            session,
            parts=parts,
            mails=mails_are_sent(authenticator.database),
            now=datetime.now(UTC),
        )

    @routes.get("/design")
    def design(request: Request, session: Anybody) -> Response:
        return pages.show(request, "design.html", session, tokens=TOKENS)

    def text_page(name: str) -> None:
        @routes.get(f"/{name}")
        def page(request: Request, session: Anybody) -> Response:
            return pages.show(request, f"public_{name}.html", session, contact=contact)

    for name in PAGES:
        text_page(name)

    @routes.get("/robots.txt")
    def robots() -> Response:
        return PlainTextResponse(
            "User-agent: *\nDisallow: /api/\nDisallow: /language/\nDisallow: /login\nDisallow: /oauth/\n"
            f"Sitemap: {pages.settings.portal_url}/sitemap.xml\n"
        )

    @routes.get("/.well-known/security.txt")
    def security() -> Response:
        """RFC 9116: to whom a fault in the service's safety is told."""
        expires = (datetime.now(UTC) + timedelta(days=CONTACT_DAYS)).replace(
            hour=0, minute=0, second=0, microsecond=0
        )
        here = pages.settings.portal_url
        return PlainTextResponse(
            f"Contact: {contact or here + '/privacy#contact'}\n"
            f"Expires: {expires.isoformat().replace('+00:00', 'Z')}\n"
            "Preferred-Languages: zh, en\n"
            f"Canonical: {here}/.well-known/security.txt\n"
        )

    return routes
