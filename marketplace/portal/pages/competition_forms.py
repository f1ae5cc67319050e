"""Pages on which an organiser writes a competition, step by step in forms or as a YAML file; and the list of
the department's competitions."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData

from marketplace.portal.authentication import Authenticator
from marketplace.portal.competitions.form_faults import FormFaults
from marketplace.portal.competitions.form_fields import STEPS, fields_of, shown_in
from marketplace.portal.competitions.form_tree import (
    Tree,
    answered,
    named,
    read_for_forms,
    read_tree,
    tracks_of,
    value_at,
    write_text,
)
from marketplace.portal.competitions.starting_text import starting_track, starting_tree
from marketplace.portal.competitions.vault_competitions import VaultCompetitions
from marketplace.portal.dataset_choices import NO_DATASETS, DatasetChoices, dataset_choices
from marketplace.portal.language import vault_in_language
from marketplace.portal.pages.competition_team import form_with_file, read_file, text_of
from marketplace.portal.pages.officers import officer_at, sending_officer_at
from marketplace.portal.plain_form import plain_form, posted
from marketplace.portal.rendering import Pages, as_file, words_of
from marketplace.portal.sessions import Session
from marketplace.vault import Answer, Vault
from sandbox.errors import CihuError, Conflict, NotFound, Unavailable

KINDS = ("registration", "board", "jury", "final")
TASKS = ("classification", "regression", "document")
METRICS = ("accuracy", "brier", "log_loss", "mae", "rmse", "balanced_accuracy", "f1", "auc", "function")
PREDICTED = ("number", "probability", "integer", "boolean", "text")
ENTRY_KINDS = ("program", "model", "document", "questions")
USABLE = ("key", "measure", "attribute")
MOST_TRACKS = 20
MOST_DATASETS = 8
"""Of a track, as policies/competition.schema.json has it."""
ADDRESS = "/competition-forms/{number}"


@dataclass(frozen=True)
class FormView:
    """A text as it is being written, and what is wrong in it. `told`: faults are shown on this step."""

    form: Answer
    tree: Tree
    faults: FormFaults
    told: bool
    readable: bool = True

    @property
    def number(self) -> int:
        return int(self.form["number"])

    def rows(self, path: str, more: int = 1) -> range:
        """The places of a list, and empty ones to fill in."""
        rows = value_at(self.tree, path)
        return range((len(rows) if isinstance(rows, list) else 0) + more)

    def get(self, path: str) -> Any:
        return value_at(self.tree, path)

    def chosen(self, path: str) -> list[Any]:
        """The values of boxes."""
        values = value_at(self.tree, path)
        return values if isinstance(values, list) else []

    def text(self, path: str, kind: str = "text") -> str:
        """As it stands in its input."""
        return shown_in(kind, value_at(self.tree, path))  # type: ignore[arg-type]

    def wrong(self, path: str) -> list[Any]:
        return self.faults.at(path) if self.told else []

    def wrong_here(self, path: str) -> list[Any]:
        return self.faults.exactly(path) if self.told else []

    @property
    def tracks(self) -> list[Any]:
        rows = value_at(self.tree, "tracks")
        return rows if isinstance(rows, list) else []


def form_view(
    asking: VaultCompetitions, who: str, form: Answer, *, tree: Tree | None = None, told: bool = False
) -> FormView:
    """`tree`: what was typed, where it could not be kept."""
    readable = True
    if tree is None:
        try:
            tree = read_for_forms(form["text"])
        except CihuError:
            tree, readable = {}, False
        text = form["text"]
    else:
        text = write_text(tree)
    return FormView(form, tree, FormFaults(checked(asking, who, text), tree), told, readable)


def checked(asking: VaultCompetitions, who: str, text: str) -> Answer:
    """What the vault says of a text. A text that it does not check at all, such as one that names another
    department as its organiser, has this as its fault: it can be corrected on the page."""
    try:
        return asking.check(who, text)
    except Unavailable:
        raise
    except CihuError as refusal:
        words = words_of(refusal)
        message = {"en": refusal.message, "zh": words["zh"] or refusal.message}
        remedy = {"en": refusal.remedy, "zh": "" if words["zh"] else refusal.remedy}
        return {"faults": [{"path": "", "message": message, "remedy": remedy}], "boards": []}


def router(*, authenticator: Authenticator, pages: Pages, vault: Vault) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    Reading = Annotated[Vault, Depends(vault_in_language(vault))]
    Officer = Annotated[Session, Depends(officer_at(authenticator))]
    SendingOfficer = Annotated[Session, Depends(sending_officer_at(authenticator))]
    Given = Annotated[FormData, Depends(posted)]
    WithFile = Annotated[FormData, Depends(form_with_file)]

    @routes.get("/competition-forms")
    def listed(request: Request, session: Officer, vault: Reading) -> Response:
        return list_shown(request, session, vault)

    @routes.post("/competition-forms")
    def begin(session: SendingOfficer, vault: Reading, given: Given) -> Response:
        who, asking = session.principal, VaultCompetitions(vault)
        if draft := text_of(given, "draft"):
            text = asking.draft(who.id, draft)["text"]
        else:
            text = write_text(starting_tree(who.organisation, datetime.now(UTC)))
        return RedirectResponse(f"/competition-forms/{asking.begin_form(who.id, text)['number']}/about", 303)

    @routes.post("/competition-forms/upload")
    async def upload(request: Request, session: SendingOfficer, vault: Reading, given: WithFile) -> Response:
        def keep(texts: FormData, file: str | None) -> Response:
            text = (file if file is not None else text_of(plain_form(texts), "yaml")).replace("\r\n", "\n")
            try:
                read_tree(text)
                number = VaultCompetitions(vault).begin_form(session.principal.id, text)["number"]
            except CihuError as refusal:
                return list_shown(request, session, vault, refusal=refusal, typed=text)
            return RedirectResponse(f"/competition-forms/{number}/finish", 303)

        try:
            texts, file = await read_file(given)
        except CihuError as refusal:
            return await run_in_threadpool(list_shown, request, session, vault, refusal=refusal)
        return await run_in_threadpool(keep, texts, file)

    @routes.post("/competition-forms/certificates")
    def certify(request: Request, session: SendingOfficer, vault: Reading, given: Given) -> Response:
        """A day of the city lasts until its end."""
        day = text_of(given, "expires")
        body = {
            "person": text_of(given, "person"),
            "course": text_of(given, "course"),
            "expires_at": f"{day}T23:59:59+08:00" if day else "",
        }
        try:
            made = vault.post(session.principal.id, "/v1/certificates", body)
        except CihuError as refusal:
            return list_shown(request, session, vault, refusal=refusal, certificate=given)
        return list_shown(request, session, vault, certified=made)

    def list_shown(
        request: Request,
        session: Session,
        vault: Vault,
        *,
        refusal: CihuError | None = None,
        typed: str = "",
        certificate: FormData | None = None,
        certified: Answer | None = None,
    ) -> Response:
        asking, who = VaultCompetitions(vault), session.principal.id
        return pages.show(
            request,
            "competition_forms.html",
            session,
            status=422 if refusal else 200,
            forms=[titled(each) for form in asking.forms(who) if (each := form_or_none(asking, who, form))],
            own=asking.own(who),
            refusal=words_of(refusal) if refusal else None,
            typed=typed,
            certificate=certificate,
            certified=certified,
        )

    @routes.get("/competition-forms/{number}/competition.yaml")
    def as_yaml(session: Officer, vault: Reading, number: str) -> Response:
        text = VaultCompetitions(vault).form(session.principal.id, number)["text"]
        return as_file(text.encode(), f"competition-{number}.yaml")

    @routes.post("/competition-forms/{number}/remove")
    def remove(session: SendingOfficer, vault: Reading, number: str) -> Response:
        VaultCompetitions(vault).remove_form(session.principal.id, number)
        return RedirectResponse("/competition-forms", 303)

    _add_steps(routes, authenticator, pages, vault)
    return routes


def form_or_none(asking: VaultCompetitions, who: str, form: Answer) -> Answer | None:
    """A form of the list with its text; None if somebody has removed it meanwhile."""
    try:
        return asking.form(who, str(form["number"]))
    except NotFound:
        return None


def titled(form: Answer) -> Answer:
    """With the name and titles that its text has so far."""
    try:
        tree = read_tree(form["text"])
    except CihuError:
        tree = {}
    titles = tree.get("title") if isinstance(tree.get("title"), dict) else {}
    return form | {"name": str(tree.get("competition") or ""), "title": titles}


def _add_steps(routes: APIRouter, authenticator: Authenticator, pages: Pages, vault: Vault) -> None:
    Reading = Annotated[Vault, Depends(vault_in_language(vault))]
    Officer = Annotated[Session, Depends(officer_at(authenticator))]
    SendingOfficer = Annotated[Session, Depends(sending_officer_at(authenticator))]
    Given = Annotated[FormData, Depends(posted)]

    @routes.get(ADDRESS + "/{step}")
    def shown(
        request: Request,
        session: Officer,
        vault: Reading,
        number: str,
        step: str,
        track: int = 0,
        told: Literal["0", "1"] = "0",
    ) -> Response:
        asking, who = VaultCompetitions(vault), session.principal.id
        view = form_view(asking, who, asking.form(who, number), told=told == "1" or step == "finish")
        if not view.readable and known(step) != "finish":
            return RedirectResponse(f"/competition-forms/{view.number}/finish", 303)
        return show(request, session, vault, view, known(step), track)

    @routes.post(ADDRESS + "/text")
    def keep_text(
        request: Request, session: SendingOfficer, vault: Reading, number: str, given: Given
    ) -> Response:
        """The text itself, as it was typed."""
        asking, who = VaultCompetitions(vault), session.principal.id
        text = str(given.get("yaml", "")).replace("\r\n", "\n")
        form = asking.form(who, number)
        try:
            read_tree(text)
            asking.keep_form(who, number, text, revision_in(given))
        except CihuError as refusal:
            view = form_view(asking, who, form | {"text": text}, told=True)
            return show(request, session, vault, view, "finish", 0, refusal=refusal)
        return RedirectResponse(f"/competition-forms/{number}/finish", 303)

    @routes.post(ADDRESS + "/draft")
    def make_draft(
        request: Request, session: SendingOfficer, vault: Reading, number: str, given: Given
    ) -> Response:
        asking, who = VaultCompetitions(vault), session.principal.id
        form = asking.form(who, number)
        try:
            if form["revision"] != revision_in(given):
                raise changed_meanwhile(form)
            name = asking.write_draft(who, form["text"])["name"]
        except CihuError as refusal:
            view = form_view(asking, who, form, told=True)
            return show(request, session, vault, view, "finish", 0, refusal=refusal)
        asking.remove_form(who, number)
        return RedirectResponse(f"/competitions/{name}/manage", 303)

    @routes.post(ADDRESS + "/{step}")
    def save(
        request: Request,
        session: SendingOfficer,
        vault: Reading,
        number: str,
        step: str,
        given: Given,
        track: int = 0,
    ) -> Response:
        asking, who, step = VaultCompetitions(vault), session.principal.id, known(step)
        form, go = asking.form(who, number), text_of(given, "go")
        try:
            tree = answered_step(asking, who, form, step, track, given)
        except CihuError as refusal:
            view = form_view(asking, who, form, told=True)
            return show(request, session, vault, view, "finish", 0, refusal=refusal)
        if step == "tracks" and go in ("add", "remove"):
            track = changed_tracks(tree, track, go)
        try:
            kept = asking.keep_form(who, number, write_text(tree), revision_in(given))
        except CihuError as refusal:
            view = form_view(asking, who, form, tree=tree, told=True)
            return show(request, session, vault, view, step, track, refusal=refusal)
        view = form_view(asking, who, kept)
        return RedirectResponse(next_address(view, step, track, go), 303)

    def show(
        request: Request,
        session: Session,
        vault: Vault,
        view: FormView,
        step: str,
        track: int,
        *,
        refusal: CihuError | None = None,
    ) -> Response:
        who = session.principal.id
        track = min(max(track, 0), max(0, len(view.tracks) - 1))
        return pages.show(
            request,
            f"competition_form_{step}.html",
            session,
            status=(409 if isinstance(refusal, Conflict) else 422) if refusal else 200,
            view=view,
            step=step,
            steps=STEPS,
            track=track,
            at=f"tracks.{track}",
            datasets=datasets_of(vault, who) if step == "tracks" else NO_DATASETS,
            columns=columns_of(vault, who, view, track) if step == "tracks" else {},
            kinds=KINDS,
            tasks=TASKS,
            metrics=METRICS,
            predicted=PREDICTED,
            entry_kinds=ENTRY_KINDS,
            refusal=words_of(refusal) if refusal else None,
        )


def answered_step(
    asking: VaultCompetitions, who: str, form: Answer, step: str, track: int, given: FormData
) -> Tree:
    """The tree with a step's answers. Raises `InvalidInput` for a text that no form shows."""
    tree, track = answered_tree(form["text"], step, track, given)
    if step == "tracks":
        name_versions(asking, who, value_at(tree, f"tracks.{track}.datasets"))
    return tree


