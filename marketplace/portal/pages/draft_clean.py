"""Page: the step of a draft in which its rows are cleaned and masked, with a preview."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from starlette.datastructures import FormData

from marketplace.portal.authentication import Authenticator
from marketplace.portal.drafts import clean_answers
from marketplace.portal.drafts.vault_drafts import VaultDrafts
from marketplace.portal.drafts.view import DraftView
from marketplace.portal.language import vault_in_language
from marketplace.portal.pages.officers import officer_at, sending_officer_at
from marketplace.portal.pages.step_pages import StepPages, viewed
from marketplace.portal.plain_form import posted
from marketplace.portal.rendering import words_of
from marketplace.portal.sessions import Session
from marketplace.vault import Vault
from sandbox.errors import CihuError

Values = dict[str, Any]


def router(*, authenticator: Authenticator, steps: StepPages, vault: Vault) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    Reading = Annotated[Vault, Depends(vault_in_language(vault))]
    Officer = Annotated[Session, Depends(officer_at(authenticator))]
    SendingOfficer = Annotated[Session, Depends(sending_officer_at(authenticator))]
    Given = Annotated[FormData, Depends(posted)]

    @routes.get("/drafts/{number}/clean")
    def clean_step(
        request: Request, session: Officer, vault: Reading, number: str, after: int = 0
    ) -> Response:
        view = viewed(session, vault, number)
        return steps.show(request, session, view, "clean", **shown(session, vault, view, after))

    @routes.post("/drafts/{number}/clean")
    def save_clean(
        request: Request, session: SendingOfficer, vault: Reading, number: str, given: Given
    ) -> Response:
        return steps.save(
            request,
            session,
            vault,
            number,
            "clean",
            given,
            answers=lambda view: clean_answers.clean_changes(view.policy, given),
            again=lambda view: shown(session, vault, view, 0),
        )

    return routes


def shown(session: Session, vault: Vault, view: DraftView, after: int) -> Values:
    """The steps, the forms of new ones, and rows before and after. `after`: which step's rows, from 1; 0: the
    last one's."""
    listed = clean_answers.shown_steps(view.policy)
    preview, unread = None, None
    if listed and view.is_open:
        who = session.principal.id
        try:
            preview = VaultDrafts(vault).preview(who, str(view.draft["id"]), own=view.draft["owner"] == who)
        except CihuError as refused:
            unread = words_of(refused)
    number = after if preview and 1 <= after <= len(preview["steps"]) else len(listed)
    return {
        "listed": listed,
        "forms": clean_answers.FORMS,
        "columns_of": clean_answers.columns_of,
        "preview": preview,
        "unread": unread,
        "after": number,
    }
