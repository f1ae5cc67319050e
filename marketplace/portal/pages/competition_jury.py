"""Pages of a juror: the documents to mark, without their teams, each with the form of its rubric."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import FormData

from marketplace.portal.authentication import Authenticator
from marketplace.portal.competitions.vault_competitions import VaultCompetitions
from marketplace.portal.language import vault_in_language
from marketplace.portal.pages.public.competitions import viewed
from marketplace.portal.plain_form import posted
from marketplace.portal.rendering import Pages, words_of
from marketplace.portal.sessions import Session
from marketplace.vault import Vault
from sandbox.errors import CihuError, InvalidInput, NotFound

MARK = "mark."


def router(*, authenticator: Authenticator, pages: Pages, vault: Vault) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    Reading = Annotated[Vault, Depends(vault_in_language(vault))]
    Person = Annotated[Session, Depends(authenticator.person)]
    Sender = Annotated[Session, Depends(authenticator.sender)]
    Given = Annotated[FormData, Depends(posted)]

    @routes.get("/competitions/{name}/jury")
    def documents(request: Request, session: Person, vault: Reading, name: str) -> Response:
        return shown(request, session, vault, name)

    @routes.post("/competitions/{name}/jury/{entry}")
    def mark(
        request: Request, session: Sender, vault: Reading, name: str, entry: int, given: Given
    ) -> Response:
        try:
            body = {
                "round": str(given.get("round", "")),
                "marks": marks_in(given),
                "comment": str(given.get("comment", "")).strip(),
            }
            VaultCompetitions(vault).put(session.principal.id, name, f"/documents/{entry}/marks", body)
        except CihuError as refusal:
            if isinstance(refusal, NotFound) and refusal.code == "competition_not_found":
                raise
            return shown(request, session, vault, name, refusal=refusal, entry=entry, typed=given)
        return RedirectResponse(f"/competitions/{name}/jury#document-{entry}", status_code=303)

    def shown(
        request: Request,
        session: Session,
        vault: Vault,
        name: str,
        *,
        refusal: CihuError | None = None,
        entry: int = 0,
        typed: FormData | None = None,
    ) -> Response:
        view = viewed(vault, name)
        return pages.show(
            request,
            "competition_jury.html",
            session,
            status=422 if refusal else 200,
            view=view,
            document=view.document,
            documents=VaultCompetitions(vault).list_of(session.principal.id, view.name, "/documents"),
            refusal=words_of(refusal) if refusal else None,
            refused=entry,
            typed=typed or FormData(),
        )

    return routes


def marks_in(given: FormData) -> dict[str, int]:
    """Points by criterion. Raises `InvalidInput` for what is no whole number."""
    marks = {}
    for name, value in given.items():
        if not name.startswith(MARK):
            continue
        text = str(value).strip()
        if not text.isdecimal() or len(text) > 4:
            raise InvalidInput(
                "Each criterion needs its points, as a whole number.",
                code="marks_not_of_rubric",
                remedy="Fill in every one.",
                zh="每项评分均须填写整数。",
                remedy_zh="请逐项填写。",
            )
        marks[name.removeprefix(MARK)] = int(text)
    return marks