def answered_tree(text: str, step: str, track: int, given: FormData) -> tuple[Tree, int]:
    """The tree of a text with a step's answers, and the place of the track that they are of.
    Raises `InvalidInput` for a text that no form shows: it would be lost for what little the form holds."""
    tree = read_for_forms(text)
    if step == "finish":
        return tree, 0
    track = min(max(track, 0), len(tracks_of(tree))) if step == "tracks" else 0
    return named(answered(tree, fields_of(step, track), given)), track


def name_versions(asking: VaultCompetitions, who: str, rows: Any) -> None:
    """The newest version of each dataset that was chosen: the one that the vault takes."""
    for row in dataset_rows(rows):
        try:
            row["version"] = asking.vault.dataset(who, row["dataset"])["version"]
        except CihuError:
            row.setdefault("version", 1)


def dataset_rows(rows: Any) -> list[Tree]:
    """Those that name a dataset, as many as a track may have: each is read from the vault."""
    found = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    return [row for row in found if isinstance(row.get("dataset"), str) and row["dataset"]][:MOST_DATASETS]


def changed_tracks(tree: Tree, track: int, go: str) -> int:
    """One track more, or this one less; gives which is shown then."""
    tracks = tracks_of(tree)
    if go == "remove":
        del tracks[track : track + 1]
        named(tree)
        return max(0, track - 1)
    if len(tracks) < MOST_TRACKS:
        tracks.append({**starting_track(), "id": None})
        named(tree)
    return len(tracks) - 1


