"""Authenticates requests to the portal: a page's visitor by cookie, a form by cookie and token, an API caller
by either.

Cookies are HttpOnly and SameSite=Lax. Every form carries a token that only its own page can know, and a
request that a browser says comes from another site is refused.
"""

import secrets
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Form, Request, Security
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials
from starlette.responses import Response

from marketplace.portal.sessions import (
    SentFrom,
    Session,
    csrf_of,
    find_session,
    same_csrf,
    seed_of,
    session_name,
)
from marketplace.settings import Settings
from sandbox.database import Database
from sandbox.errors import Forbidden, NotAuthenticated
from sandbox.http.authentication import bearer_scheme
from sandbox.identity import PORTAL, Origin, Principal, TokenVerifier, load_principal, require_unrevoked
from sandbox.plain_text import PlainText

# for the API's description alone: `caller` reads them
TOKEN = bearer_scheme(PORTAL)
SESSION = APIKeyCookie(
    name="cihu_session",
    scheme_name="browser_session",
    description="The browser's session (over HTTPS the cookie's name begins with `__Host-`); what changes "
    "something also needs the form token in `X-CSRF-Token`.",
    auto_error=False,
)
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
VISIT_SECONDS = 60 * 60
HANDED, HANDED_SECONDS = "cihu_shown_once", 60


