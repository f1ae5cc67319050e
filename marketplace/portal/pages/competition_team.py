"""Pages of whoever takes part in a competition: joining, the team, its entries, the choice for the final, and
appeals."""

import json
import re
from base64 import b64encode
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated

from fastapi import APIRouter, Depends, Request, UploadFile
from fastapi.responses import RedirectResponse, Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.datastructures import UploadFile as SentFile

from marketplace.portal.authentication import Authenticator
from marketplace.portal.competitions.certificate_pdf import certificate_pdf
from marketplace.portal.competitions.vault_competitions import VaultCompetitions
from marketplace.portal.competitions.view import CompetitionView
from marketplace.portal.language import language_of, vault_in_language
from marketplace.portal.pages.offer_product import parameters_of
from marketplace.portal.pages.public.competitions import told, viewed
from marketplace.portal.plain_form import plain_form, posted
from marketplace.portal.rendering import Pages, as_file, words_of
from marketplace.portal.sent_once import number_and_words, sent_once
from marketplace.portal.sessions import Session
from marketplace.vault import Answer, Vault, number_or_text
from sandbox.competitions.entries.linear import FILE, linear_of
from sandbox.competitions.entries.model_entry import LINEAR, model_interface, model_program
from sandbox.errors import CihuError, InvalidInput, NotFound
from sandbox.plain_text import is_text

HANDED_PATH = "/competitions/{}/team/invitation"
PREDICTS = ("boolean", "number", "probability", "integer", "text")
ENDINGS = {"model": (".safetensors",), "program": (".py",), "document_file": (".md", ".txt")}
"""How the name of a file ends, by the field that it came in."""
RUN = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
RUN_SECONDS = 60
SHORTEST_REASON = 5
SHOWN_AS = ("display_name", "account", "member")


@dataclass(frozen=True)
class SentEntry:
    """A file of the entry's form. `field`: the field that it came in; see `ENDINGS`."""

    field: str
    name: str
    content: bytes


async def form_with_file(request: Request) -> FormData:
    """A form with at most one file, which is text."""
    return await request.form(max_files=1, max_part_size=256 * 1024)


async def form_with_entry(request: Request) -> FormData:
    """A form with a field for each kind of file; those that are left empty count too."""
    return await request.form(max_files=3, max_part_size=256 * 1024)


@dataclass(frozen=True)
class TeamPages:
    """Shows the page of a team, and sends its forms."""

    authenticator: Authenticator
    pages: Pages

    def show(
        self,
        request: Request,
        session: Session,
        vault: Vault,
        name: str,
        *,
        refusal: CihuError | None = None,
        at: str = "",
        typed: FormData | None = None,
    ) -> Response:
        """`at`: the form that was refused; `typed`: what was in it."""
        view, who = viewed(vault, name), session.principal.id
        asking = VaultCompetitions(vault)
        team = asking.own_team(who, view.name)
        in_team = team is not None
        return self.pages.show(
            request,
            "competition_team.html",
            session,
            status=422 if refusal else 200,
            view=view,
            document=view.document,
            team=team,
            entries=asking.list_of(who, view.name, "/entries") if in_team else [],
            appeals=told(lambda: asking.list_of(who, view.name, "/appeals")) or [] if in_team else [],
            predictors=predictors(vault, who) if in_team and view.boards else [],
            others=[one for one in asking.teams(view.name) if one["state"] == "active"],
            result=told(lambda: asking.result(view.name)),
            certificate=told(lambda: asking.get(who, view.name, "/certificate"))
            if in_team and view.state == "closed"
            else None,
            shown_as=SHOWN_AS,
            predicts=PREDICTS,
            linear=LINEAR,
            refusal=words_of(refusal) if refusal else None,
            at=at,
            typed=typed or FormData(),
            receipt=receipt if (receipt := request.query_params.get("receipt", "")).isdecimal() else "",
        )

    def send(
        self,
        request: Request,
        session: Session,
        vault: Vault,
        name: str,
        given: FormData,
        path: str,
        body: Answer | None,
        *,
        at: str = "",
    ) -> Response:
        """Do a deed of the competition once, and show the team's page."""

        def deed() -> str:
            told = VaultCompetitions(vault).do(session.principal.id, name, path, body)
            return back_to_team(name, told, at)

        try:
            return sent_once(self.authenticator, request, *number_and_words(given), deed=deed)
        except NotFound as gone:
            if gone.code == "competition_not_found":
                raise
            return self.show(request, session, vault, name, refusal=gone, at=at, typed=given)
        except CihuError as refusal:
            return self.show(request, session, vault, name, refusal=refusal, at=at, typed=given)


