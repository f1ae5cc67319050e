"""Pages of a competition's organiser: agreeing, announcing, splits, jurors, the final, results, appeals,
teams and counts."""

from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import FormData

from marketplace.portal.authentication import Authenticator
from marketplace.portal.competitions.vault_competitions import VaultCompetitions
from marketplace.portal.competitions.view import CompetitionView
from marketplace.portal.language import vault_in_language
from marketplace.portal.pages.competition_team import require_reason, text_of
from marketplace.portal.pages.officers import officer_at, sending_officer_at
from marketplace.portal.pages.public.competitions import told
from marketplace.portal.plain_form import posted
from marketplace.portal.rendering import Pages, words_of
from marketplace.portal.sent_once import number_and_words, sent_once
from marketplace.portal.sessions import Session
from marketplace.vault import Answer, Vault, number_or_text
from sandbox.errors import CihuError, NotFound

WITH_REASON = ("cancel", "disqualify", "reinstate", "look")
Deed = tuple[str, Answer | None]
"""The path below a competition, and the body."""


def deed_of(name: str, given: FormData) -> Deed | None:
    """What a form of the page asks for; None for what is no deed."""
    track, reason = text_of(given, "track"), text_of(given, "reason")
    match name:
        case "agree":
            return "/agree", {"sha256": text_of(given, "sha256")}
        case "announce" | "final":
            return f"/{name}", None
        case "open-splits":
            return "/splits/open", None
        case "cancel":
            return "/cancel", {"reason": reason}
        case "tell":
            texts = {name: text_of(given, name) for name in ("text_zh", "text_en")}
            return "/announcements", texts
        case "split":
            accepted, whole = given.getlist("accepted"), text_of(given, "read_whole")
            parts = [part.strip() for part in whole.replace("，", ",").split(",") if part.strip()]
            return "/splits", {"track": track, "accepted": list(accepted), "read_whole": parts}
        case "appoint":
            return "/jurors", {"track": track, "juror": text_of(given, "juror")}
        case "assign":
            instead = {"instead_of": juror} if (juror := text_of(given, "instead_of")) else {}
            return "/rounds", {"track": track, "round": text_of(given, "round"), **instead}
        case "result":
            return "/result", {"reason": reason}
        case "disqualify" | "reinstate":
            return f"/teams/{number_of(given, 'team')}/{name}", {"reason": reason}
        case "look":
            upheld = text_of(given, "outcome") == "upheld"
            return f"/appeals/{number_of(given, 'appeal')}/looks", {"upheld": upheld, "reason": reason}
    return None


def number_of(given: FormData, name: str) -> int:
    """A part of a path; nothing has the number 0, which stands for what is none."""
    number = number_or_text(text_of(given, name))
    return number if isinstance(number, int) else 0


def router(*, authenticator: Authenticator, pages: Pages, vault: Vault) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    Reading = Annotated[Vault, Depends(vault_in_language(vault))]
    Officer = Annotated[Session, Depends(officer_at(authenticator))]
    SendingOfficer = Annotated[Session, Depends(sending_officer_at(authenticator))]
    Given = Annotated[FormData, Depends(posted)]

    @routes.get("/competitions/{name}/manage")
    def manage(request: Request, session: Officer, vault: Reading, name: str) -> Response:
        return shown(request, session, vault, name)

    @routes.post("/competitions/{name}/manage/release-juror")
    def release(
        request: Request, session: SendingOfficer, vault: Reading, name: str, given: Given
    ) -> Response:
        juror, track = text_of(given, "juror"), text_of(given, "track")
        try:
            VaultCompetitions(vault).remove_juror(session.principal.id, name, juror, track)
        except CihuError as refusal:
            return shown(request, session, vault, name, refusal=refusal, at="appoint", typed=given)
        return RedirectResponse(f"/competitions/{name}/manage#jury", status_code=303)

    @routes.post("/competitions/{name}/manage/{deed}")
    def act(
        request: Request, session: SendingOfficer, vault: Reading, name: str, deed: str, given: Given
    ) -> Response:
        asked = deed_of(deed, given)
        if asked is None:
            raise NotFound("There is nothing at this address.", zh="该地址没有内容。")
        path, body = asked

        def do() -> str:
            if deed in WITH_REASON:
                require_reason(text_of(given, "reason"))
            VaultCompetitions(vault).do(session.principal.id, name, path, body)
            return f"/competitions/{name}/manage"

        try:
            return sent_once(authenticator, request, *number_and_words(given), deed=do)
        except CihuError as refusal:
            if refusal.code == "competition_not_found":
                raise
            return shown(request, session, vault, name, refusal=refusal, at=deed, typed=given)

    def shown(
        request: Request,
        session: Session,
        vault: Vault,
        name: str,
        *,
        refusal: CihuError | None = None,
        at: str = "",
        typed: FormData | None = None,
    ) -> Response:
        asking, who = VaultCompetitions(vault), session.principal.id
        answer = asking.draft(who, name)
        view = CompetitionView(answer, datetime.now(UTC))
        organiser = answer["department"] == session.principal.organisation
        public = view.state != "draft" and not (view.state == "cancelled" and not is_public(asking, name))
        return pages.show(
            request,
            "competition_manage.html",
            session,
            status=422 if refusal else 200,
            view=view,
            document=view.document,
            organiser=organiser,
            public=public,
            splits={one["track"]: one for one in asking.splits(view.name)} if public else {},
            left=left_earlier(asking, who, view) if public else {},
            refusal=words_of(refusal) if refusal else None,
            at=at,
            typed=typed or FormData(),
            **(of_organiser(asking, who, view) if organiser and public else NOTHING),
        )

    return routes


NOTHING: dict[str, Any] = {"jurors": [], "teams": [], "appeals": [], "counted": None, "result": None}


def of_organiser(asking: VaultCompetitions, who: str, view: CompetitionView) -> dict[str, Any]:
    return {
        "jurors": asking.list_of(who, view.name, "/jurors") if view.juries else [],
        "teams": asking.teams(view.name),
        "appeals": asking.list_of(who, view.name, "/appeals"),
        "counted": asking.get(who, view.name, "/statistics"),
        "result": told(lambda: asking.result(view.name)),
    }


def is_public(asking: VaultCompetitions, name: str) -> bool:
    return told(lambda: asking.one(name)) is not None


def left_earlier(asking: VaultCompetitions, who: str, view: CompetitionView) -> dict[str, list[Answer]]:
    """What left of each track's data whose people are not split yet; of those that this officer may see."""
    if view.state not in ("announced", "open"):
        return {}
    made = {one["track"] for one in asking.splits(view.name)}
    found = {}
    for track in view.boards:
        if track.id in made:
            continue
        left = told(partial(asking.list_of, who, view.name, "/left-earlier", track=track.id))
        if left is not None:
            found[track.id] = left
    return found
