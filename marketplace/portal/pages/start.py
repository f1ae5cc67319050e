"""Pages: the start page and my account."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from marketplace.portal.authentication import Authenticator
from marketplace.portal.rendering import Pages
from marketplace.portal.sessions import Session


def router(*, authenticator: Authenticator, pages: Pages) -> APIRouter:
    routes = APIRouter(include_in_schema=False)

    @routes.get("/")
    def start(request: Request, session: Annotated[Session, Depends(authenticator.person)]) -> Response:
        return pages.show(request, "start.html", session)

    @routes.get("/me")
    def me(request: Request, session: Annotated[Session, Depends(authenticator.person)]) -> Response:
        return pages.show(request, "me.html", session)

    return routes
