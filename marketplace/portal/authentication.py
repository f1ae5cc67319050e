"""Authenticates requests to the portal: a page's visitor by cookie, a form by cookie and token, an API caller
by either.

Cookies are HttpOnly and SameSite=Lax. Every form carries a token that only its own page can know, and a
request that a browser says comes from another site is refused.
"""

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Form, Request, Security
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials
from starlette.responses import Response

from marketplace.portal.city_login.providers import CityProvider
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
from sandbox.identity import (
    PORTAL,
    IdentityRules,
    Origin,
    Principal,
    SecretBox,
    Source,
    TokenVerifier,
    load_principal,
    note_use,
    require_unrevoked,
)
from sandbox.identity.login import Need
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


DEVICE_SECONDS = 365 * 24 * 60 * 60
RECENT = timedelta(minutes=15)
OPEN_TO: dict[str, tuple[str, ...]] = {
    "code": ("/login/code", "/logout"),
    "factor": ("/me/security", "/me/sessions", "/logout"),
    "password": ("/me/password", "/me/security", "/me/sessions", "/logout"),
}
"""Of a login in which something is missing."""


class LoginIncomplete(NotAuthenticated):
    """Somebody whose login lacks something: they are nobody yet. `leads_to`: the page where it is given."""

    def __init__(self, need: Need) -> None:
        self.leads_to = {"code": "/login/code", "factor": "/me/security", "password": "/me/password"}[need]
        code, message, remedy, zh, remedy_zh = INCOMPLETE[need]
        super().__init__(message, code=code, remedy=remedy, zh=zh, remedy_zh=remedy_zh)


INCOMPLETE = {
    "code": (
        "second_factor_needed",
        "This account has a second factor, and the login lacks it.",
        "Send a code of your authenticator app, a recovery code, or use a passkey.",
        "该账号已启用第二因素，登录尚未完成。",
        "请输入动态口令或恢复码，或使用通行密钥。",
    ),
    "factor": (
        "second_factor_required",
        "A role of this account requires a second factor, and it has none.",
        "Log in at the portal with a browser and add one on the page Security.",
        "该账号的角色要求第二因素，但尚未设置。",
        "请用浏览器登录门户，在“登录安全”页添加。",
    ),
    "password": (
        "password_expired",
        "The password is too old.",
        "Choose a new one on the page Change password.",
        "密码已超过使用期限。",
        "请在“修改密码”页设置新密码。",
    ),
}


class LoginTooOld(Forbidden):
    """The page changes how somebody logs in, and the login is not of a moment ago."""

    code = "login_too_old"

    def __init__(self) -> None:
        super().__init__(
            "This needs a login of the last 15 minutes.",
            remedy="Log in again.",
            zh="此操作要求在最近 15 分钟内登录过。",
            remedy_zh="请重新登录。",
        )


