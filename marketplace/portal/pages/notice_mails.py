"""Pages: of which notices I want mails, where they go to, and the links in them."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from marketplace.portal.authentication import Authenticator
from marketplace.portal.language import LANGUAGES, language_of
from marketplace.portal.notices.addresses import Links, drop_address, leave, set_address, verify_address
from marketplace.portal.notices.inbox import Inbox
from marketplace.portal.notices.settings import change_settings, settings_of
from marketplace.portal.rendering import Pages, words_of
from marketplace.portal.sessions import Session
from sandbox.errors import CihuError, InvalidInput, TooMany
from sandbox.notices.events import KINDS
from sandbox.plain_text import PlainText

Text = Annotated[PlainText, Form(max_length=200)]
Named = Annotated[PlainText, Query(max_length=100)]
SAID = ("saved", "sent", "dropped", "verified")
STATUS_OF_FORM = 422


def router(*, inbox: Inbox, links: Links, authenticator: Authenticator, pages: Pages) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    Reader = Annotated[Session, Depends(authenticator.person)]
    Sender = Annotated[Session, Depends(authenticator.sender)]
    Anybody = Annotated[Session | None, Depends(authenticator.anybody)]

    def settings_page(
        request: Request,
        session: Session,
        *,
        said: str = "",
        refusal: CihuError | None = None,
        typed: str = "",
    ) -> Response:
        """The settings; after a refusal with what was typed, and the reason at its field."""
        return pages.show(
            request,
            "notice_settings.html",
            session,
            status=200 if refusal is None else STATUS_OF_FORM,
            settings=settings_of(inbox, session.principal),
            said=said if said in SAID else "",
            refusal=words_of(refusal) if refusal else None,
            typed=typed,
        )

    @routes.get("/my/notices")
    def settings(
        request: Request, session: Reader, said: Annotated[PlainText, Query(max_length=10)] = ""
    ) -> Response:
        return settings_page(request, session, said=said)

    @routes.post("/my/notices")
    def change(
        session: Sender,
        mail: Annotated[list[PlainText] | None, Form(max_length=len(KINDS))] = None,
        daily: Text = "",
    ) -> Response:
        """The form has a tick for each kind of which mails are wanted."""
        off = [kind for kind in KINDS if kind not in (mail or ())]
        change_settings(inbox, session.principal, off=off, daily=daily == "yes")
        return RedirectResponse("/my/notices?said=saved", status_code=303)

    @routes.post("/my/notices/address")
    def address(
        request: Request,
        session: Sender,
        mail_address: Annotated[PlainText, Form(max_length=300)] = "",
        language: Text = "",
    ) -> Response:
        chosen = language if language in LANGUAGES else language_of(request)
        try:
            set_address(inbox, links, session.principal, address=mail_address, language=chosen)
        except (InvalidInput, TooMany) as refusal:
            return settings_page(request, session, refusal=refusal, typed=mail_address)
        return RedirectResponse("/my/notices?said=sent", status_code=303)

    @routes.post("/my/notices/address/drop")
    def drop(session: Sender) -> Response:
        drop_address(inbox, session.principal)
        return RedirectResponse("/my/notices?said=dropped", status_code=303)

    @routes.get("/my/notices/verify")
    def show_verify(
        request: Request, session: Reader, token: Annotated[PlainText, Query(max_length=100)] = ""
    ) -> Response:
        """The link of the mail: what opens it in advance (a scanner) confirms nothing."""
        return pages.show(request, "notice_verify.html", session, token=token)

    @routes.post("/my/notices/verify")
    def verify(request: Request, session: Sender, token: Text = "") -> Response:
        try:
            verify_address(inbox, links, session.principal, token=token)
        except InvalidInput as refusal:
            return settings_page(request, session, refusal=refusal)
        return RedirectResponse("/my/notices?said=verified", status_code=303)

    @routes.get("/notices/leave")
    def show_leave(request: Request, session: Anybody, account: Named = "", token: Named = "") -> Response:
        """What a link in a mail opens, without a login."""
        return pages.show(request, "notice_leave.html", session, account=account, token=token, left=False)

    @routes.post("/notices/leave")
    def leave_by_link(request: Request, session: Anybody, account: Named = "", token: Named = "") -> Response:
        """By the page's button, or by a mail program (RFC 8058): its token is in the address, so another
        site's form gains nothing. The answer is the same for any account."""
        leave(inbox, links, account=account, token=token)
        return pages.show(request, "notice_leave.html", session, account=account, token=token, left=True)

    return routes
