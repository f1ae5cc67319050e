"""Pages: a team's sealed runs, and one run with its program, the requests for its files, and the released
ones."""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import FormData

from marketplace.portal.authentication import Authenticator
from marketplace.portal.language import vault_in_language
from marketplace.portal.pages.reviews import kinds_of
from marketplace.portal.plain_form import posted
from marketplace.portal.rendering import Pages, as_file, words_of
from marketplace.portal.sent_once import number_and_words, sent_once
from marketplace.portal.sessions import Session
from marketplace.vault import Vault
from sandbox.competitions.entries.model_entry import KINDS
from sandbox.errors import InvalidInput, NotFound

OPEN, ASKABLE = ("queued", "running"), ("finished", "returned")
FIELDS = ("path", "statbarn", "context", "controls", "counts")
USUAL_FILES, MOST_FILES = 2, 100
TABLE = {
    "path": "table.csv",
    "statbarn": "frequencies",
    "context": "",
    "counts": "counts.csv",
    "controls": "counted, suppressed and rounded by the vault itself",
}
"""What is so of every declared table."""


def router(*, authenticator: Authenticator, pages: Pages, vault: Vault) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    Reading = Annotated[Vault, Depends(vault_in_language(vault))]
    Person = Annotated[Session, Depends(authenticator.person)]
    Sender = Annotated[Session, Depends(authenticator.sender)]
    Given = Annotated[FormData, Depends(posted)]

    @routes.get("/runs")
    def runs(request: Request, session: Person, vault: Reading) -> Response:
        return pages.show(request, "runs.html", session, runs=vault.runs(session.principal.id))

    @routes.get("/runs/{number}")
    def run(
        request: Request, session: Person, vault: Reading, number: str, files: int = USUAL_FILES
    ) -> Response:
        return shown(request, session, vault, number, groups=files)

    @routes.post("/runs/{number}/cancel")
    def cancel(session: Sender, vault: Reading, number: str) -> Response:
        vault.cancel_run(session.principal.id, number)
        return back(number)

    @routes.post("/runs/{number}/release")
    def ask(request: Request, session: Sender, vault: Reading, number: str, given: Given) -> Response:
        return send(request, session, vault, number, given, change=False)

    @routes.post("/runs/{number}/release/change")
    def change(request: Request, session: Sender, vault: Reading, number: str, given: Given) -> Response:
        return send(request, session, vault, number, given, change=True)

    @routes.post("/runs/{number}/release/withdraw")
    def withdraw(session: Sender, vault: Reading, number: str) -> Response:
        vault.withdraw_release(session.principal.id, number)
        return back(number)

    @routes.get("/runs/{number}/files/{path:path}")
    def file(session: Person, vault: Reading, number: str, path: str) -> Response:
        return as_file(vault.run_file(session.principal.id, number, path), path.rpartition("/")[2])

    @routes.get("/runs/{number}/package")
    def package(session: Person, vault: Reading, number: str) -> Response:
        return as_file(vault.run_package(session.principal.id, number), "run.zip")

    @routes.get("/runs/{number}/receipt")
    def receipt(session: Person, vault: Reading, number: str) -> Response:
        found = vault.run_files(session.principal.id, number)["receipt"]
        if found is None:
            raise NotFound(
                "Nothing of this run was released.",
                remedy="A receipt comes with the release.",
                zh="此运行没有放行任何文件。",
                remedy_zh="放行时才有凭证。",
            )
        return as_file(json.dumps(found, ensure_ascii=False, indent=2).encode(), "receipt.json")

    def send(
        request: Request, session: Session, vault: Vault, number: str, given: FormData, *, change: bool
    ) -> Response:
        files = files_in(given)

        def ask() -> str:
            ask_for(vault, session.principal.id, number, files, change=change)
            return f"/runs/{number}"

        try:
            return sent_once(authenticator, request, *number_and_words(given), deed=ask)
        except InvalidInput as refusal:
            return shown(request, session, vault, number, status=422, refusal=words_of(refusal), typed=files)

    def shown(
        request: Request,
        session: Session,
        vault: Vault,
        number: str,
        *,
        groups: int = USUAL_FILES,
        status: int = 200,
        refusal: dict[str, str] | None = None,
        typed: list[dict[str, str]] | None = None,
    ) -> Response:
        who = session.principal.id
        run, asked = vault.run(who, number), vault.run_release(who, number)
        files = typed if typed is not None else forms(run, asked, groups)
        rules = vault.disclosure(who)
        return pages.show(
            request,
            "run.html",
            session,
            status=status,
            refusal=refusal,
            run=run,
            asked=asked,
            forms=files,
            rules=rules,
            kinds=kinds_of(rules),
            cancellable=run["state"] in OPEN,
            waits=asked is not None and asked["state"] == "open",
            askable=run["state"] in ASKABLE,
            more=min(len(files) + USUAL_FILES, MOST_FILES),
            model_kinds=KINDS,
            released=vault.run_files(who, number)["files"] if run["state"] == "released" else [],
        )

    return routes


def ask_for(vault: Vault, who: str, number: str, files: list[dict[str, str]], *, change: bool) -> None:
    """Ask for what was typed; an empty form asks for all described outputs."""
    named = wanted(files)
    if not named and not change:
        named = wanted(described(vault.run(who, number)))
    vault.ask_for_files(who, number, named, change=change)


def described(run: dict[str, Any]) -> list[dict[str, str]]:
    """The files that the vault computed from what the program described, as they are declared."""
    return [{field: one[field] or "" for field in FIELDS} for one in run["outputs"]][:MOST_FILES]


def forms(run: dict[str, Any], asked: dict[str, Any] | None, groups: int) -> list[dict[str, str]]:
    """The first values of the form: the last declaration of each file, or the facts of a declared table, or
    the described outputs, then empty groups."""
    said = [{field: one[field] or "" for field in FIELDS} for one in asked["files"]] if asked else []
    first = said or ([dict(TABLE)] if run["kind"] == "table" else described(run))
    empty = max(1 if first else USUAL_FILES, min(groups, MOST_FILES) - len(first))
    return [*first, *({} for _ in range(empty))]


def files_in(given: FormData) -> list[dict[str, str]]:
    """The groups path_0, statbarn_0, context_0, controls_0, counts_0; path_1, ... as they were typed."""
    files: list[dict[str, str]] = []
    while f"path_{len(files)}" in given and len(files) < MOST_FILES:
        place = len(files)
        files.append({field: str(given.get(f"{field}_{place}", "")).strip() for field in FIELDS})
    return files


def wanted(files: list[dict[str, str]]) -> list[dict[str, str | None]]:
    """Without the groups that were left empty."""
    return [
        {**one, "counts": one["counts"] or None}
        for one in files
        if one["path"] or one["context"] or one["controls"]
    ]


def back(number: str) -> Response:
    return RedirectResponse(f"/runs/{number}", status_code=303)