class Authenticator:
    """Where requests are let in. Holds no state but its parts."""

    def __init__(
        self,
        database: Database,
        settings: Settings,
        verifier: TokenVerifier,
        *,
        rules: IdentityRules,
        box: SecretBox,
        city_providers: Sequence[CityProvider] = (),
    ) -> None:
        self.city_providers = tuple(city_providers)
        self.database = database
        self.rules = rules
        self.box = box
        self.settings = settings
        self.verifier = verifier
        prefix = "__Host-" if settings.secure else ""
        self.session_cookie, self.visit_cookie = f"{prefix}cihu_session", f"{prefix}cihu_visit"
        self.device_cookie = f"{prefix}cihu_device"
        self.city_cookie = f"{prefix}cihu_city_login"

    def visitor(self, request: Request) -> Session | None:
        """Whoever is logged in in this browser, or None."""
        cookie = request.cookies.get(self.session_cookie)
        if not cookie:
            return None
        with self.database.transaction() as tx:
            return find_session(
                tx, cookie=cookie, idle_seconds=self.settings.session_idle_seconds, rules=self.rules
            )

    def person(self, request: Request) -> Session:
        """The person who looks at a page. Raises `NotAuthenticated`, and `LoginIncomplete` for whom something
        is missing and this is not where it is given."""
        session = self.visitor(request)
        if session is None:
            raise NotAuthenticated("You are not logged in.", remedy="Log in and try again.")
        if session.need and not request.url.path.startswith(OPEN_TO[session.need]):
            raise LoginIncomplete(session.need)
        return session

    def anybody(self, request: Request) -> Session | None:
        """Whoever looks at a page that is also for strangers; None for one of those. Raises `LoginIncomplete`
        for whom something is missing: they do not see the page as who they are not yet."""
        session = self.visitor(request)
        if session is not None and session.need:
            raise LoginIncomplete(session.need)
        return session

    def known(self, request: Request) -> Session | None:
        """As `anybody`, for a page of data: who belongs to a company that nobody has verified sees what
        strangers see."""
        session = self.anybody(request)
        return None if session is None or session.principal.unverified else session

    def recent_person(self, request: Request) -> Session:
        """The person of a page that changes how they log in: they logged in a moment ago. Raises also
        `LoginTooOld`."""
        session = self.person(request)
        require_recent(session)
        return session

    def recent_sender(self, request: Request, csrf: Annotated[PlainText, Form()] = "") -> Session:
        """As `sender`, who logged in a moment ago."""
        session = self.sender(request, csrf)
        require_recent(session)
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
        token = bearer_token(request)
        if token is not None:
            claims = self.verifier.verify(token, audience=PORTAL)
            with self.database.transaction() as tx:
                require_unrevoked(tx, Origin.of(claims))
                note_use(tx, claims)
                return load_principal(tx, claims.subject)
        session = self.person(request)
        if request.method not in SAFE:
            self.check_same_site(request)
            if not same_csrf(request.cookies[self.session_cookie], request.headers.get("x-csrf-token", "")):
                raise stale_form()
        return session.principal

    def recent_caller(
        self,
        request: Request,
        _token: Annotated[HTTPAuthorizationCredentials | None, Security(TOKEN)] = None,
        _session: Annotated[str | None, Security(SESSION)] = None,
    ) -> Principal:
        """As `caller`, who logged in a moment ago: a token lives no longer than that."""
        principal = self.caller(request)
        if bearer_token(request) is None:
            require_recent(self.person(request))
        return principal

    def source(self, request: Request) -> Source:
        """Where a login comes from: an address, and the browser's own cookie."""
        return Source(sent_from(request).address, request.cookies.get(self.device_cookie, ""))

    def named_source(self, request: Request) -> Source:
        """The same; a browser without the cookie gets a new one (`remember_browser`)."""
        known = self.source(request)
        return known if known.device else Source(known.address, secrets.token_urlsafe(32))

    def remember_browser(self, response: Response, source: Source) -> None:
        """Let the browser keep its cookie, so that others' wrong passwords never hold it up."""
        self.set_cookie(response, self.device_cookie, source.device, DEVICE_SECONDS)

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
                zh="此表单来自其他网站。",
                remedy_zh=f"请在 {self.settings.portal_url} 打开。",
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


def bearer_token(request: Request) -> str | None:
    """The token that a program sent; None for everybody else, whatever other header they sent: they are who
    their session says, by all its rules."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def require_recent(session: Session) -> None:
    """Raises `LoginTooOld`: a session that was left open changes no password and no factor."""
    if datetime.now(UTC) - session.since > RECENT:
        raise LoginTooOld


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
        remedy="Check what you typed and send it again. If that does not help, load the page anew.",
        zh="表单已过期，或不是本站的表单。",
        remedy_zh="请核对后再次提交；仍不成功时，请重新打开页面。",
    )


def safe_next(address: str) -> str:
    """Where to go after the login: a path on this site, or the start page (no open redirect)."""
    plain = address.isprintable() and "\\" not in address
    return address if plain and address.startswith("/") and not address.startswith("//") else "/"
