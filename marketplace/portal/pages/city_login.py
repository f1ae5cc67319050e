"""Pages: log in with an identity provider, connect an identity of it, accept an invitation with it, and the
provider's word that somebody logged out there."""

from collections.abc import Callable
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from marketplace.portal.authentication import Authenticator, LoginIncomplete, require_recent, safe_next
from marketplace.portal.city_login.city_sessions import end_by_provider
from marketplace.portal.city_login.client import (
    FED,
    MFA,
    CityClient,
    Return,
    steps_up,
    tell_operator,
)
from marketplace.portal.city_login.identities import (
    CityPerson,
    accept,
    account_of,
    connect,
    create,
    disconnect,
    join,
)
from marketplace.portal.city_login.refusals import CityLoginRefused
from marketplace.portal.city_login.started import SECONDS, Started
from marketplace.portal.language import language_of
from marketplace.portal.pages.after_login import answer_login
from marketplace.portal.pages.login import login_form
from marketplace.portal.pages.security import PAGE
from marketplace.portal.rendering import Pages
from marketplace.portal.sessions import Session, session_name
from sandbox.database import Database
from sandbox.errors import NotFound
from sandbox.identity import Login, Principal, what_login_needs
from sandbox.identity.invitations import open_invitation
from sandbox.identity.login import log_refusal, remember_device
from sandbox.operations.maintenance import require_no_maintenance
from sandbox.plain_text import PlainText

NO_STORE = {"Cache-Control": "no-store"}
Text = Annotated[PlainText, Form()]


class CityPages:
    """What the routes share."""

    def __init__(
        self, *, database: Database, authenticator: Authenticator, pages: Pages, client: CityClient
    ) -> None:
        self.database = database
        self.authenticator = authenticator
        self.pages = pages
        self.client = client

    def begin(self, request: Request, started: Started, *, page: bool = False) -> Response:
        """To the provider; or, where a form was sent, a page with the link: a browser lets a form lead to no
        other site than ours (`form-action`)."""
        try:
            address = self.client.authorization_url(started, language=language_of(request))
            cookie = started.sealed(self.authenticator.box)
        except CityLoginRefused as refusal:
            return self.refused(request, started, started.provider, refusal)
        answer: Response = RedirectResponse(address, status_code=303)
        if page:
            provider = self.client.provider(started.provider)
            answer = self.pages.show(
                request, "city_continue.html", None, provider=provider, address=address, deed=started.deed
            )
        answer.headers.update(NO_STORE)
        self.authenticator.set_cookie(answer, self.authenticator.city_cookie, cookie, SECONDS)
        return answer

    def started(self, request: Request) -> Started | None:
        return Started.opened(request.cookies.get(self.authenticator.city_cookie, ""), self.authenticator.box)

    def refused(
        self, request: Request, started: Started | None, provider: str, refusal: CityLoginRefused
    ) -> Response:
        """Where it was begun, with what went wrong; what was typed there is kept."""
        tell_operator(provider, refusal)
        if refusal.account:
            log_refusal(self.database, refusal.account, why="identity of another person")
        answer: Response
        if started is not None and started.deed == "connect":
            answer = RedirectResponse(f"{PAGE}?refused={refusal.code}", status_code=303)
        elif started is None or not started.kept:
            # another address: this one has the code
            then = quote(started.next if started else "/", safe="")
            answer = RedirectResponse(f"/login?again=1&refused={refusal.code}&next={then}", status_code=303)
        else:
            answer = login_form(
                request,
                self.authenticator,
                self.pages,
                next=started.next,
                kept=started.kept,
                refusal=refusal.code,
                status=503 if refusal.code == "city_provider_unreachable" else 401,
            )
        self.authenticator.forget(answer, self.authenticator.city_cookie)
        return answer

    def back(self, request: Request, provider: str) -> Response:
        """What the browser brought back, judged: the answer of the deed that was begun. It is a GET that may
        change something: during maintenance it only logs in to an account that is connected already."""
        started = self.started(request)
        try:
            who = self.client.person(started, provider, Return.of(request.query_params.multi_items()))
            assert started is not None
            answer = DEEDS[started.deed](self, request, started, who)
        except CityLoginRefused as refusal:
            return self.refused(request, started, provider, refusal)
        except NotFound as refusal:  # an invitation that is good no more
            return self.refused(
                request, started, provider, CityLoginRefused("city_person_unknown", refusal.message)
            )
        return answer

    def log_in(self, request: Request, started: Started, who: CityPerson) -> Response:
        with self.database.transaction() as tx:
            principal = account_of(tx, who)
            if principal is None:
                principal = join(tx, who) or create(tx, who)
                if principal is not None:
                    require_no_maintenance(tx)
        if principal is None or principal.kind != "person":
            raise CityLoginRefused("city_person_unknown")
        return self.admit(request, started, who, principal)

    def accept(self, request: Request, started: Started, who: CityPerson) -> Response:
        with self.database.transaction() as tx:
            require_no_maintenance(tx)
            principal = accept(tx, who, link_secret=started.link)
        return self.admit(request, started, who, principal)

    def connect(self, request: Request, started: Started, who: CityPerson) -> Response:
        session = self.authenticator.person(request)
        require_recent(session)
        if session_name(session.id_hash) != started.holder:
            raise CityLoginRefused("city_login_expired", "another session began it")
        with self.database.transaction() as tx:
            require_no_maintenance(tx)
            connect(tx, who, account=session.principal.id, by=session.principal.id)
        answer = RedirectResponse(PAGE, status_code=303)
        self.authenticator.forget(answer, self.authenticator.city_cookie)
        return answer

    def admit(self, request: Request, started: Started, who: CityPerson, principal: Principal) -> Response:
        """A session for the person. Or once more to the provider, where a role requires a second factor and
        the account has none here."""
        methods = (FED, MFA) if who.second_factor else (FED,)
        rules, source = self.authenticator.rules, self.authenticator.named_source(request)
        with self.database.transaction() as tx:
            need = what_login_needs(tx, principal, methods, rules)
        again = steps_up(who.provider, started) if need == "factor" else None
        if again is not None:
            return self.begin(request, again)
        answer = answer_login(
            request,
            self.authenticator,
            self.pages,
            Login(principal, methods, who.proved_at),
            source,
            next=started.next,
            kept=started.kept,
            who=who,
        )
        if not need:
            with self.database.transaction() as tx:
                remember_device(tx, principal.id, source)
        self.authenticator.forget(answer, self.authenticator.city_cookie)
        return answer


