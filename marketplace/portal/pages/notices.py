"""Pages: my notices."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from marketplace.portal.authentication import Authenticator, safe_next
from marketplace.portal.language import LANGUAGES, language_of
from marketplace.portal.notices.inbox import Inbox
from marketplace.portal.rendering import Pages
from marketplace.portal.sessions import Session
from sandbox.notices.events import KINDS
from sandbox.plain_text import PlainText

Text = Annotated[PlainText, Form(max_length=200)]


def router(*, inbox: Inbox, authenticator: Authenticator, pages: Pages) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    Reader = Annotated[Session, Depends(authenticator.person)]
    Sender = Annotated[Session, Depends(authenticator.sender)]

    @routes.get("/notices")
    def listed(
        request: Request,
        session: Reader,
        kind: Annotated[PlainText, Query(max_length=40)] = "",
        show: Annotated[PlainText, Query(max_length=10)] = "",
    ) -> Response:
        kind = kind if kind in KINDS else ""
        found = inbox.list(session.principal, unread=show == "unread", kind=kind)
        place = list(LANGUAGES).index(language_of(request))
        return pages.show(
            request, "notices.html", session, notices=found, kind=kind, only_unread=show == "unread",
            kinds=[(name, words[place]) for name, words in KINDS.items()],
            waiting=sum(not each.read for each in found),
        )  # fmt: skip

    @routes.post("/notices/read")
    def mark(session: Sender, notice: Text = "", kind: Text = "", next: Text = "/notices") -> Response:
        """One that is opened, or all, of one kind or of any."""
        if notice:
            inbox.mark(session.principal, [notice])
        elif kind:
            listed = inbox.list(session.principal, unread=True, kind=kind)
            inbox.mark(session.principal, [each.id for each in listed])
        else:
            inbox.mark(session.principal)
        return RedirectResponse(safe_next(next), status_code=303)

    return routes
