"""Page: an access request with all facts, the decision on it, and what happens next."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from marketplace.portal.authentication import Authenticator
from marketplace.portal.language import vault_in_language
from marketplace.portal.rendering import Pages
from marketplace.portal.sessions import Session
from marketplace.vault import Vault, segment
from sandbox.plain_text import PlainText


def router(*, authenticator: Authenticator, pages: Pages, vault: Vault) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    Reading = Annotated[Vault, Depends(vault_in_language(vault))]
    Person = Annotated[Session, Depends(authenticator.person)]
    Sender = Annotated[Session, Depends(authenticator.sender)]
    Text = Annotated[PlainText, Form()]

    @routes.get("/queue/requests/{number}")
    def one(request: Request, session: Person, vault: Reading, number: str) -> Response:
        """A request that is decided shows the decision, and its grant where it has one."""
        who = session.principal.id
        facts = vault.request_facts(who, number)
        asked = facts["request"]
        granted = None
        if asked["status"] == "approved":
            granted = next((each for each in vault.grants(who) if each["request"] == asked["id"]), None)
        return pages.show(
            request, "request_decision.html", session, facts=facts, asked=asked, granted=granted
        )

    @routes.post("/queue/requests/{number}/approve")
    def approve(
        session: Sender, vault: Reading, number: str, epsilon: Text = "", until: Text = "", note: Text = ""
    ) -> Response:
        changes = {
            name: value.strip()
            for name, value in (("epsilon", epsilon), ("until", until), ("note", note))
            if value.strip()
        }
        vault.approve(session.principal.id, number, **changes)
        return decided(number)

    @routes.post("/queue/requests/{number}/refuse")
    def refuse(session: Sender, vault: Reading, number: str, reason: Text = "") -> Response:
        vault.refuse(session.principal.id, number, reason)
        return decided(number)

    return routes


def decided(number: str) -> Response:
    """To the page again, which says now what happens next."""
    return RedirectResponse(f"/queue/requests/{segment(number)}", status_code=303)