DEEDS: dict[str, Callable[[CityPages, Request, Started, CityPerson], Response]] = {
    "log in": CityPages.log_in,
    "accept": CityPages.accept,
    "connect": CityPages.connect,
}


def router(
    *, database: Database, authenticator: Authenticator, pages: Pages, client: CityClient
) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    city = CityPages(database=database, authenticator=authenticator, pages=pages, client=client)
    add_log_in(routes, city)
    add_own_account(routes, city)
    return routes


def add_log_in(routes: APIRouter, city: CityPages) -> None:
    authenticator, client = city.authenticator, city.client

    @routes.get("/login/city/{provider}")
    def begin(request: Request, provider: str, next: str = "/", again: str = "") -> Response:
        """`again`: whoever is logged in there proves anew who they are."""
        client.provider(provider)
        authenticator.check_same_site(request)
        return city.begin(request, Started(provider, safe_next(next), new=bool(again)))

    @routes.post("/login/city/{provider}", dependencies=[Depends(authenticator.require_visit)])
    def begin_with_draft(
        request: Request, provider: str, next: Text = "/", kept: Text = "", link: Text = ""
    ) -> Response:
        """From a form whose session had ended, which is kept; or from an invitation, by its link."""
        client.provider(provider)
        if not link:
            return city.begin(request, Started(provider, safe_next(next), kept=kept), page=True)
        with city.database.transaction() as tx:
            require_no_maintenance(tx)
            open_invitation(tx, link)
        return city.begin(request, Started(provider, deed="accept", link=link), page=True)

    @routes.get("/login/city/{provider}/back")
    def back(request: Request, provider: str) -> Response:
        client.provider(provider)
        answer = city.back(request, provider)
        answer.headers.update(NO_STORE | {"Referrer-Policy": "no-referrer"})  # the address has the code
        return answer

    @routes.get("/login/city/{provider}/leave")
    def leave(request: Request, provider: str) -> Response:
        """To the provider's own log-out."""
        client.provider(provider)
        authenticator.check_same_site(request)
        try:
            return RedirectResponse(client.log_out_url(provider), status_code=303, headers=NO_STORE)
        except CityLoginRefused as refusal:
            return city.refused(request, None, provider, refusal)

    @routes.post("/login/city/{provider}/logout")
    def ended(provider: str, logout_token: Text = "") -> Response:
        """From the provider itself (Back-Channel Logout 1.0, section 2.5): whoever sends it is known by the
        signature alone."""
        try:
            claims = client.ended(provider, logout_token)
            with city.database.transaction() as tx:
                end_by_provider(tx, claims, provider_id=provider)
        except CityLoginRefused as refusal:
            tell_operator(provider, refusal)
            # anybody can send one: what exactly was wrong is for the operator
            fault = {"error": "invalid_request", "error_description": "The logout token is not accepted."}
            return JSONResponse(fault, status_code=400, headers=NO_STORE)
        return Response(headers=NO_STORE)


def add_own_account(routes: APIRouter, city: CityPages) -> None:
    authenticator, client = city.authenticator, city.client
    Sender = Annotated[Session, Depends(authenticator.recent_sender)]

    @routes.post(f"{PAGE}/city/{{provider}}")
    def connect_mine(request: Request, session: Sender, provider: str) -> Response:
        client.provider(provider)
        if session.need:
            raise LoginIncomplete(session.need)
        holder = session_name(session.id_hash)
        return city.begin(request, Started(provider, PAGE, deed="connect", holder=holder), page=True)

    @routes.post(f"{PAGE}/city/{{provider}}/remove")
    def disconnect_mine(session: Sender, provider: str) -> Response:
        account, issuer = session.principal.id, client.provider(provider).issuer
        with city.database.transaction() as tx:
            disconnect(tx, account=account, issuer=issuer, by=account)
        return RedirectResponse(PAGE, status_code=303)
