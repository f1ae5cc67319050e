"""Page: accept an invitation, or choose a new password by a one-use link."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from marketplace.portal.authentication import Authenticator
from marketplace.portal.rendering import Pages
from sandbox.database import Database
from sandbox.errors import InvalidInput
from sandbox.http.security_headers import ORIGIN_ALONE
from sandbox.http.status import status_of
from sandbox.identity.invitations import accept_invitation, open_invitation
from sandbox.plain_text import ExactText, PlainText


def router(*, database: Database, authenticator: Authenticator, pages: Pages) -> APIRouter:
    routes = APIRouter(include_in_schema=False)

    def shown(
        request: Request, link: str, *, name: str = "", refusal: str = "", status: int = 200
    ) -> Response:
        with database.transaction() as tx:
            invitation = open_invitation(tx, link)
        visit, csrf = authenticator.start_visit(request)
        answer = pages.show(
            request,
            "invitation.html",
            None,
            status=status,
            csrf=csrf,
            link=link,
            invitation=invitation,
            providers=authenticator.city_providers if invitation.kind == "invitation" else (),
            name=name or invitation.display_name,
            refusal=refusal,
        )
        answer.headers["Referrer-Policy"] = ORIGIN_ALONE
        authenticator.remember_visit(answer, visit)
        return answer

    @routes.get("/invitations")
    def page(request: Request, link: PlainText = "") -> Response:
        return shown(request, link)

    @routes.post("/invitations", dependencies=[Depends(authenticator.require_visit)])
    def accept(
        request: Request,
        link: Annotated[PlainText, Form()] = "",
        name: Annotated[PlainText, Form()] = "",
        new_password: Annotated[ExactText, Form()] = "",
        new_password_again: Annotated[ExactText, Form()] = "",
    ) -> Response:
        if new_password != new_password_again:
            return shown(request, link, name=name, refusal="passwords_differ", status=422)
        try:
            with database.transaction() as tx:
                accept_invitation(
                    tx, link_secret=link, password=new_password, display_name=name, rules=authenticator.rules
                )
        except InvalidInput as refusal:
            return shown(request, link, name=name, refusal=refusal.code, status=status_of(refusal))
        return RedirectResponse("/login?password_changed=yes", status_code=303)

    return routes
