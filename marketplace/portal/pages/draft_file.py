"""Page: the first step of a draft, in which an officer sees how the file was read and corrects it."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from marketplace.portal.authentication import Authenticator
from marketplace.portal.drafts.file_form import FileForm, file_form_at, form_of_format
from marketplace.portal.drafts.steps import next_step
from marketplace.portal.drafts.vault_drafts import VaultDrafts
from marketplace.portal.drafts.view import DraftView
from marketplace.portal.language import vault_in_language
from marketplace.portal.pages.officers import officer_at, sending_officer_at
from marketplace.portal.pages.reviews import number_in_text
from marketplace.portal.pages.step_pages import StepPages, require_newest, viewed
from marketplace.portal.pages.uploads import read_rows
from marketplace.portal.rendering import words_of
from marketplace.portal.sessions import Session
from marketplace.vault import Vault
from sandbox.errors import CihuError, Conflict, InvalidInput
from sandbox.plain_text import PlainText


def router(*, authenticator: Authenticator, steps: StepPages, vault: Vault) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    Reading = Annotated[Vault, Depends(vault_in_language(vault))]
    Officer = Annotated[Session, Depends(officer_at(authenticator))]
    SendingOfficer = Annotated[Session, Depends(sending_officer_at(authenticator))]

    @routes.get("/drafts/{number}/file")
    def file_step(
        request: Request,
        session: Officer,
        vault: Reading,
        number: str,
        form: Annotated[FileForm, Depends(file_form_at("query"))],
    ) -> Response:
        view = viewed(session, vault, number)
        return shown(request, session, vault, view, form if request.query_params else None)

    @routes.post("/drafts/{number}/file")
    def save_file(
        request: Request,
        session: SendingOfficer,
        vault: Reading,
        number: str,
        form: Annotated[FileForm, Depends(file_form_at("form"))],
        revision: Annotated[PlainText, Form()] = "",
    ) -> Response:
        view = viewed(session, vault, number)
        if form == form_shown(view):
            return RedirectResponse(f"/drafts/{number}/{next_step('file')}", status_code=303)
        try:
            seen = number_in_text(revision)
            require_newest(view, seen)
            VaultDrafts(vault).inspect(
                session.principal.id, number, revision=seen, form=form_given(view, form)
            )
        except (InvalidInput, Conflict) as refusal:
            if isinstance(refusal, Conflict):
                view = viewed(session, vault, number)
            return shown(request, session, vault, view, form, refusal=refusal)
        return RedirectResponse(f"/drafts/{number}/{next_step('file')}", status_code=303)

    def shown(
        request: Request,
        session: Session,
        vault: Vault,
        view: DraftView,
        form: FileForm | None,
        *,
        refusal: CihuError | None = None,
    ) -> Response:
        form = form or form_shown(view)
        try:
            rows, unread = read_rows(
                VaultDrafts(vault),
                session.principal.id,
                view.draft["file"]["id"],
                form_given(view, form),
            )
        except InvalidInput as unreadable:
            rows, unread = None, words_of(unreadable)
        return steps.show(
            request,
            session,
            view,
            "file",
            refusal=refusal,
            form=form,
            format=view.draft["format"],
            rows=rows,
            unread=unread,
        )

    return routes


def form_shown(view: DraftView) -> FileForm:
    """The form as the draft has it."""
    return form_of_format(view.draft["format"], view.policy.get("file.notes"))


def form_given(view: DraftView, form: FileForm) -> dict[str, Any]:
    """What the vault is told of the file. Raises `InvalidInput`."""
    # who saves the page confirms the row of names, where that is asked
    asked = {problem["path"].partition(".")[2] for problem in view.problems if "path" in problem}
    return form.as_given(form_shown(view), {*(view.policy.get("file") or ()), *asked})
