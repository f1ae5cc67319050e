"""Pages: the drafts of an officer's department, one draft with its history, its text, and its hand-over."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from marketplace.portal.authentication import Authenticator
from marketplace.portal.drafts.vault_drafts import VaultDrafts
from marketplace.portal.drafts.view import DraftView
from marketplace.portal.language import vault_in_language
from marketplace.portal.pages.officers import officer_at, sending_officer_at
from marketplace.portal.pages.reviews import number_in_text
from marketplace.portal.rendering import Pages, as_file, words_of
from marketplace.portal.sessions import Session
from marketplace.vault import Vault
from sandbox.errors import CihuError, Conflict, InvalidInput
from sandbox.plain_text import PlainText


def router(*, authenticator: Authenticator, pages: Pages, vault: Vault) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    Reading = Annotated[Vault, Depends(vault_in_language(vault))]
    Officer = Annotated[Session, Depends(officer_at(authenticator))]
    SendingOfficer = Annotated[Session, Depends(sending_officer_at(authenticator))]
    Text = Annotated[PlainText, Form()]

    @routes.get("/drafts")
    def drafts(request: Request, session: Officer, vault: Reading) -> Response:
        who = session.principal.id
        known = VaultDrafts(vault).drafts(who)
        return pages.show(
            request,
            "drafts.html",
            session,
            files=VaultDrafts(vault).files(who),
            open_drafts=[draft for draft in known if draft["state"] == "open"],
            others=[draft for draft in known if draft["state"] != "open"],
        )

    @routes.get("/drafts/{number}")
    def draft(request: Request, session: Officer, vault: Reading, number: str) -> Response:
        return shown(request, session, vault, number)

    @routes.post("/drafts/{number}/hand-over")
    def reassign(
        request: Request, session: SendingOfficer, vault: Reading, number: str, to: Text = "", note: Text = ""
    ) -> Response:
        try:
            VaultDrafts(vault).reassign(session.principal.id, number, to=to.strip(), note=note.strip())
        except CihuError as refusal:
            return shown(
                request, session, vault, number, status=422, refusal=words_of(refusal), to=to, note=note
            )
        return RedirectResponse(f"/drafts/{number}", status_code=303)

    @routes.post("/drafts/{number}/drop")
    def drop(session: SendingOfficer, vault: Reading, number: str) -> Response:
        VaultDrafts(vault).drop(session.principal.id, number)
        return RedirectResponse("/drafts", status_code=303)

    @routes.get("/drafts/{number}/policy")
    def policy(request: Request, session: Officer, vault: Reading, number: str) -> Response:
        return policy_shown(request, session, vault, number)

    @routes.get("/drafts/{number}/policy.yaml")
    def policy_file(session: Officer, vault: Reading, number: str) -> Response:
        text = VaultDrafts(vault).draft(session.principal.id, number)["policy"]
        return as_file(text.encode(), f"draft-{number}.yaml")

    @routes.post("/drafts/{number}/policy")
    def save_policy(
        request: Request,
        session: SendingOfficer,
        vault: Reading,
        number: str,
        policy: Text = "",
        revision: Text = "",
        note: Text = "",
    ) -> Response:
        text = policy.replace("\r\n", "\n")
        try:
            VaultDrafts(vault).save(
                session.principal.id,
                number,
                revision=number_in_text(revision),
                policy=text,
                note=note.strip(),
            )
        except (InvalidInput, Conflict) as refusal:
            return policy_shown(
                request,
                session,
                vault,
                number,
                status=409 if isinstance(refusal, Conflict) else 422,
                refusal=words_of(refusal),
                typed=text,
                note=note,
            )
        return RedirectResponse(f"/drafts/{number}/policy", status_code=303)

    def shown(
        request: Request,
        session: Session,
        vault: Vault,
        number: str,
        *,
        status: int = 200,
        refusal: dict[str, str] | None = None,
        to: str = "",
        note: str = "",
    ) -> Response:
        view = DraftView(VaultDrafts(vault).draft(session.principal.id, number))
        return pages.show(
            request,
            "draft.html",
            session,
            status=status,
            view=view,
            draft=view.draft,
            step="",
            refusal=refusal,
            to=to,
            note=note,
        )

    def policy_shown(
        request: Request,
        session: Session,
        vault: Vault,
        number: str,
        *,
        status: int = 200,
        refusal: dict[str, str] | None = None,
        typed: str | None = None,
        note: str = "",
    ) -> Response:
        view = DraftView(VaultDrafts(vault).draft(session.principal.id, number))
        return pages.show(
            request,
            "draft_policy.html",
            session,
            status=status,
            view=view,
            draft=view.draft,
            step="policy",
            refusal=refusal,
            typed=typed,
            note=note,
        )

    return routes