def router(*, authenticator: Authenticator, pages: Pages, vault: Vault) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    Reading = Annotated[Vault, Depends(vault_in_language(vault))]
    Person = Annotated[Session, Depends(authenticator.person)]
    Sender = Annotated[Session, Depends(authenticator.sender)]
    Given = Annotated[FormData, Depends(posted)]
    of_team = TeamPages(authenticator, pages)
    home = "/competitions/{name}/team"

    @routes.get(home)
    def team(request: Request, session: Person, vault: Reading, name: str) -> Response:
        return of_team.show(request, session, vault, name)

    @routes.post(f"{home}/form")
    def form(request: Request, session: Sender, vault: Reading, name: str, given: Given) -> Response:
        wish = {"name": text_of(given, "team_name"), "hidden": "hidden" in given}
        return enter_team(request, session, vault, name, given, "/teams", wish, "form")

    @routes.post(f"{home}/join")
    def join(request: Request, session: Sender, vault: Reading, name: str, given: Given) -> Response:
        wish = {"invitation": text_of(given, "invitation")}
        return enter_team(request, session, vault, name, given, "/members", wish, "join")

    @routes.get(f"{home}/invitation")
    def invitation(request: Request, session: Person, vault: Reading, name: str) -> Response:
        """What was given at joining, once: loaded again, this page is the team's."""
        handed = authenticator.handed(request, session)
        if handed is None:
            return RedirectResponse(f"/competitions/{name}/team", status_code=303)
        secret, _, index = handed.rpartition(".")
        view = viewed(vault, name)
        shown = pages.show(
            request, "competition_joined.html", session, view=view, invitation=secret, index=index
        )
        authenticator.take_back(shown, request.url.path)
        return shown

    def enter_team(
        request: Request,
        session: Session,
        vault: Vault,
        name: str,
        given: FormData,
        path: str,
        wish: Answer,
        at: str,
    ) -> Response:
        """Both ways of joining accept the terms that stood on the page, and give a receipt of it."""
        try:
            if "terms" not in given:
                raise terms_unread()
            body = wish | {"terms_sha256": text_of(given, "terms")}
            told = VaultCompetitions(vault).do(session.principal.id, name, path, body)
        except CihuError as refusal:
            if refusal.code == "competition_not_found":
                raise
            return of_team.show(request, session, vault, name, refusal=refusal, at=at, typed=given)
        page = RedirectResponse(HANDED_PATH.format(name), status_code=303)
        secret = f"{told.get('invitation', '')}.{told['receipt']['index']}"
        authenticator.show_once(page, session, HANDED_PATH.format(name), secret)
        return page

    for deed in ("leave", "dissolve"):
        _add_plain_deed(routes, authenticator, of_team, vault, deed)

    @routes.post(f"{home}/withdraw")
    def withdraw(request: Request, session: Sender, vault: Reading, name: str, given: Given) -> Response:
        body = {"reason": text_of(given, "reason")}
        return of_team.send(request, session, vault, name, given, "/withdraw", body, at="withdraw")

    @routes.post(f"{home}/merge")
    def merge(request: Request, session: Sender, vault: Reading, name: str, given: Given) -> Response:
        body = {"into": number_or_text(text_of(given, "into"))}
        return of_team.send(request, session, vault, name, given, "/mergers", body, at="merge")

    @routes.post(home + "/mergers/{team}/accept")
    def accept(
        request: Request, session: Sender, vault: Reading, name: str, team: int, given: Given
    ) -> Response:
        return of_team.send(request, session, vault, name, given, f"/mergers/{team}/accept", None)

    @routes.post(home + "/appeal")
    def appeal(request: Request, session: Sender, vault: Reading, name: str, given: Given) -> Response:
        body = {"track": text_of(given, "track"), "text": text_of(given, "appeal")}
        return of_team.send(request, session, vault, name, given, "/appeals", body, at="appeals")

    _add_entries(routes, authenticator, of_team, vault)
    _add_certificate(routes, authenticator, of_team, vault)
    return routes


