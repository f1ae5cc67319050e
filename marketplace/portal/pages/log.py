"""Pages: the log, its newest checkpoint, and the receipt of an entry; the description of the JSON API."""

import json
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.responses import Response

from marketplace.portal.authentication import Authenticator
from marketplace.portal.language import vault_in_language
from marketplace.portal.pages.requests import count_of
from marketplace.portal.rendering import Pages, words_of
from marketplace.portal.sessions import Session
from marketplace.vault import Vault
from sandbox.errors import CihuError

METHODS = ("get", "post", "put", "delete")


def router(*, authenticator: Authenticator, pages: Pages, vault: Vault, app: FastAPI) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    Reading = Annotated[Vault, Depends(vault_in_language(vault))]

    @routes.get("/log")
    def log(
        request: Request,
        session: Annotated[Session, Depends(authenticator.person)],
        vault: Reading,
        index: str = "",
    ) -> Response:
        me = session.principal.id
        receipt, refusal = None, None
        if index.strip():
            try:
                receipt = json.dumps(vault.receipt(me, count_of(index) or 0), ensure_ascii=False, indent=2)
            except CihuError as error:
                refusal = words_of(error)
        return pages.show(
            request,
            "log.html",
            session,
            checkpoint=vault.checkpoint(me),
            key=vault.log_key(me),
            index=index,
            receipt=receipt,
            refusal=refusal,
        )

    @routes.get("/docs")
    def api_description(request: Request) -> Response:
        schema = app.openapi()
        operations = [
            {"method": method.upper(), "path": path, **operation}
            for path, methods in schema["paths"].items()
            for method, operation in methods.items()
            if method in METHODS
        ]
        return pages.show(
            request,
            "api.html",
            authenticator.visitor(request),
            operations=operations,
            schemas=schema.get("components", {}).get("schemas", {}),
        )

    return routes
