"""Pages: what waits for reviewers, one review with all that stands beside it, a file in quarantine,
and the vote."""

import re
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import FormData

from marketplace.portal.authentication import Authenticator
from marketplace.portal.paging import page_of, part, reach
from marketplace.portal.plain_form import posted
from marketplace.portal.preview import preview_of
from marketplace.portal.rendering import Pages, as_file, words_of
from marketplace.portal.sent_once import number_and_words, sent_once
from marketplace.portal.sessions import Session
from marketplace.vault import Vault
from sandbox.errors import InvalidInput

SEVERITIES = ("blocks", "asks", "notes")
CELL = re.compile(r"(?:.*: )?row (\d{1,7}), (.+)", re.DOTALL)


def router(*, authenticator: Authenticator, pages: Pages, vault: Vault) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    Person = Annotated[Session, Depends(authenticator.person)]
    Sender = Annotated[Session, Depends(authenticator.sender)]
    Given = Annotated[FormData, Depends(posted)]

    @routes.get("/reviews")
    def queue(request: Request, session: Person) -> Response:
        who, page, decided = session.principal.id, page_of(request), page_of(request, "decided")
        return pages.show(
            request,
            "reviews.html",
            session,
            counted=vault.review_statistics(who),
            waiting=part(vault.reviews(who, **reach(page)), page),
            decided=part(vault.reviews(who, state="decided", **reach(decided)), decided),
        )

    @routes.get("/reviews/{number}")
    def review(request: Request, session: Person, number: str) -> Response:
        return shown(request, session, number)

    @routes.get("/reviews/{number}/files/{path:path}")
    def file(
        request: Request, session: Person, number: str, path: str, *, original: bool = False
    ) -> Response:
        who = session.principal.id
        seen = vault.review_file(who, number, path, original=original, as_table=True)
        files = {one["path"]: one for one in vault.review(who, number)["files"]}
        findings = files[path]["findings"] if path in files else []
        differences = files[path]["differences"] if path in files else []
        return pages.show(
            request,
            "review_file.html",
            session,
            number=number,
            path=path,
            size=seen.size,
            original=seen.original,
            preview=preview_of(path, seen.content, table=seen.table),
            findings=findings,
            marked=marked_cells(findings) if seen.original else frozenset(),
            differences=differences,
            changed=frozenset() if seen.original else changed_cells(differences),
            by_code=by_code,
        )

    @routes.get("/reviews/{number}/ending")
    def ending(request: Request, session: Person, number: str) -> Response:
        ended = vault.review_ending(session.principal.id, number)
        return pages.show(request, "review_ending.html", session, number=number, ended=ended, by_code=by_code)

    @routes.get("/reviews/{number}/download/{path:path}")
    def download(session: Person, number: str, path: str, *, original: bool = False) -> Response:
        seen = vault.review_file(session.principal.id, number, path, original=original)
        return as_file(seen.content, path.rpartition("/")[2])

    @routes.post("/reviews/{number}/votes")
    def cast(request: Request, session: Sender, number: str, given: Given) -> Response:
        def vote() -> str:
            vault.vote(
                session.principal.id, number, revision=number_in(given, "revision"), votes=votes_in(given)
            )
            return f"/reviews/{number}"

        try:
            return sent_once(authenticator, request, *number_and_words(given), deed=vote)
        except InvalidInput as refusal:
            typed = {name: value for name, value in given.items() if isinstance(value, str)}
            return shown(request, session, number, status=422, refusal=words_of(refusal), typed=typed)

    @routes.get("/reviews/{number}/package")
    def package(session: Person, number: str) -> Response:
        return as_file(vault.review_package(session.principal.id, number), "run.zip")

    @routes.post("/reviews/{number}/seats")
    def give_on(session: Sender, number: str) -> Response:
        vault.give_seats_on(session.principal.id, number)
        return RedirectResponse(f"/reviews/{number}", status_code=303)

    def shown(
        request: Request,
        session: Session,
        number: str,
        *,
        status: int = 200,
        refusal: dict[str, str] | None = None,
        typed: dict[str, str] | None = None,
    ) -> Response:
        who = session.principal.id
        return pages.show(
            request,
            "review.html",
            session,
            status=status,
            refusal=refusal,
            typed=typed or {},
            review=vault.review(who, number),
            kinds=kinds_of(vault.disclosure(who)),
            by_code=by_code,
        )

    return routes


def kinds_of(rules: dict[str, Any]) -> dict[str, dict[str, str]]:
    """What a file can be declared as, in both languages:
    the statbarns and the analyses that stand for them."""
    return {
        name: words
        for barn in rules["statbarns"]
        for name, words in {barn["id"]: barn["name"], **barn["analyses"]}.items()
    }


def by_code(findings: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """The findings of a file, those of one kind together, what blocks first."""
    kinds: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for one in findings:
        kinds.setdefault((one["severity"], one["code"]), []).append(one)
    return sorted(kinds.values(), key=lambda kind: SEVERITIES.index(kind[0]["severity"]))


def marked_cells(findings: list[dict[str, Any]]) -> frozenset[tuple[int, str]]:
    """The cells that findings name, by row (from 1) and column: `row 3, income`."""
    found = (CELL.fullmatch(one["where"]) for one in findings if one["severity"] != "notes")
    return frozenset((int(match[1]), match[2]) for match in found if match)


def changed_cells(differences: list[dict[str, Any]]) -> frozenset[tuple[int, str]]:
    """The cells that are new or changed beside what left earlier and is most alike, by row (from 1) and
    column; a whole row has the column "", a whole column the row 0."""
    table = differences[0]["table"] if differences else None
    if table is None:
        return frozenset()
    return frozenset(
        [
            *[(cell["row"], cell["column"]) for cell in table["changed"]],
            *[(row, "") for row in table["new_rows"]],
            *[(0, column) for column in table["new_columns"]],
        ]
    )


def number_in(given: FormData, name: str) -> int:
    """Raises `InvalidInput`."""
    return number_in_text(str(given.get(name, "")))


def number_in_text(text: str) -> int:
    """A number that a page wrote into its own form. Raises `InvalidInput`."""
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise InvalidInput(
            "The form is not complete.",
            remedy="Load the page again.",
            zh="表单不完整。",
            remedy_zh="请重新打开页面。",
        )
    return int(text)


def votes_in(given: FormData) -> list[dict[str, Any]]:
    """The groups path_0, vote_0, comment_0, reason_0; path_1, ...
    Raises `InvalidInput` for a file without a vote."""
    votes = []
    place = 0
    while path := str(given.get(f"path_{place}", "")):
        choice, reason = str(given.get(f"vote_{place}", "")), str(given.get(f"reason_{place}", ""))
        if not choice:
            raise InvalidInput(
                f"{path}: there is no vote on it.",
                code="votes_incomplete",
                remedy="Choose one for each file.",
                zh=f"文件 {path} 还没有投票。",
                remedy_zh="请为每个文件作出选择。",
            )
        votes.append(
            {
                "path": path,
                "vote": choice,
                "comment": str(given.get(f"comment_{place}", "")),
                "reasons": [reason] if reason else [],
            }
        )
        place += 1
    return votes
