"""Pages of competitions for everybody: the list, one competition, its boards, its result, its history."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from marketplace.portal.authentication import Authenticator
from marketplace.portal.competitions.score_bars import score_bars
from marketplace.portal.competitions.vault_competitions import VaultCompetitions
from marketplace.portal.competitions.view import CompetitionView, document_in, in_groups, places_of
from marketplace.portal.language import vault_in_language
from marketplace.portal.log_kinds import kind_words
from marketplace.portal.rendering import Pages
from marketplace.portal.sessions import Session
from marketplace.vault import Answer, Vault
from sandbox.errors import CihuError, InvalidInput, NotFound

STEPS_SHOWN = 500


def router(*, authenticator: Authenticator, pages: Pages, vault: Vault) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    Reading = Annotated[Vault, Depends(vault_in_language(vault))]
    Anybody = Annotated[Session | None, Depends(authenticator.known)]

    @routes.get("/competitions")
    def competitions(request: Request, session: Anybody, vault: Reading) -> Response:
        known = VaultCompetitions(vault).competitions()
        return pages.show(request, "competitions.html", session, groups=in_groups(known))

    @routes.get("/competitions/{name}")
    def competition(request: Request, session: Anybody, vault: Reading, name: str) -> Response:
        view = viewed(vault, name)
        asking = VaultCompetitions(vault)
        return pages.show(
            request,
            "competition.html",
            session,
            view=view,
            document=view.document,
            announcements=asking.announcements(view.name),
            teams=asking.teams(view.name),
            splits={split["track"]: split for split in asking.splits(view.name)},
            boards={track.id: told(partial(asking.board, view.name, track.id)) for track in view.boards},
            result=told(lambda: asking.result(view.name)),
            organises=organises(session, view.answer),
            linked=linked(session, vault, view),
        )

    @routes.get("/competitions/{name}/boards/{track}")
    def board(
        request: Request, session: Anybody, vault: Reading, name: str, track: str, phase: str = ""
    ) -> Response:
        view = viewed(vault, name)
        found = VaultCompetitions(vault).board(view.name, track, phase)
        return pages.show(
            request,
            "competition_board.html",
            session,
            view=view,
            document=view.document,
            track=view.track(found["track"]),
            board={"baseline": None} | found,
            bars=score_bars([*found["lines"], *([found["baseline"]] if "baseline" in found else [])]),
            places_of=places_of,
        )

    @routes.get("/competitions/{name}/result")
    def result(request: Request, session: Anybody, vault: Reading, name: str, revision: str = "") -> Response:
        view = viewed(vault, name)
        found = VaultCompetitions(vault).result(view.name, revision if revision.isdecimal() else "")
        return pages.show(
            request,
            "competition_result.html",
            session,
            view=view,
            document=view.document,
            result=found,
            bars={track["track"]: score_bars(track["lines"]) for track in found["tracks"]},
            places_of=places_of,
            own=own_team(session, vault, view.name),
        )

    @routes.get("/competitions/{name}/history")
    def history(request: Request, session: Anybody, vault: Reading, name: str) -> Response:
        view = viewed(vault, name)
        record = VaultCompetitions(vault).record(view.name)
        return pages.show(
            request,
            "competition_history.html",
            session,
            view=view,
            document=view.document,
            kind_words=kind_words,
            steps=list(reversed(record["steps"]))[:STEPS_SHOWN],
        )

    return routes


def viewed(vault: Vault, name: str) -> CompetitionView:
    """A competition that was announced. Raises `NotFound`, the same for everything that is not."""
    try:
        return CompetitionView(VaultCompetitions(vault).one(name), datetime.now(UTC))
    except (InvalidInput, NotFound):
        raise not_there() from None


def not_there() -> NotFound:
    return NotFound(
        "There is no such competition.",
        code="competition_not_found",
        remedy="Look for it in the list of competitions.",
        zh="没有这个大赛。",
        remedy_zh="可在大赛列表中查找。",
    )


def organises(session: Session | None, answer: Answer) -> bool:
    """Whether somebody is an officer of the organiser: they get a link, and the vault decides."""
    who = session.principal if session else None
    return who is not None and "officer" in who.roles and who.organisation == answer["department"]


def own_team(session: Session | None, vault: Vault, name: str) -> int | None:
    """The number of the team in which whoever looks takes part."""
    if session is None:
        return None
    team = told(lambda: VaultCompetitions(vault).own_team(session.principal.id, name))
    return None if team is None else int(team["id"])


def linked(session: Session | None, vault: Vault, view: CompetitionView) -> frozenset[str]:
    """The datasets whose pages whoever looks can open: strangers only those that are listed for everybody."""
    names = {data.dataset for track in view.document.tracks for data in track.datasets}
    if session is not None or not names:
        return frozenset(names)
    listed = told(lambda: vault.public("/names", dataset=sorted(names)).json()) or []
    return frozenset(one["name"] for one in listed)


def told(question: Callable[[], Any]) -> Any:
    """The answer; None where there is none yet: the rest of the page stands."""
    try:
        return question()
    except CihuError:
        return None


def open_competitions(vault: Vault) -> list[Answer]:
    """What strangers are shown on the home page: what is running or coming, with its summary."""
    asking, found = VaultCompetitions(vault), []
    groups = in_groups(asking.competitions())
    for each in (groups["running"] + groups["coming"])[:3]:
        document = document_in(asking.one(str(each["name"]))["text"])
        found.append(each | {"summary": {"zh": document.summary.zh, "en": document.summary.en}})
    return found