def _add_certificate(
    routes: APIRouter, authenticator: Authenticator, of_team: TeamPages, vault: Vault
) -> None:
    """A member's certificate: taken, as PDF in the page's language, and its receipt."""
    Reading = Annotated[Vault, Depends(vault_in_language(vault))]
    Person = Annotated[Session, Depends(authenticator.person)]
    home = "/competitions/{name}/team/certificate"

    @routes.post(home)
    def take(
        request: Request,
        session: Annotated[Session, Depends(authenticator.sender)],
        vault: Reading,
        name: str,
        given: Annotated[FormData, Depends(posted)],
    ) -> Response:
        try:
            body = {"shown_as": text_of(given, "shown_as")}
            VaultCompetitions(vault).do(session.principal.id, name, "/certificate", body)
        except CihuError as refusal:
            if refusal.code == "competition_not_found":
                raise
            return of_team.show(request, session, vault, name, refusal=refusal, at="certificate", typed=given)
        return RedirectResponse(f"/competitions/{name}/team#certificate", status_code=303)

    @routes.get(home + ".pdf")
    def pdf(request: Request, session: Person, vault: Reading, name: str) -> Response:
        found = VaultCompetitions(vault).get(session.principal.id, name, "/certificate")
        address = of_team.pages.settings.portal_url
        made = certificate_pdf(found, language_of(request), portal_address=address)
        return as_file(made, "certificate.pdf")

    @routes.get(home + ".json")
    def receipt(session: Person, vault: Reading, name: str) -> Response:
        found = VaultCompetitions(vault).get(session.principal.id, name, "/certificate")
        text = json.dumps(found["receipt"], ensure_ascii=False, indent=2)
        return as_file(text.encode(), "certificate.json")


def _add_plain_deed(
    routes: APIRouter, authenticator: Authenticator, of_team: TeamPages, vault: Vault, deed: str
) -> None:
    """One that needs no words: to leave, to dissolve."""

    @routes.post(f"/competitions/{{name}}/team/{deed}")
    def act(
        request: Request,
        session: Annotated[Session, Depends(authenticator.sender)],
        vault: Annotated[Vault, Depends(vault_in_language(vault))],
        name: str,
        given: Annotated[FormData, Depends(posted)],
    ) -> Response:
        return of_team.send(request, session, vault, name, given, f"/{deed}", None, at="withdraw")


