"""Pages: what becomes of the entries of a result (officers), and the list of opportunities (everybody)."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from starlette.datastructures import FormData

from marketplace.portal.authentication import Authenticator
from marketplace.portal.competitions.vault_competitions import VaultCompetitions
from marketplace.portal.language import vault_in_language
from marketplace.portal.pages.officers import officer_at, sending_officer_at
from marketplace.portal.pages.public.competitions import viewed
from marketplace.portal.plain_form import posted
from marketplace.portal.rendering import Pages, words_of
from marketplace.portal.sent_once import number_and_words, sent_once
from marketplace.portal.sessions import Session
from marketplace.vault import Answer, Vault
from sandbox.errors import CihuError

TEXTS = ("title_zh", "title_en", "summary_zh", "summary_en")


def router(*, authenticator: Authenticator, pages: Pages, vault: Vault) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    Reading = Annotated[Vault, Depends(vault_in_language(vault))]
    Officer = Annotated[Session, Depends(officer_at(authenticator))]
    SendingOfficer = Annotated[Session, Depends(sending_officer_at(authenticator))]
    Anybody = Annotated[Session | None, Depends(authenticator.known)]

    @routes.get("/opportunities")
    def opportunities(request: Request, session: Anybody, vault: Reading) -> Response:
        found = vault.public("/v1/opportunities").json()
        return pages.show(request, "opportunities.html", session, opportunities=found)

    @routes.get("/competitions/{name}/ranked")
    def ranked(request: Request, session: Officer, vault: Reading, name: str) -> Response:
        return shown(request, session, vault, name)

    @routes.post("/competitions/{name}/ranked/{entry}/opportunity")
    def publish(
        request: Request,
        session: SendingOfficer,
        vault: Reading,
        name: str,
        entry: int,
        given: Annotated[FormData, Depends(posted)],
    ) -> Response:
        typed = {field: str(given.get(field, "")).strip().replace("\r\n", "\n") for field in TEXTS}

        def deed() -> str:
            body: Answer = {"entry": entry, **typed}
            VaultCompetitions(vault).do(session.principal.id, name, "/opportunities", body)
            return f"/competitions/{name}/ranked#entry-{entry}"

        try:
            return sent_once(authenticator, request, *number_and_words(given), deed=deed)
        except CihuError as refusal:
            if refusal.code == "competition_not_found":
                raise
            return shown(request, session, vault, name, refusal=refusal, at=entry, typed=typed)

    def shown(
        request: Request,
        session: Session,
        vault: Vault,
        name: str,
        *,
        refusal: CihuError | None = None,
        at: int = 0,
        typed: Mapping[str, str] | None = None,
    ) -> Response:
        view = viewed(vault, name)
        found = VaultCompetitions(vault).list_of(session.principal.id, view.name, "/ranked-entries")
        return pages.show(
            request,
            "ranked_entries.html",
            session,
            status=422 if refusal else 200,
            view=view,
            entries=found,
            refusal=words_of(refusal) if refusal else None,
            at=at,
            typed=typed or {},
        )

    return routes
