"""Pages: the discussion of a competition, where those who take part ask and answer, and its moderation."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import FormData

from marketplace.portal.authentication import Authenticator
from marketplace.portal.competitions.vault_competitions import VaultCompetitions
from marketplace.portal.language import vault_in_language
from marketplace.portal.pages.competition_team import require_reason, text_of
from marketplace.portal.pages.public.competitions import organises, own_team, viewed
from marketplace.portal.plain_form import posted
from marketplace.portal.rendering import Pages, words_of
from marketplace.portal.sent_once import number_and_words, sent_once
from marketplace.portal.sessions import Session
from marketplace.vault import Answer, Vault
from sandbox.competitions.discussion import LONGEST_POST, MOST_A_DAY, OPEN
from sandbox.errors import CihuError, NotFound

WITH_REASON = ("hide", "restore")


def router(*, authenticator: Authenticator, pages: Pages, vault: Vault) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    Reading = Annotated[Vault, Depends(vault_in_language(vault))]
    Person = Annotated[Session, Depends(authenticator.person)]
    Sender = Annotated[Session, Depends(authenticator.sender)]
    Given = Annotated[FormData, Depends(posted)]
    home = "/competitions/{name}/discussion"

    @routes.get(home)
    def discussion(request: Request, session: Person, vault: Reading, name: str) -> Response:
        return shown(request, session, vault, name)

    @routes.post(home)
    def post(request: Request, session: Sender, vault: Reading, name: str, given: Given) -> Response:
        answers = text_of(given, "answers")
        body: Answer = {"text": text_of(given, "text")}
        if answers.isdecimal():
            body["answers"] = int(answers)

        def deed() -> str:
            made = VaultCompetitions(vault).do(session.principal.id, name, "/discussion", body)
            return f"/competitions/{name}/discussion#post-{made['id']}"

        try:
            return sent_once(authenticator, request, *number_and_words(given), deed=deed)
        except CihuError as refusal:
            return shown(request, session, vault, name, refusal=refusal, typed=given)

    @routes.post(home + "/{id}/{deed}")
    def change(
        request: Request, session: Sender, vault: Reading, name: str, id: int, deed: str, given: Given
    ) -> Response:
        if deed not in (*WITH_REASON, "withdraw"):
            raise NotFound("There is nothing at this address.", zh="该地址没有内容。")
        body = {"reason": text_of(given, "reason")} if deed in WITH_REASON else None
        try:
            if body is not None:
                require_reason(body["reason"])
            VaultCompetitions(vault).do(session.principal.id, name, f"/discussion/{id}/{deed}", body)
        except CihuError as refusal:
            return shown(request, session, vault, name, refusal=refusal)
        return RedirectResponse(f"/competitions/{name}/discussion#post-{id}", status_code=303)

    def shown(
        request: Request,
        session: Session,
        vault: Vault,
        name: str,
        *,
        refusal: CihuError | None = None,
        typed: FormData | None = None,
    ) -> Response:
        view = viewed(vault, name)
        posts = VaultCompetitions(vault).list_of(session.principal.id, view.name, "/discussion")
        moderates = organises(session, view.answer)
        writes = moderates or own_team(session, vault, view.name) is not None
        return pages.show(
            request,
            "competition_discussion.html",
            session,
            status=422 if refusal else 200,
            view=view,
            threads=threads_of(posts),
            announcements=[one for one in posts if one["kind"] == "announcement"],
            moderates=moderates,
            writes=writes and view.state in OPEN,
            over=view.state not in OPEN,
            longest=LONGEST_POST,
            most=MOST_A_DAY,
            refusal=words_of(refusal) if refusal else None,
            typed=typed or FormData(),
        )

    return routes


def threads_of(posts: list[Answer]) -> list[tuple[Answer, list[Answer]]]:
    """Each question with its answers, in the order that the vault gave."""
    answers: dict[int, list[Answer]] = {}
    for post in posts:
        if post["kind"] == "answer":
            answers.setdefault(post["answers"], []).append(post)
    return [(post, answers.get(post["id"], [])) for post in posts if post["kind"] == "question"]