def _add_entries(routes: APIRouter, authenticator: Authenticator, of_team: TeamPages, vault: Vault) -> None:
    Reading = Annotated[Vault, Depends(vault_in_language(vault))]
    Sender = Annotated[Session, Depends(authenticator.sender)]
    Given = Annotated[FormData, Depends(posted)]
    WithFile = Annotated[FormData, Depends(form_with_entry)]

    @routes.post("/competitions/{name}/entries")
    async def enter(
        request: Request, session: Sender, vault: Reading, name: str, given: WithFile
    ) -> Response:
        texts, files = await read_files(given)
        return await run_in_threadpool(handed_in, request, session, vault, name, texts, files)

    @routes.post("/competitions/{name}/entries/{id}/cancel")
    def cancel(
        request: Request, session: Sender, vault: Reading, name: str, id: int, given: Given
    ) -> Response:
        return of_team.send(request, session, vault, name, given, f"/entries/{id}/cancel", None, at="entries")

    @routes.post("/competitions/{name}/entries/{id}/choose")
    def choose(
        request: Request, session: Sender, vault: Reading, name: str, id: int, given: Given
    ) -> Response:
        return of_team.send(request, session, vault, name, given, f"/entries/{id}/choose", None, at="entries")

    def handed_in(
        request: Request, session: Session, vault: Vault, name: str, given: FormData, files: list[SentEntry]
    ) -> Response:
        def deed() -> str:
            body = entry_of(viewed(vault, name), vault, session.principal.id, given, files)
            told = VaultCompetitions(vault).do(session.principal.id, name, "/entries", body)
            return back_to_team(name, told, "entries")

        number, *words = number_and_words(plain_form(given))
        try:
            digests = [sha256(each.content).hexdigest() for each in files]
            return sent_once(authenticator, request, number, *words, *digests, deed=deed)
        except CihuError as refusal:
            if refusal.code == "competition_not_found":
                raise
            return of_team.show(request, session, vault, name, refusal=refusal, at="enter", typed=given)


async def read_file(given: FormData) -> tuple[FormData, str | None]:
    """The form without its file, and the file's text; None without one. Raises `InvalidInput`."""
    texts, files = await read_files(given)
    return texts, text_in(files[0]) if files else None


async def read_files(given: FormData) -> tuple[FormData, list[SentEntry]]:
    """The form without its files, and the files."""
    texts = FormData([(name, value) for name, value in given.multi_items() if isinstance(value, str)])
    files = [
        SentEntry(field, value.filename, await value.read())
        for field, value in given.multi_items()
        if isinstance(value, (UploadFile, SentFile)) and value.filename
    ]
    return texts, files


def entry_of(
    view: CompetitionView, vault: Vault, who: str, given: FormData, files: list[SentEntry]
) -> Answer:
    """The body of a new entry: of one file, a run, or a text. A program that came as a file is submitted
    first, as a predictor of the team. Raises `InvalidInput`, and what the vault refused with."""
    file = only_file(files)
    run = text_of(given, "run")
    if file is not None and run:
        raise one_thing()
    kind, content = text_of(given, "kind"), dict[str, object]()
    if kind == "document":
        content = {"text": text_in(file) if file else text_of(given, "document").replace("\r\n", "\n")}
    elif kind == "questions":
        content = question_of(given)
    elif file is None:
        if not RUN.fullmatch(run):
            raise one_thing()
        content = {"run": run}
    elif file.field == "model":
        kind, content = "model", model_of(given, file)
    else:
        program = new_run(view, given, text_in(file))
        kind, content = "program", {"run": VaultCompetitions(vault).submit_predictor(who, program)}
    return {
        "track": text_of(given, "track"),
        "kind": kind,
        "content": content,
        "note": text_of(given, "note"),
        "outside_data": text_of(given, "outside_data"),
    }


def question_of(given: FormData) -> Answer:
    """A named private question; the vault looks into it. Raises `InvalidInput` for parameters that cannot be
    read."""
    return {
        "title": text_of(given, "question_title"),
        "purpose": text_of(given, "purpose").replace("\r\n", "\n"),
        "sql": text_of(given, "sql").replace("\r\n", "\n"),
        "epsilon": text_of(given, "epsilon"),
        "parameters": parameters_of(text_of(given, "parameters")),
    }


def only_file(files: list[SentEntry]) -> SentEntry | None:
    """The file, whose name ends as its field's files do. Raises `InvalidInput`, before anything is spent."""
    if len(files) > 1:
        raise one_thing()
    if not files:
        return None
    file = files[0]
    endings = ENDINGS.get(file.field)
    if endings is None or not file.name.lower().endswith(endings):
        allowed = ", ".join(endings or (".safetensors", ".py", ".md"))
        raise InvalidInput(
            f"{file.name[:70]!r} is no file of this kind.",
            code="bad_entry_file",
            remedy=f"Choose a file that ends in {allowed}.",
            zh=f"“{file.name[:70]}”不是此项所需的文件。",
            remedy_zh=f"请选择扩展名为 {allowed} 的文件。",
        )
    return file


