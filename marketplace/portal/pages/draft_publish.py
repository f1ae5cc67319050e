"""Page: the last step of a draft, with its stand-in rows, all that is wrong, a second person's word, and the
publishing."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from marketplace.portal.authentication import Authenticator
from marketplace.portal.drafts.vault_drafts import VaultDrafts
from marketplace.portal.language import vault_in_language
from marketplace.portal.pages.officers import officer_at, sending_officer_at
from marketplace.portal.pages.reviews import number_in_text
from marketplace.portal.pages.step_pages import StepPages, existing_dataset, viewed
from marketplace.portal.sent_once import sent_once
from marketplace.portal.sessions import Session
from marketplace.vault import Vault
from sandbox.errors import CihuError
from sandbox.plain_text import PlainText


def router(*, authenticator: Authenticator, steps: StepPages, vault: Vault) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    Reading = Annotated[Vault, Depends(vault_in_language(vault))]
    Officer = Annotated[Session, Depends(officer_at(authenticator))]
    SendingOfficer = Annotated[Session, Depends(sending_officer_at(authenticator))]
    Text = Annotated[PlainText, Form()]

    @routes.get("/drafts/{number}/publish")
    def publish_step(request: Request, session: Officer, vault: Reading, number: str) -> Response:
        return shown(request, session, vault, number)

    @routes.post("/drafts/{number}/agree")
    def agree(
        request: Request, session: SendingOfficer, vault: Reading, number: str, revision: Text = ""
    ) -> Response:
        try:
            VaultDrafts(vault).agree(session.principal.id, number, revision=number_in_text(revision))
        except CihuError as refusal:
            return shown(request, session, vault, number, refusal=refusal)
        return RedirectResponse(f"/drafts/{number}/publish", status_code=303)

    @routes.post("/drafts/{number}/publish")
    def publish(
        request: Request,
        session: SendingOfficer,
        vault: Reading,
        number: str,
        revision: Text = "",
        once: Text = "",
        notes: Text = "",
        urgent: Text = "",
        confirmed: Annotated[list[PlainText] | None, Form()] = None,
    ) -> Response:
        word = {"notes": notes.strip(), "urgent": urgent.strip()}

        def deed() -> str:
            done = VaultDrafts(vault).publish(
                session.principal.id,
                number,
                revision=number_in_text(revision),
                confirmed=confirmed or [],
                **word,
            )
            return f"/openings/{done['held']['review']}" if "held" in done else f"/drafts/{number}"

        try:
            return sent_once(
                authenticator, request, once, revision, *word.values(), *(confirmed or []), deed=deed
            )
        except CihuError as refusal:
            return shown(request, session, vault, number, refusal=refusal, typed=word)

    def shown(
        request: Request,
        session: Session,
        vault: Vault,
        number: str,
        *,
        refusal: CihuError | None = None,
        typed: dict[str, str] | None = None,
    ) -> Response:
        view = viewed(session, vault, number)
        who = session.principal.id
        try:
            stand_in = VaultDrafts(vault).stand_in(who, number) if view.is_open else None
        except CihuError:
            stand_in = None  # the problems on the page say what is missing
        return steps.show(
            request,
            session,
            view,
            "publish",
            refusal=refusal,
            typed=typed or {"notes": "", "urgent": ""},
            stand_in=stand_in,
            existing=existing_dataset(session, vault, view),
            address=f"{steps.pages.settings.portal_url}/drafts/{number}/publish",
            second=who not in {revision["saved_by"] for revision in view.draft["revisions"]},
        )

    return routes
