"""Pages: the data elements that columns refer to, and one of them with the datasets that use it."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from marketplace.portal.authentication import Authenticator
from marketplace.portal.language import vault_in_language
from marketplace.portal.rendering import Pages
from marketplace.portal.sessions import Session
from marketplace.vault import Vault, listed, segment


def router(*, authenticator: Authenticator, pages: Pages, vault: Vault) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    Reading = Annotated[Vault, Depends(vault_in_language(vault))]
    Person = Annotated[Session, Depends(authenticator.person)]

    @routes.get("/elements")
    def elements(request: Request, session: Person, vault: Reading) -> Response:
        known = listed(vault.get(session.principal.id, "/v1/elements"))
        return pages.show(request, "elements.html", session, elements=known, used_by=None)

    @routes.get("/elements/{id}")
    def element(request: Request, session: Person, vault: Reading, id: str) -> Response:
        one = vault.get(session.principal.id, f"/v1/elements/{segment(id)}")
        return pages.show(request, "elements.html", session, elements=[one], used_by=one["used_by"])

    return routes