def model_of(given: FormData, file: SentEntry) -> Answer:
    """A linear model as an entry has it. Raises `InvalidInput`."""
    columns = [each for each in re.split(r"[\s,，、]+", text_of(given, "columns")) if each]
    if not columns:
        raise InvalidInput(
            "The model does not say which columns it reads.",
            code="bad_model_entry",
            remedy="Write their names in the order of the coefficients, with commas between them.",
            zh="未写明模型读取的栏目。",
            remedy_zh="请按系数的顺序填写栏目名，以逗号分隔。",
        )
    content: Answer = {
        "model": b64encode(file.content).decode(),
        "columns": columns,
        "predicts": text_of(given, "model_predicts"),
    }
    interface = model_interface(content)
    linear_of(model_program(FILE, file.content, interface), interface)
    return content


def text_in(file: SentEntry) -> str:
    """Raises `InvalidInput` for a file that is no text."""
    try:
        text = file.content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise no_text() from None
    if not is_text(text):
        raise no_text()
    return text


def new_run(view: CompetitionView, given: FormData, program: str) -> Answer:
    """Of a program: one file, which predicts the track's target from its features."""
    track = view.track(text_of(given, "track"))
    data = next((one for one in track.datasets if one.target), None) if track else None
    if data is None:
        raise InvalidInput(
            "This track takes no programs.",
            remedy="Choose a track with a board.",
            zh="该赛道不接受程序。",
            remedy_zh="请选择设榜的赛道。",
        )
    return {
        "name": f"{view.name} {track.id if track else ''}",
        "entry": "main.py",
        "files": {"main.py": program},
        "inputs": [data.dataset],
        "limit_seconds": RUN_SECONDS,
        "interface": {
            "columns": list(data.features),
            "predicts": {str(data.target): text_of(given, "predicts") or "number"},
        },
    }


def back_to_team(name: str, told: Answer, at: str) -> str:
    """The team's page, with the place in the log of what was handed in."""
    receipt = f"?receipt={told['receipt']['index']}" if "receipt" in told else ""
    return f"/competitions/{name}/team{receipt}" + (f"#{at}" if at else "")


def predictors(vault: Vault, who: str) -> list[Answer]:
    """Runs of one's teams that an entry can name."""
    return told(lambda: [run for run in vault.runs(who) if run.get("interface")]) or []


def text_of(given: FormData, name: str) -> str:
    value = given.get(name, "")
    return value.strip() if isinstance(value, str) else ""


def require_reason(text: str) -> str:
    """The text itself. Raises `InvalidInput` for one that says nothing."""
    if len(text) < SHORTEST_REASON:
        raise InvalidInput(
            f"Say why, in at least {SHORTEST_REASON} characters.",
            code="reason_needed",
            remedy="Others read it.",
            zh=f"请说明理由，至少 {SHORTEST_REASON} 个字符。",
            remedy_zh="相关人员会看到。",
        )
    return text


def terms_unread() -> InvalidInput:
    return InvalidInput(
        "You have not accepted the terms.",
        code="terms_not_accepted",
        remedy="Read them, and tick the box.",
        zh="您尚未接受条款。",
        remedy_zh="请阅读条款并勾选。",
    )


def one_thing() -> InvalidInput:
    return InvalidInput(
        "An entry is one thing: a model, a program, a submitted run, or a document.",
        code="bad_entry_file",
        remedy="Fill in one of them, with a run by its number.",
        zh="一次提交只能是一项：模型、程序、已提交的运行或文档。",
        remedy_zh="请只填写其中一项；运行须填写编号。",
    )


def no_text() -> InvalidInput:
    return InvalidInput(
        "The file is no text.",
        remedy="Send a program (.py) or a document (.md) saved as UTF-8.",
        zh="该文件不是文本。",
        remedy_zh="请提交以 UTF-8 保存的程序（.py）或文档（.md）。",
    )
