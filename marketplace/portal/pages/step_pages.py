"""Shows and saves a step of a draft: what all the steps' pages have in common."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import FormData

from marketplace.portal.drafts import file_form, step_fields
from marketplace.portal.drafts.answers import shown_value
from marketplace.portal.drafts.policy_titles import seen_titles
from marketplace.portal.drafts.steps import next_step
from marketplace.portal.drafts.vault_drafts import VaultDrafts
from marketplace.portal.drafts.view import DraftView
from marketplace.portal.pages.reviews import number_in
from marketplace.portal.rendering import Pages, words_of
from marketplace.portal.sessions import Session
from marketplace.vault import Vault
from sandbox.errors import CihuError, Conflict, Forbidden, InvalidInput, NotFound
from sandbox.http.status import status_of

Values = dict[str, Any]


class StepPages:
    """The pages of the steps. `policies` is the folder of the city's policies."""

    def __init__(self, pages: Pages, policies: Path) -> None:
        self.pages = pages
        self.policies = policies

    def show(
        self,
        request: Request,
        session: Session,
        view: DraftView,
        step: str,
        *,
        refusal: CihuError | None = None,
        typed: Values | None = None,
        **values: Any,
    ) -> Response:
        """A step's page. `typed`: what a form held that was refused, by the names of its inputs."""
        if not view.is_open:
            return RedirectResponse(f"/drafts/{view.draft['id']}", status_code=303)
        return self.pages.show(
            request,
            f"draft_{step}.html",
            session,
            status=status_of(refusal) if refusal else 200,
            view=view,
            draft=view.draft,
            step=step,
            refusal=words_of(refusal) if refusal else None,
            typed=typed or {},
            conflict=isinstance(refusal, Conflict),
            of=step_fields,
            of_file=file_form,
            seen=seen_titles(self.policies),
            shown_value=shown_value,
            **values,
        )

    def save(
        self,
        request: Request,
        session: Session,
        vault: Vault,
        number: str,
        step: str,
        given: FormData,
        *,
        answers: Callable[[DraftView], Values],
        again: Callable[[DraftView], Values],
        parts: Callable[[DraftView], int] = lambda _: 1,
    ) -> Response:
        """Save what a form changes, and go on. If it cannot be saved, the page is shown again with what was
        typed and with `again`. `parts`: over how many pages the step goes."""
        who = session.principal.id
        view = viewed(session, vault, number)
        try:
            changed = answers(view)
            if changed:
                revision = number_in(given, "revision")
                require_newest(view, revision)
                VaultDrafts(vault).answer(who, number, revision=revision, answers=changed)
        except (InvalidInput, Conflict) as refusal:
            if isinstance(refusal, Conflict):
                view = viewed(session, vault, number)
            typed = {name: value for name, value in given.items() if isinstance(value, str)}
            return self.show(request, session, view, step, refusal=refusal, typed=typed, **again(view))
        part = number_in(given, "part") if "part" in given else 1
        target = f"/drafts/{number}/{step}?part={part}"
        if given.get("go") == "next":
            more = part < parts(view)
            target = (
                f"/drafts/{number}/{step}?part={part + 1}" if more else f"/drafts/{number}/{next_step(step)}"
            )
        return RedirectResponse(target, status_code=303)


def viewed(session: Session, vault: Vault, number: str) -> DraftView:
    return DraftView(VaultDrafts(vault).draft(session.principal.id, number))


def existing_dataset(session: Session, vault: Vault, view: DraftView) -> dict[str, Any] | None:
    """The dataset of which the draft would become a new version; None if it has a name of its own."""
    try:
        return vault.dataset(session.principal.id, view.draft["dataset"])
    except (InvalidInput, NotFound, Forbidden):
        return None


def require_newest(view: DraftView, revision: int) -> None:
    """Raises `Conflict` if somebody has saved since the form's page was shown."""
    newest = view.draft["revisions"][-1]
    if view.draft["revision"] != revision:
        raise Conflict(
            f"{newest['saved_by']} has saved this draft meanwhile.",
            code="draft_changed",
            remedy="What you typed is kept below, beside what is saved now. Save again to replace it.",
            zh=f"{newest['saved_by']} 已在此期间保存了该草稿。",
            remedy_zh="您填写的内容保留在下方，旁边是现已保存的内容；再次保存即以您的为准。",
        )
