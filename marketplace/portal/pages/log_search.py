"""Pages: the log searched by auditors, the trail of an object, exports, who follows the log; how departments
work."""

from collections.abc import Iterator
from typing import Annotated, Any
from urllib.parse import quote, urlencode

import httpx
from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import Response, StreamingResponse

from marketplace.portal.authentication import Authenticator
from marketplace.portal.language import language_of, vault_in_language
from marketplace.portal.log_kinds import kind_words, kinds_by_area
from marketplace.portal.pages.log import log_key, read_filter
from marketplace.portal.rendering import Pages, words_of
from marketplace.portal.sessions import Session
from marketplace.vault import Answer, Vault
from sandbox.audit import NotProven, verify_growth
from sandbox.errors import CihuError, InvalidInput
from sandbox.plain_text import PlainText

FILTERS = ("person", "object", "kind", "since", "until")
NEWEST = 10
"""So many checkpoints are held against each other on the page of witnesses."""
WINDOWS = (31, 92, 183, 366)
PROVEN: set[tuple[str, str, str]] = set()
"""Of which two signed notes, under which key, it was proven that the log of the second continues that of the
first: it stays so."""
MOST_PROVEN = 1000


def router(*, authenticator: Authenticator, pages: Pages, vault: Vault) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    Reading = Annotated[Vault, Depends(vault_in_language(vault))]
    Person = Annotated[Session, Depends(authenticator.person)]
    Anybody = Annotated[Session | None, Depends(authenticator.anybody)]
    Sender = Annotated[Session, Depends(authenticator.sender)]
    Text = Annotated[PlainText, Form()]

    @routes.get("/log/search")
    def search(request: Request, session: Person, vault: Reading) -> Response:
        wanted = {name: request.query_params.get(name, "").strip()[:300] for name in (*FILTERS, "before")}
        found: Answer = {"size": 0, "entries": [], "older": None}
        refusal, status = None, 200
        try:
            found = vault.get(session.principal.id, "/v1/log/search", **_filter(wanted))
        except InvalidInput as error:
            refusal, status = words_of(error), 422
        kept = {name: value for name, value in wanted.items() if value and name != "before"}
        return pages.show(
            request,
            "log_search.html",
            session,
            status=status,
            wanted=wanted,
            found=found,
            older=_older("/log/search", kept, found["older"]),
            refusal=refusal,
            kinds=kinds_by_area(language_of(request)),
            kind_words=kind_words,
            trail_of=trail_of,
        )

    @routes.get("/log/objects/{kind}/{id:path}")
    def trail(request: Request, session: Person, vault: Reading, kind: str, id: str) -> Response:
        before = request.query_params.get("before", "").strip()[:16]
        path = f"/log/objects/{quote(kind, safe='')}/{quote(id, safe='')}"
        found = vault.get(session.principal.id, f"/v1{path}", **_filter({"before": before}))
        return pages.show(
            request,
            "log_trail.html",
            session,
            found=found,
            object=f"{kind}:{id}",
            older=_older(path, {}, found["older"]),
            kind_words=kind_words,
            trail_of=trail_of,
        )

    @routes.post("/log/exports")
    def export(
        session: Sender,
        vault: Reading,
        format: Text = "ndjson",
        person: Text = "",
        object: Text = "",
        kind: Text = "",
        since: Text = "",
        until: Text = "",
    ) -> Response:
        given = (person, object, kind, since, until)
        wanted = dict(zip(FILTERS, (each.strip() for each in given), strict=True))
        answer = vault.streamed(
            session.principal.id, "POST", "/v1/log/exports", format=format, **_filter(wanted)
        )
        return StreamingResponse(
            _passed_on(answer),
            media_type=answer.headers["content-type"],
            headers={
                "Content-Disposition": answer.headers["content-disposition"],
                "Cache-Control": "no-store",
            },
        )

    @routes.get("/log/witnesses")
    def witnesses(request: Request, session: Anybody, vault: Reading) -> Response:
        before = vault.public("/log/entries", limit=1).json()["size"]
        signed = vault.public("/log/checkpoints").json()[:NEWEST]
        key = log_key(vault)
        return pages.show(
            request,
            "log_witnesses.html",
            session,
            key=key,
            size=before,
            covered=signed[0]["size"] if signed else 0,
            known=vault.public("/log/witnesses").json(),
            chain=[
                {**newer, "continues": _continues(vault, older, newer, key["key"]) if older else None}
                for newer, older in zip(signed, [*signed[1:], None], strict=True)
            ],
        )

    @routes.get("/log/witnessed-checkpoint.txt")
    def witnessed_checkpoint(session: Anybody, vault: Reading) -> Response:
        note = vault.public("/log/witnessed-checkpoint").text
        return Response(note, media_type="text/plain", headers={"Cache-Control": "no-store"})

    @routes.get("/scoreboard")
    def scoreboard(request: Request, session: Person, vault: Reading, days: str = "92") -> Response:
        wanted = int(days) if days in map(str, WINDOWS) else 92
        known = vault.get(session.principal.id, "/v1/scoreboard", days=str(wanted))
        return pages.show(request, "scoreboard.html", session, known=known, windows=WINDOWS)

    return routes


def trail_of(object: str) -> str:
    """The address of an object's trail; empty for what is no object."""
    kind, _, id = object.partition(":")
    return f"/log/objects/{quote(kind, safe='')}/{quote(id, safe='')}" if kind and id else ""


def _filter(wanted: dict[str, str]) -> dict[str, Any]:
    """As the vault takes it. Raises `InvalidInput`."""
    times = read_filter({name: wanted.get(name, "") for name in ("kind", "since", "until", "before")})
    object = wanted.get("object", "")
    if object and ":" not in object:
        raise InvalidInput(
            "This is not the name of an object.",
            remedy="Write its kind, a colon and its name, as dataset:health.visits or grant:12.",
            zh="这不是对象的名称。",
            remedy_zh="请写明类别、冒号和名称，如 dataset:health.visits 或 grant:12。",
        )
    given = {**times, "person": wanted.get("person", ""), "object": object}
    return {name: value for name, value in given.items() if value}


def _older(path: str, kept: dict[str, str], before: int | None) -> str:
    return "" if before is None else f"{path}?{urlencode({**kept, 'before': str(before)})}"


def _passed_on(answer: httpx.Response) -> Iterator[bytes]:
    try:
        yield from answer.iter_bytes()
    finally:
        answer.close()


def _continues(vault: Vault, older: dict[str, Any], newer: dict[str, Any], key: str) -> bool:
    """Whether the log of the newer checkpoint begins as that of the older one, by the proof."""
    pair = older["note"], newer["note"], key
    if newer["size"] == older["size"] or pair in PROVEN:
        return True
    try:
        sizes = {"first": older["size"], "second": newer["size"]}
        proof = vault.public("/v1/log/consistency", **sizes).json()["proof"]
        verify_growth(older["note"], newer["note"], proof, key)
    except (NotProven, CihuError):
        return False
    if len(PROVEN) >= MOST_PROVEN:
        PROVEN.clear()
    PROVEN.add(pair)
    return True