def next_address(view: FormView, step: str, track: int, go: str) -> str:
    """The next step; the same one if something in it is wrong, or it was only to be saved."""
    here = f"/competition-forms/{view.number}/"
    of_track = f"track={track}&" if step == "tracks" else ""
    if go in ("add", "remove"):
        return f"{here}tracks?track={track}"
    if go == "calculate":
        return f"{here}{step}?{of_track}told=1#plan"
    if go != "next":
        return f"{here}{step}?{of_track}told={'0' if go == 'more' else '1'}"
    if view.faults.of_step(step, track):
        return f"{here}{step}?{of_track}told=1"
    if step == "tracks" and track + 1 < len(view.tracks):
        return f"{here}tracks?track={track + 1}"
    return here + STEPS[min(STEPS.index(step) + 1, len(STEPS) - 1)]


def known(step: str) -> str:
    if step not in STEPS:
        raise NotFound("There is no such step.", zh="没有这一步。")
    return step


def revision_in(given: FormData) -> int:
    text = text_of(given, "revision")
    return int(text) if text.isdecimal() and 0 < len(text) < 10 and int(text) else 1


def changed_meanwhile(form: Answer) -> Conflict:
    return Conflict(
        f"{form['changed_by']} has changed this meanwhile.",
        code="competition_form_changed",
        remedy="Look at it again, and send it once more.",
        zh=f"{form['changed_by']} 已在此期间更改了内容。",
        remedy_zh="请重新查看后再提交。",
    )


def datasets_of(vault: Vault, who: str) -> DatasetChoices:
    try:
        return dataset_choices(vault, who)
    except CihuError:
        return NO_DATASETS


def columns_of(vault: Vault, who: str, view: FormView, track: int) -> dict[str, list[Answer]]:
    """The columns that may be features or the target, of each dataset of the track."""
    found = {}
    for name in {row["dataset"]: 0 for row in dataset_rows(view.get(f"tracks.{track}.datasets"))}:
        try:
            columns = vault.dataset(who, name)["columns"]
        except CihuError:
            continue
        found[name] = [column for column in columns if column["role"] in USABLE]
    return found
