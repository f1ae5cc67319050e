"""Page: the demand list, with the form to ask for data and, for officers, to answer."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from marketplace.portal.authentication import Authenticator
from marketplace.portal.language import vault_in_language
from marketplace.portal.pages.public.catalogue import PublicCatalogue
from marketplace.portal.paging import cut, page_of
from marketplace.portal.rendering import Pages, words_of
from marketplace.portal.sent_once import sent_once
from marketplace.portal.sessions import Session
from marketplace.portal.vault_life import VaultLife
from marketplace.vault import Vault
from sandbox.errors import CihuError
from sandbox.plain_text import PlainText


def router(
    *, authenticator: Authenticator, pages: Pages, vault: Vault, strangers: PublicCatalogue
) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    Reading = Annotated[Vault, Depends(vault_in_language(vault))]
    Anybody = Annotated[Session | None, Depends(authenticator.known)]
    Sender = Annotated[Session, Depends(authenticator.sender)]
    Text = Annotated[PlainText, Form()]

    @routes.get("/demands")
    def demands(request: Request, session: Anybody, vault: Reading) -> Response:
        if session is None:
            return strangers.demands(request, vault)
        return shown(request, session, vault)

    @routes.post("/demands")
    def make(
        request: Request,
        session: Sender,
        vault: Reading,
        title: Text = "",
        purpose: Text = "",
        department: Text = "",
        once: Text = "",
    ) -> Response:
        demand = {"title": title.strip(), "purpose": purpose.strip(), "department": department.strip()}

        def deed() -> str:
            done = VaultLife(vault).make_demand(session.principal.id, **demand)
            return f"/demands#demand-{done['id']}"

        try:
            return sent_once(authenticator, request, once, *demand.values(), deed=deed)
        except CihuError as refusal:
            return shown(request, session, vault, status=422, refusal=words_of(refusal), typed=demand)

    @routes.post("/demands/{number}/answer")
    def answer(
        request: Request,
        session: Sender,
        vault: Reading,
        number: str,
        state: Text = "",
        answer: Text = "",
        dataset: Text = "",
    ) -> Response:
        said = {"state": state, "answer": answer.strip()} | (
            {"dataset": dataset.strip()} if dataset.strip() else {}
        )
        try:
            VaultLife(vault).answer_demand(session.principal.id, number, **said)
        except CihuError as refusal:
            return shown(request, session, vault, status=422, refusal=words_of(refusal))
        return RedirectResponse(f"/demands#demand-{number}", status_code=303)

    def shown(
        request: Request,
        session: Session,
        vault: Vault,
        *,
        status: int = 200,
        refusal: dict[str, str] | None = None,
        typed: dict[str, str] | None = None,
    ) -> Response:
        return pages.show(
            request,
            "demands.html",
            session,
            status=status,
            demands=cut(VaultLife(vault).demands(session.principal.id), page_of(request)),
            refusal=refusal,
            typed=typed or {},
        )

    return routes
