"""Pages: the log for everybody, with receipts, checkpoints and proofs; the description of the JSON API."""

import json
from datetime import datetime, timedelta
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, FastAPI, File, Form, Request, UploadFile
from fastapi.responses import Response

from marketplace.portal.authentication import Authenticator
from marketplace.portal.language import language_of, vault_in_language
from marketplace.portal.log_kinds import kind_words, kinds_by_area
from marketplace.portal.rendering import Pages, words_of
from marketplace.portal.sessions import Session
from marketplace.vault import Answer, Vault
from sandbox.audit import NotProven, verify_growth, verify_receipt
from sandbox.audit.cosignatures import WitnessKey, read_cosignatures
from sandbox.audit.note import PublicKey, open_checkpoint
from sandbox.city_time import CITY_TIME
from sandbox.errors import CihuError, InvalidInput, NotFound
from sandbox.plain_text import ExactText

METHODS = ("get", "post", "put", "delete")
LONGEST_RECEIPT = 200_000
LARGEST_INDEX = 10**15


def router(*, authenticator: Authenticator, pages: Pages, vault: Vault, app: FastAPI) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    Reading = Annotated[Vault, Depends(vault_in_language(vault))]
    Anybody = Annotated[Session | None, Depends(authenticator.anybody)]

    def shown(
        request: Request, session: Session | None, vault: Vault, *, status: int = 200, **more: Any
    ) -> Response:
        given = request.query_params
        wanted = {name: given.get(name, "").strip()[:40] for name in ("kind", "since", "until", "before")}
        refusal, listing = None, {"size": 0, "entries": [], "older": None}
        try:
            listing = vault.public("/log/entries", **read_filter(wanted)).json()
        except (InvalidInput, NotFound) as error:
            refusal, status = words_of(error), 422
        older = {**{name: value for name, value in wanted.items() if value}, "before": listing["older"]}
        return pages.show(
            request,
            "log.html",
            session,
            status=status,
            **{
                "listing": listing,
                "older": None if listing["older"] is None else "/log?" + urlencode(older),
                "wanted": wanted,
                "kinds": kinds_by_area(language_of(request)),
                "kind_words": kind_words,
                "checkpoint": vault.public("/v1/log/checkpoint").text,
                "checkpoints": vault.public("/log/checkpoints").json(),
                "key": log_key(vault),
                "index": "",
                "receipt": None,
                "verified": None,
                "cosigned": None,
                "grown": None,
                "fault": None,
                "refusal": refusal,
                "old": "",
                **more,
            },
        )

    @routes.get("/log")
    def log(request: Request, session: Anybody, vault: Reading, index: str = "") -> Response:
        if not index.strip():
            return shown(request, session, vault)
        try:
            receipt = receipt_of(session, vault, index)
        except CihuError as error:
            return shown(request, session, vault, index=index[:20], refusal=words_of(error))
        return shown(request, session, vault, index=index, receipt=as_text(receipt))

    @routes.get("/log/receipts/{index}.json")
    def receipt_file(session: Anybody, vault: Reading, index: str) -> Response:
        receipt = receipt_of(session, vault, index)
        return Response(
            as_text(receipt),
            media_type="application/json",
            headers={
                "Content-Disposition": f'attachment; filename="receipt-{receipt["index"]}.json"',
                "Cache-Control": "no-store",
            },
        )

    @routes.post("/log/verify")
    def verify(
        request: Request,
        session: Anybody,
        vault: Reading,
        file: Annotated[UploadFile | None, File()] = None,
        text: Annotated[ExactText, Form()] = "",
    ) -> Response:
        """Nothing is stored and nobody is named: a stranger may send it, from anywhere."""
        body = file.file.read(LONGEST_RECEIPT + 1) if file is not None and file.filename else text.encode()
        try:
            receipt = read_receipt(body)
            verified = verify_receipt(receipt, log_key(vault)["key"])
            cosigned = cosigned_by(vault, str(receipt["checkpoint"]))
        except NotProven as fault:
            return shown(request, session, vault, status=422, fault=("receipt", fault.message))
        except InvalidInput as refusal:
            return shown(request, session, vault, status=422, refusal=words_of(refusal))
        return shown(request, session, vault, verified=verified, cosigned=cosigned)

    @routes.post("/log/growth")
    def growth(
        request: Request, session: Anybody, vault: Reading, old: Annotated[ExactText, Form()] = ""
    ) -> Response:
        """Whether the log of today begins as the one that a checkpoint states."""
        key, new = log_key(vault)["key"], vault.public("/v1/log/checkpoint").text
        try:
            old = old.replace("\r\n", "\n").strip() + "\n"
            first, second = (open_checkpoint(note, PublicKey.parse(key)).size for note in (old, new))
            proof = vault.public("/v1/log/consistency", first=first, second=second).json()["proof"]
            verify_growth(old, new, proof, key)
        except NotProven as fault:
            return shown(request, session, vault, status=422, fault=("growth", fault.message), old=old[:5000])
        except InvalidInput as refusal:
            return shown(request, session, vault, status=422, refusal=words_of(refusal), old=old[:5000])
        grown = {"first": first, "second": second, "proof": proof}
        return shown(request, session, vault, grown=grown, old=old)

    @routes.get("/docs")
    def api_description(request: Request) -> Response:
        schema = app.openapi()
        operations = [
            {"method": method.upper(), "path": path, **operation}
            for path, methods in schema["paths"].items()
            for method, operation in methods.items()
            if method in METHODS
        ]
        return pages.show(
            request,
            "api.html",
            authenticator.anybody(request),
            operations=operations,
            schemas=schema.get("components", {}).get("schemas", {}),
        )

    return routes


