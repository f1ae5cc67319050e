"""Pages: the reviews before datasets of one's department open, and one of them with its checklist."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from marketplace.portal.authentication import Authenticator
from marketplace.portal.language import vault_in_language
from marketplace.portal.pages.officers import officer_at, sending_officer_at
from marketplace.portal.rendering import Pages, words_of
from marketplace.portal.sessions import Session
from marketplace.portal.vault_openings import VaultOpenings
from marketplace.vault import Vault
from sandbox.errors import CihuError
from sandbox.plain_text import PlainText


def router(*, authenticator: Authenticator, pages: Pages, vault: Vault) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    Reading = Annotated[Vault, Depends(vault_in_language(vault))]
    Officer = Annotated[Session, Depends(officer_at(authenticator))]
    SendingOfficer = Annotated[Session, Depends(sending_officer_at(authenticator))]
    Texts = Annotated[list[PlainText] | None, Form()]

    @routes.get("/openings")
    def openings(request: Request, session: Officer, vault: Reading) -> Response:
        known = VaultOpenings(vault).reviews(session.principal.id)
        return pages.show(request, "openings.html", session, openings=known)

    @routes.get("/openings/{number}")
    def opening(request: Request, session: Officer, vault: Reading, number: str) -> Response:
        return shown(request, session, vault, number)

    @routes.post("/openings/{number}/answers")
    def answer(
        request: Request,
        session: SendingOfficer,
        vault: Reading,
        number: str,
        item: Texts = None,
        answer: Texts = None,
        note: Texts = None,
    ) -> Response:
        given = answers_of(item or [], answer or [], note or [])
        try:
            VaultOpenings(vault).answer(session.principal.id, number, given)
        except CihuError as refusal:
            return shown(request, session, vault, number, refusal=words_of(refusal), typed=given)
        return RedirectResponse(f"/openings/{number}", status_code=303)

    @routes.post("/openings/{number}/refuse")
    def refuse(
        request: Request,
        session: SendingOfficer,
        vault: Reading,
        number: str,
        reason: Annotated[PlainText, Form()] = "",
    ) -> Response:
        try:
            VaultOpenings(vault).refuse(session.principal.id, number, reason.strip())
        except CihuError as refusal:
            return shown(request, session, vault, number, refusal=words_of(refusal))
        return RedirectResponse(f"/openings/{number}", status_code=303)

    def shown(
        request: Request,
        session: Session,
        vault: Vault,
        number: str,
        *,
        refusal: dict[str, str] | None = None,
        typed: list[dict[str, Any]] | None = None,
    ) -> Response:
        return pages.show(
            request,
            "opening.html",
            session,
            status=422 if refusal else 200,
            review=VaultOpenings(vault).one(session.principal.id, number),
            refusal=refusal,
            typed={answer["item"]: answer for answer in typed or ()},
        )

    return routes


def answers_of(items: list[str], answers: list[str], notes: list[str]) -> list[dict[str, Any]]:
    """What was answered: three fields an item, in the form's order. One without an answer is left out."""
    return [
        {"item": item, "yes": answer == "yes", "note": note.strip()}
        for item, answer, note in zip(items, answers, notes, strict=False)
        if answer in ("yes", "no")
    ]