class Authenticator:
    """Where requests are let in. Holds no state but its parts."""

    def __init__(self, database: Database, settings: Settings, verifier: TokenVerifier) -> None:
        self.database = database
        self.settings = settings
        self.verifier = verifier
        prefix = "__Host-" if settings.secure else ""
        self.session_cookie, self.visit_cookie = f"{prefix}cihu_session", f"{prefix}cihu_visit"

    def visitor(self, request: Request) -> Session | None:
        """Whoever is logged in in this browser, or None."""
        cookie = request.cookies.get(self.session_cookie)
        if not cookie:
            return None
        with self.database.transaction() as tx:
            return find_session(tx, cookie=cookie, idle_seconds=self.settings.session_idle_seconds)

    def person(self, request: Request) -> Session:
        """The person who looks at a page. Raises `NotAuthenticated`."""
        session = self.visitor(request)
        if session is None:
            raise NotAuthenticated("You are not logged in.", remedy="Log in and try again.")
        return session

    def sender(self, request: Request, csrf: Annotated[PlainText, Form()] = "") -> Session:
        """The person who sent a form of ours.
        Raises `NotAuthenticated`, or `Forbidden` if the form is not ours."""
        session = self.person(request)
        self.check_same_site(request)
        if not same_csrf(request.cookies[self.session_cookie], csrf):
            raise stale_form()
        return session

    def require_visit(self, request: Request, csrf: Annotated[PlainText, Form()] = "") -> None:
        """Check the form of somebody who is not logged in yet. Raises `Forbidden`."""
        self.check_same_site(request)
        visit = request.cookies.get(self.visit_cookie)
        if not visit or not same_csrf(visit, csrf):
            raise stale_form()

    def caller(
        self,
        request: Request,
        _token: Annotated[HTTPAuthorizationCredentials | None, Security(TOKEN)] = None,
        _session: Annotated[str | None, Security(SESSION)] = None,
    ) -> Principal:
        """Who calls the JSON API: a bearer token for the portal, or the browser's session
        (then with the form token in X-CSRF-Token for anything that changes something). Raises
        `NotAuthenticated`, `Forbidden`."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            claims = self.verifier.verify(token.strip(), audience=PORTAL)
            with self.database.transaction() as tx:
                require_unrevoked(tx, Origin.of(claims))
                return load_principal(tx, claims.subject)
        session = self.person(request)
        if request.method not in SAFE:
            self.check_same_site(request)
            if not same_csrf(request.cookies[self.session_cookie], request.headers.get("x-csrf-token", "")):
                raise stale_form()
        return session.principal

    def check_same_site(self, request: Request) -> None:
        """Refuse what a browser says another site has sent.
        Other clients say nothing here, and have no cookies."""
        origin = request.headers.get("origin")
        ours = urlsplit(self.settings.portal_url)
        from_elsewhere = origin is not None and origin != f"{ours.scheme}://{ours.netloc}"
        if from_elsewhere or request.headers.get("sec-fetch-site") == "cross-site":
            raise Forbidden(
                "This form was sent from another site.",
                code="other_site",
                remedy=f"Open it at {self.settings.portal_url}.",
            )

    def admit(self, response: Response, cookie: str) -> None:
        """Give the browser its session."""
        self.set_cookie(response, self.session_cookie, cookie, self.settings.session_seconds)
        self.forget(response, self.visit_cookie)

    def start_visit(self, request: Request) -> tuple[str, str]:
        """The cookie and the form token of somebody who is not logged in yet;
        the cookie must be set on the answer."""
        visit = request.cookies.get(self.visit_cookie) or secrets.token_urlsafe(32)
        return visit, csrf_of(visit)

    def remember_visit(self, response: Response, visit: str) -> None:
        self.set_cookie(response, self.visit_cookie, visit, VISIT_SECONDS)

    def end_session(self, response: Response) -> None:
        """Take the session away from the browser."""
        self.forget(response, self.session_cookie)

    def show_once(self, response: Response, session: Session, path: str, secret: str) -> None:
        """Let the page at `path` show a secret, once, to the person of this session.
        It goes by a cookie for that page alone: the portal itself keeps no secret, and any of its
        processes can show the page."""
        response.set_cookie(
            HANDED,
            f"{session_name(session.id_hash)}.{secret}",
            max_age=HANDED_SECONDS,
            path=path,
            httponly=True,
            samesite="lax",
            secure=self.settings.secure,
        )

    def handed(self, request: Request, session: Session) -> str | None:
        """The secret that is to be shown here to this person; None if it has been shown, or is another's."""
        owner, _, secret = request.cookies.get(HANDED, "").partition(".")
        return (
            secret
            if secret and secrets.compare_digest(owner.encode(), session_name(session.id_hash).encode())
            else None
        )

    def take_back(self, response: Response, path: str) -> None:
        """The secret has been shown."""
        response.delete_cookie(HANDED, path=path, httponly=True, samesite="lax", secure=self.settings.secure)

    def seed(self, request: Request, once: str, *said: str) -> bytes:
        """Out of what a secret is made that the sender's form asks for,
        so that the form sent twice gives the same one. `once` is the page's random number; who has it and the
        session's cookie has the secret too. Raises `Forbidden`."""
        if not once:
            raise stale_form()
        return seed_of(request.cookies[self.session_cookie], request.url.path, once, *said)

    def set_cookie(self, response: Response, name: str, value: str, seconds: int) -> None:
        response.set_cookie(
            name, value, max_age=seconds, path="/", httponly=True, samesite="lax", secure=self.settings.secure
        )

    def forget(self, response: Response, name: str) -> None:
        response.delete_cookie(name, path="/", httponly=True, samesite="lax", secure=self.settings.secure)


def sent_from(request: Request) -> SentFrom:
    return SentFrom(
        request.client.host if request.client else "", plain_text(request.headers.get("user-agent", ""))
    )


def plain_text(said: str) -> str:
    """A header as text that Postgres and a page can hold."""
    return "".join(letter for letter in said if letter.isprintable())


def stale_form() -> Forbidden:
    return Forbidden(
        "The form is too old, or was not ours.",
        code="stale_form",
        remedy="Load the page again and send the form once more.",
    )


def safe_next(address: str) -> str:
    """Where to go after the login: a path on this site, or the start page (no open redirect)."""
    plain = address.isprintable() and "\\" not in address
    return address if plain and address.startswith("/") and not address.startswith("//") else "/"
