"""Pages: the limits of a company and what it used of them, its end and its export; for its people, and for
operators."""

from datetime import date
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response, StreamingResponse
from starlette.datastructures import FormData

from marketplace.company_endings.export import export_company
from marketplace.company_endings.find import find_ending
from marketplace.company_endings.give_notice import end_as_operator, give_notice, withdraw_notice
from marketplace.company_endings.rules import EndingRules
from marketplace.company_limits.find import company_use
from marketplace.company_limits.schemas import WantedLimits
from marketplace.company_limits.set_limits import set_limits
from marketplace.customers.find import find_company
from marketplace.customers.limits import NAMES, CompanyLimits, SetBy
from marketplace.delivery.files.manifest import ManifestKey
from marketplace.portal.authentication import Authenticator
from marketplace.portal.pages.companies import read_form, typed_of
from marketplace.portal.pages.requests import day_of
from marketplace.portal.plain_form import posted
from marketplace.portal.rendering import Pages, words_of
from marketplace.portal.sessions import Session
from marketplace.vault import SERVICE, Vault
from sandbox.database import Database
from sandbox.errors import CihuError, Conflict, InvalidInput
from sandbox.http.status import status_of
from sandbox.plain_text import PlainText
from sandbox.policy import Gate

DEEDS = (
    "set_company_limits",
    "lower_company_limits",
    "end_own_company",
    "end_company",
    "export_company",
)
ACCOUNT = "/company/account"


def router(
    *,
    database: Database,
    gate: Gate,
    rules: EndingRules,
    authenticator: Authenticator,
    pages: Pages,
    vault: Vault,
    key: ManifestKey,
) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    Person = Annotated[Session, Depends(authenticator.person)]
    Sender = Annotated[Session, Depends(authenticator.sender)]
    Filled = Annotated[FormData, Depends(posted)]
    Text = Annotated[PlainText, Form()]

    def shown(
        request: Request,
        session: Session,
        organisation: str,
        *,
        refusal: CihuError | None = None,
        typed: dict[str, str] | None = None,
    ) -> Response:
        with database.transaction() as tx:
            use = company_use(tx, gate=gate, principal=session.principal, organisation=organisation)
            company, ending = find_company(tx, organisation), find_ending(tx, organisation)
        assert company is not None
        may = {deed: gate.decide(session.principal, deed, company.resource).allowed for deed in DEEDS}
        mine = organisation == session.principal.organisation
        return pages.show(
            request,
            "company_account.html",
            session,
            status=status_of(refusal) if refusal else 200,
            refusal=words_of(refusal) if refusal else None,
            company=company,
            use=use,
            ending=ending,
            may=may,
            mine=mine,
            names=NAMES,
            typed=typed or fields_of(use.owner if mine else use.operator),
            notice_days=rules.notice.days,
            export_days=rules.export.days,
        )

    def changed(request: Request, session: Session, organisation: str, form: FormData, by: SetBy) -> Response:
        typed = typed_of(form, (*NAMES, "reason"))
        try:
            set_limits(
                database,
                gate=gate,
                principal=session.principal,
                organisation=organisation,
                by=by,
                limits=read_limits(typed),
                reason=typed["reason"][:2000],
            )
        except InvalidInput as refusal:
            return shown(request, session, organisation, refusal=refusal, typed=typed)
        return RedirectResponse(address_of(session, organisation), status_code=303)

    @routes.get(ACCOUNT)
    def account(request: Request, session: Person) -> Response:
        return shown(request, session, session.principal.organisation)

    @routes.get("/companies/{organisation}/account")
    def account_of(request: Request, session: Person, organisation: str) -> Response:
        return shown(request, session, organisation)

    @routes.post("/company/limits")
    def lower(request: Request, session: Sender, form: Filled) -> Response:
        return changed(request, session, session.principal.organisation, form, "owner")

    @routes.post("/companies/{organisation}/limits")
    def set_all(request: Request, session: Sender, organisation: str, form: Filled) -> Response:
        return changed(request, session, organisation, form, "operator")

    @routes.post("/company/ending")
    def notice(request: Request, session: Sender, reason: Text = "", last_day: Text = "") -> Response:
        try:
            day: date | None = day_of(last_day)
            give_notice(
                database,
                gate=gate,
                rules=rules,
                principal=session.principal,
                reason=reason[:2000],
                last_day=day,
            )
        except (InvalidInput, Conflict) as refusal:
            return shown(request, session, session.principal.organisation, refusal=refusal)
        return RedirectResponse(ACCOUNT, status_code=303)

    @routes.post("/company/ending/withdraw")
    def withdraw(request: Request, session: Sender) -> Response:
        try:
            withdraw_notice(database, gate=gate, principal=session.principal)
        except Conflict as refusal:
            return shown(request, session, session.principal.organisation, refusal=refusal)
        return RedirectResponse(ACCOUNT, status_code=303)

    @routes.post("/companies/{organisation}/end")
    def end(request: Request, session: Sender, organisation: str, reason: Text = "") -> Response:
        try:
            end_as_operator(
                database,
                gate=gate,
                rules=rules,
                principal=session.principal,
                organisation=organisation,
                reason=reason[:2000],
            )
        except InvalidInput as refusal:
            return shown(request, session, organisation, refusal=refusal)
        return RedirectResponse(address_of(session, organisation), status_code=303)

    @routes.get("/company/export")
    def export(session: Person) -> Response:
        name, pieces = export_company(
            database,
            gate=gate,
            principal=session.principal,
            key=key,
            receipts_of=partial(vault.receipts, SERVICE),
        )
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
        return StreamingResponse(pieces, media_type="application/zip", headers=headers)

    return routes


def address_of(session: Session, organisation: str) -> str:
    return ACCOUNT if organisation == session.principal.organisation else f"/companies/{organisation}/account"


def fields_of(limits: CompanyLimits) -> dict[str, str]:
    """What a form of limits is filled with; no limit is an empty field."""
    return {name: "" if (value := getattr(limits, name)) is None else str(value) for name in NAMES}


def read_limits(typed: dict[str, str]) -> CompanyLimits:
    """Raises `InvalidInput`, naming the field."""
    given: dict[str, Any] = {}
    for name in NAMES:
        plain = typed[name].strip().replace(",", "")
        if plain and not (plain.isascii() and plain.isdigit() and len(plain) <= 18):
            raise not_a_number(name)
        given[name] = int(plain) if plain else None
    try:
        return WantedLimits.model_validate(given).limits
    except ValueError:
        return read_form(WantedLimits, {name: text for name, text in typed.items() if text}).limits


def not_a_number(name: str) -> InvalidInput:
    return InvalidInput(
        f"{name} is not a whole number.",
        code="bad_field",
        remedy="Write digits, or leave it empty for no limit.",
        zh=f"{name} 不是整数。",
        remedy_zh="请填写数字；留空表示不设限额。",
    )
