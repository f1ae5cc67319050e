"""Pages: the versions of a dataset with what each changed, and the steps that end it."""

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from marketplace.portal.authentication import Authenticator
from marketplace.portal.language import vault_in_language
from marketplace.portal.pages.officers import officer_at, sending_officer_at
from marketplace.portal.rendering import Pages, words_of
from marketplace.portal.sessions import Session
from marketplace.portal.vault_life import VaultLife
from marketplace.vault import Vault
from sandbox.errors import CihuError, InvalidInput
from sandbox.plain_text import PlainText


def router(*, authenticator: Authenticator, pages: Pages, vault: Vault) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    Reading = Annotated[Vault, Depends(vault_in_language(vault))]
    Person = Annotated[Session, Depends(authenticator.person)]
    Officer = Annotated[Session, Depends(officer_at(authenticator))]
    SendingOfficer = Annotated[Session, Depends(sending_officer_at(authenticator))]
    Text = Annotated[PlainText, Form()]

    @routes.get("/datasets/{name}/versions")
    def versions(
        request: Request,
        session: Person,
        vault: Reading,
        name: str,
        first: PlainText = "",
        second: PlainText = "",
    ) -> Response:
        return shown(request, session, vault, name, first=first, second=second)

    @routes.post("/datasets/{name}/lifecycle")
    def begin(
        request: Request,
        session: SendingOfficer,
        vault: Reading,
        name: str,
        kind: Text = "",
        version: Text = "",
        last_day: Text = "",
        reason: Text = "",
    ) -> Response:
        typed = {"kind": kind, "version": version, "last_day": last_day, "reason": reason}
        try:
            VaultLife(vault).begin(session.principal.id, name, step_of(typed))
        except CihuError as refusal:
            return shown(request, session, vault, name, status=422, refusal=words_of(refusal), typed=typed)
        return RedirectResponse(f"/datasets/{name}/versions#life", status_code=303)

    @routes.post("/datasets/{name}/lifecycle/{step}/agree")
    def agree(request: Request, session: SendingOfficer, vault: Reading, name: str, step: str) -> Response:
        try:
            VaultLife(vault).agree(session.principal.id, name, step)
        except CihuError as refusal:
            return shown(request, session, vault, name, status=422, refusal=words_of(refusal))
        return RedirectResponse(f"/datasets/{name}/versions#life", status_code=303)

    @routes.post("/datasets/{name}/lifecycle/{step}/drop")
    def drop(request: Request, session: SendingOfficer, vault: Reading, name: str, step: str) -> Response:
        try:
            VaultLife(vault).drop(session.principal.id, name, step)
        except CihuError as refusal:
            return shown(request, session, vault, name, status=422, refusal=words_of(refusal))
        return RedirectResponse(f"/datasets/{name}/versions#life", status_code=303)

    @routes.post("/datasets/{name}/open-copy")
    def open_copy(request: Request, session: SendingOfficer, vault: Reading, name: str) -> Response:
        try:
            copied = VaultLife(vault).open_copy(session.principal.id, name)
        except CihuError as refusal:
            return shown(request, session, vault, name, status=422, refusal=words_of(refusal))
        return shown(request, session, vault, name, copied=copied)

    @routes.get("/datasets/{name}/contract.json")
    def contract(session: Officer, vault: Reading, name: str) -> Response:
        document = VaultLife(vault).contract(session.principal.id, name)
        attached = {"Content-Disposition": f'attachment; filename="{name}.contract.json"'}
        return JSONResponse(document, headers=attached)

    def shown(
        request: Request,
        session: Session,
        vault: Vault,
        name: str,
        *,
        first: str = "",
        second: str = "",
        status: int = 200,
        refusal: dict[str, str] | None = None,
        typed: dict[str, str] | None = None,
        copied: dict[str, Any] | None = None,
    ) -> Response:
        life, who = VaultLife(vault), session.principal.id
        known = life.versions(who, name)
        numbers = [str(version["number"]) for version in known["versions"]]
        if not (first and second) and len(numbers) > 1:
            first, second = numbers[1], numbers[0]
        changes = life.changes(who, name, first, second) if {first, second} <= set(numbers) else None
        return pages.show(
            request,
            "versions.html",
            session,
            status=status,
            dataset=known["dataset"],
            known=known,
            numbers=numbers,
            changes=changes,
            first=first,
            second=second,
            announcements=life.announcements(who, name),
            steps=steps_for(life, session, name),
            refusal=refusal,
            typed=typed or {},
            copied=copied,
        )

    return routes


def steps_for(life: VaultLife, session: Session, name: str) -> list[dict[str, Any]] | None:
    """The steps, for an officer of the dataset's department; None for all others."""
    if "officer" not in session.principal.roles:
        return None
    try:
        return life.steps(session.principal.id, name)
    except CihuError:
        return None


def step_of(typed: dict[str, str]) -> dict[str, Any]:
    """What was typed, as the vault takes it. Raises `InvalidInput`."""
    step: dict[str, Any] = {"kind": typed["kind"], "reason": typed["reason"].strip()}
    try:
        if typed["version"].strip() and typed["kind"] == "withdraw":
            step["version"] = int(typed["version"])
        if typed["last_day"].strip() and typed["kind"] == "retire":
            step["last_day"] = date.fromisoformat(typed["last_day"].strip()).isoformat()
    except ValueError:
        raise InvalidInput(
            "The version or the day cannot be read.",
            remedy="Write them like 2 and 2027-06-30.",
            zh="版本号或日期无法读取。",
            remedy_zh="请按 2 与 2027-06-30 的形式填写。",
        ) from None
    return step
