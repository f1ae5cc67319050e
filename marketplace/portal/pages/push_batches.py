"""Pages: one push with its batches; a second officer agrees to it here, and its officer abandons it."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from marketplace.portal.authentication import Authenticator
from marketplace.portal.language import vault_in_language
from marketplace.portal.pages.officers import officer_at, sending_officer_at
from marketplace.portal.rendering import Pages, words_of
from marketplace.portal.sessions import Session
from marketplace.vault import Vault, listed, segment
from sandbox.errors import CihuError

Deed = Literal["agree", "abandon"]


def router(*, authenticator: Authenticator, pages: Pages, vault: Vault) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    Reading = Annotated[Vault, Depends(vault_in_language(vault))]
    Officer = Annotated[Session, Depends(officer_at(authenticator))]
    SendingOfficer = Annotated[Session, Depends(sending_officer_at(authenticator))]

    @routes.get("/pushes/{dataset}/{id}")
    def push(request: Request, session: Officer, vault: Reading, dataset: str, id: str) -> Response:
        return one_push(request, session, vault, dataset, id)

    @routes.post("/pushes/{dataset}/{id}/{deed}")
    def decide(
        request: Request, session: SendingOfficer, vault: Reading, dataset: str, id: str, deed: Deed
    ) -> Response:
        try:
            vault.send(session.principal.id, "POST", f"{push_of(dataset, id)}/{deed}")
        except CihuError as refusal:
            return one_push(request, session, vault, dataset, id, refusal=words_of(refusal))
        return RedirectResponse(f"/pushes/{segment(dataset)}/{segment(id)}", status_code=303)

    def push_of(dataset: str, id: str) -> str:
        return f"/v1/datasets/{segment(dataset)}/pushes/{segment(id)}"

    def one_push(
        request: Request,
        session: Session,
        vault: Vault,
        dataset: str,
        id: str,
        *,
        refusal: dict[str, str] | None = None,
    ) -> Response:
        who, path = session.principal, push_of(dataset, id)
        return pages.show(
            request,
            "push.html",
            session,
            status=422 if refusal else 200,
            push=vault.get(who.id, path),
            batches=listed(vault.get(who.id, f"{path}/batches")),
            refusal=refusal,
        )

    return routes