def receipt_of(session: Session | None, vault: Vault, index: str) -> Any:
    """With its opening for those who may see it: nobody without an account may. Raises `InvalidInput`,
    `NotFound`."""
    text = index.strip()
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise InvalidInput(
            "This is not the number of an entry.",
            remedy="Entries are numbered from 0.",
            zh="这不是记录编号。",
            remedy_zh="记录从 0 开始编号。",
        )
    try:
        if session is not None and not session.principal.unverified:
            return vault.receipt(session.principal.id, int(text))
        return vault.public(f"/log/receipts/{int(text)}").json()
    except NotFound:
        raise NotFound(
            f"The log has no entry {int(text)}.",
            remedy="Take a smaller number: the newest entry is on the page.",
            zh=f"日志中没有第 {int(text)} 条记录。",
            remedy_zh="请填写较小的编号；页面上列有最新的记录。",
        ) from None


def cosigned_by(vault: Vault, note: str) -> list[dict[str, Any]] | None:
    """Which witnesses that the log knows co-signed a checkpoint, and when; None if it knows none. Raises
    `NotProven` if one of them did not, although its name stands there."""
    known = vault.public("/log/witnesses").json()["witnesses"]
    if not known:
        return None
    names = {WitnessKey.parse(each["key"]): each["name"] for each in known}
    return [{"name": names[each.key], "time": each.time} for each in read_cosignatures(note, names)]


def log_key(vault: Vault) -> Answer:
    key: Answer = vault.public("/v1/log/key").json()
    return key


def read_filter(wanted: dict[str, str]) -> dict[str, Any]:
    """The filter of the page as the vault takes it; days are the city's. Raises `InvalidInput`."""
    before = wanted["before"]
    if before and not (before.isascii() and before.isdigit() and int(before[:16]) <= LARGEST_INDEX):
        raise InvalidInput("This is not the number of an entry.", zh="这不是记录编号。")
    until = day_start(wanted["until"])
    return {
        "kind": wanted["kind"],
        "since": moment(day_start(wanted["since"])),
        "until": moment(until + timedelta(days=1) if until else None),
        "before": before,
    }


def day_start(text: str) -> datetime | None:
    if not text:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=CITY_TIME)
    except ValueError:
        raise InvalidInput(
            "This is not a day.",
            remedy="Write it like 2026-12-01.",
            zh="日期无法识别。",
            remedy_zh="请写作 2026-12-01 的形式。",
        ) from None


def moment(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat()


def read_receipt(body: bytes) -> dict[str, Any]:
    """Raises `InvalidInput` for what is no JSON object of a bearable size."""
    try:
        if len(body) > LONGEST_RECEIPT:
            raise ValueError
        receipt = json.loads(body)
        if not isinstance(receipt, dict):
            raise TypeError
    except (ValueError, TypeError, RecursionError):
        raise InvalidInput(
            "This is no receipt: a receipt is a small JSON file.",
            code="not_a_receipt",
            remedy="Choose the file as it was given to you, or paste all of its text.",
            zh="这不是凭证：凭证是一个不大的 JSON 文件。",
            remedy_zh="请选择原始的凭证文件，或粘贴其全部内容。",
        ) from None
    return receipt


def as_text(receipt: Any) -> str:
    return json.dumps(receipt, ensure_ascii=False, indent=2)
