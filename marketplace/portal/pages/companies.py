"""Pages: register a company, join one by an invitation; its record, members and invitations; the operator's
list of companies to verify."""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, ValidationError
from sqlalchemy import func, select
from starlette.datastructures import FormData

from marketplace.customers.enter_company import enter_company
from marketplace.customers.find import all_companies, find_company
from marketplace.customers.invitations import accept, invitations_of, invite, open_invitation, withdraw
from marketplace.customers.members import change_roles, disable_member, leave_company, members_of
from marketplace.customers.model import Company
from marketplace.customers.new_account import NewAccount
from marketplace.customers.record import CompanyRecord
from marketplace.customers.register_company import register_company
from marketplace.customers.verify_company import decide_company
from marketplace.keys.sandbox_keys import make_sandbox_key, revoke_sandbox_key, sandbox_keys_of
from marketplace.portal.authentication import Authenticator
from marketplace.portal.pages.after_login import answer_login
from marketplace.portal.pages.requests import count_of
from marketplace.portal.plain_form import posted
from marketplace.portal.rendering import Pages, words_of
from marketplace.portal.sessions import Session
from marketplace.products.find import brief_products, some_products
from marketplace.service_accounts.manage import (
    IssuedSecret,
    company_resource,
    make_service_account,
    revoke_service_account,
    rotate_secret,
    service_accounts_of,
)
from sandbox.database import Database
from sandbox.errors import CihuError, Conflict, InvalidInput, NotAuthenticated, TooMany
from sandbox.http.security_headers import ORIGIN_ALONE
from sandbox.http.status import status_of
from sandbox.identity import Login, log_in, require_organisation
from sandbox.identity.model import COMPANY_ROLES
from sandbox.plain_text import PlainText
from sandbox.policy import Gate

M = TypeVar("M", bound=BaseModel)
RECORD = tuple(CompanyRecord.model_fields)
INVITED = "/company/invitations/new"
NEW_SANDBOX_KEY = "/sandbox-keys/new"
COMPANY_DEEDS = (
    "enter_company",
    "manage_members",
    "leave_company",
    "manage_service_accounts",
    "make_live_service_account",
    "make_sandbox_key",
)


def router(*, database: Database, gate: Gate, authenticator: Authenticator, pages: Pages) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    routes.include_router(
        public_router(database=database, gate=gate, authenticator=authenticator, pages=pages)
    )
    routes.include_router(
        operator_router(database=database, gate=gate, authenticator=authenticator, pages=pages)
    )
    Person = Annotated[Session, Depends(authenticator.person)]
    Sender = Annotated[Session, Depends(authenticator.sender)]
    Filled = Annotated[FormData, Depends(posted)]
    Text = Annotated[PlainText, Form()]

    def shown(
        request: Request,
        session: Session,
        *,
        refusal: CihuError | None = None,
        typed: dict[str, str] | None = None,
    ) -> Response:
        mine = session.principal.organisation
        with database.transaction() as tx:
            company = find_company(tx, mine)
            members, invitations = members_of(tx, mine), invitations_of(tx, mine)
            programs = service_accounts_of(tx, mine)
            sandbox_keys = sandbox_keys_of(tx, mine)
            about = company_resource(tx, mine)
            now = tx.execute(select(func.now())).scalar_one()
        return pages.show(
            request,
            "company.html",
            session,
            status=status_of(refusal) if refusal else 200,
            refusal=words_of(refusal) if refusal else None,
            company=company,
            sandbox=company is not None and company.cedar["status"] == "sandbox",
            record=typed or record_of(company),
            members=members,
            programs=programs,
            sandbox_keys=sandbox_keys,
            invitations=invitations,
            now=now,
            roles=COMPANY_ROLES,
            may={deed: gate.decide(session.principal, deed, about).allowed for deed in COMPANY_DEEDS},
        )

    routes.include_router(
        programs_router(database=database, gate=gate, authenticator=authenticator, pages=pages)
    )
    routes.include_router(
        sandbox_router(database=database, gate=gate, authenticator=authenticator, pages=pages)
    )
    routes.include_router(
        members_router(database=database, gate=gate, authenticator=authenticator, shown=shown)
    )

    @routes.get("/company")
    def company(request: Request, session: Person) -> Response:
        return shown(request, session)

    @routes.post("/company")
    def enter(request: Request, session: Sender, form: Filled) -> Response:
        typed = typed_of(form, RECORD)
        try:
            record = read_form(CompanyRecord, typed)
            enter_company(database, gate=gate, principal=session.principal, record=record)
        except (InvalidInput, Conflict) as refusal:
            return shown(request, session, refusal=refusal, typed=typed)
        return RedirectResponse("/company", status_code=303)

    @routes.post("/company/invitations")
    def make_invitation(
        request: Request, session: Sender, form: Filled, once: Text = "", days: Text = "7", note: Text = ""
    ) -> Response:
        roles = roles_of(form)
        try:
            made = invite(
                database,
                gate=gate,
                principal=session.principal,
                roles=roles,
                note=note[:200],
                days=count_of(days) or 0,
                seed=authenticator.seed(request, once, *roles, note, days),
            )
        except (InvalidInput, Conflict) as refusal:
            return shown(request, session, refusal=refusal)
        page = RedirectResponse(INVITED, status_code=303)
        authenticator.show_once(page, session, INVITED, made.secret)
        return page

    @routes.get(INVITED)
    def new_invitation(request: Request, session: Person) -> Response:
        """The new link, once."""
        secret = authenticator.handed(request, session)
        if secret is None:
            return RedirectResponse("/company", status_code=303)
        link = f"{authenticator.settings.portal_url}/join?link={secret}"
        page = pages.show(request, "company_invitation.html", session, link=link)
        authenticator.take_back(page, request.url.path)
        return page

    @routes.post("/company/invitations/{number}/withdraw")
    def take_back(session: Sender, number: int) -> Response:
        withdraw(database, gate=gate, principal=session.principal, invitation=number)
        return RedirectResponse("/company", status_code=303)

    return routes


def programs_router(
    *, database: Database, gate: Gate, authenticator: Authenticator, pages: Pages
) -> APIRouter:
    """What is done with service accounts."""
    routes = APIRouter(include_in_schema=False)
    Person = Annotated[Session, Depends(authenticator.person)]
    Sender = Annotated[Session, Depends(authenticator.sender)]
    Text = Annotated[PlainText, Form()]

    def show_secret(session: Session, made: IssuedSecret) -> Response:
        page = RedirectResponse(f"/service-accounts/{made.id}/new", status_code=303)
        authenticator.show_once(page, session, page.headers["location"], made.secret)
        return page

    @routes.post("/service-accounts")
    def make(
        request: Request, session: Sender, label: Text = "", mode: Text = "live", once: Text = ""
    ) -> Response:
        made = make_service_account(
            database,
            gate=gate,
            principal=session.principal,
            label=label,
            mode="test" if mode == "test" else "live",
            seed=authenticator.seed(request, once, label, mode),
        )
        return show_secret(session, made)

    @routes.get("/service-accounts/{client_id}/new")
    def new_secret(request: Request, session: Person, client_id: str) -> Response:
        """The new secret, once."""
        secret = authenticator.handed(request, session)
        if secret is None:
            return RedirectResponse("/company", status_code=303)
        page = pages.show(
            request,
            "service_account.html",
            session,
            client_id=client_id,
            secret=secret,
            portal_url=authenticator.settings.portal_url,
        )
        authenticator.take_back(page, request.url.path)
        return page

    @routes.post("/service-accounts/{client_id}/rotate")
    def rotate(request: Request, session: Sender, client_id: str, once: Text = "") -> Response:
        made = rotate_secret(
            database,
            gate=gate,
            principal=session.principal,
            client_id=client_id,
            seed=authenticator.seed(request, once),
        )
        return show_secret(session, made)

    @routes.post("/service-accounts/{client_id}/revoke")
    def revoke(session: Sender, client_id: str) -> Response:
        revoke_service_account(database, gate=gate, principal=session.principal, client_id=client_id)
        return RedirectResponse("/company", status_code=303)

    return routes


def sandbox_router(
    *, database: Database, gate: Gate, authenticator: Authenticator, pages: Pages
) -> APIRouter:
    """What is done with sandbox keys."""
    routes = APIRouter(include_in_schema=False)
    Person = Annotated[Session, Depends(authenticator.person)]
    Sender = Annotated[Session, Depends(authenticator.sender)]

    @routes.post("/sandbox-keys")
    def make(request: Request, session: Sender, once: Annotated[PlainText, Form()] = "") -> Response:
        seed = authenticator.seed(request, once)
        made = make_sandbox_key(database, gate=gate, principal=session.principal, seed=seed)
        page = RedirectResponse(NEW_SANDBOX_KEY, status_code=303)
        authenticator.show_once(page, session, NEW_SANDBOX_KEY, made.secret)
        return page

    @routes.get(NEW_SANDBOX_KEY)
    def new_key(request: Request, session: Person) -> Response:
        """The new key, once, with programs that call a product with it."""
        secret = authenticator.handed(request, session)
        if secret is None:
            return RedirectResponse("/company", status_code=303)
        with database.transaction() as tx:
            first = [each.id for each in brief_products(tx) if each.kind == "rows"][:1]
            product = next(iter(some_products(tx, first)), None)
        page = pages.show(
            request,
            "sandbox_key.html",
            session,
            secret=secret,
            product=product,
            about=product.model_dump() if product else {},
            portal_url=authenticator.settings.portal_url,
        )
        authenticator.take_back(page, request.url.path)
        return page

    @routes.post("/sandbox-keys/{key}/revoke")
    def revoke(session: Sender, key: int) -> Response:
        revoke_sandbox_key(database, gate=gate, principal=session.principal, key_id=key)
        return RedirectResponse("/company", status_code=303)

    return routes


def members_router(
    *, database: Database, gate: Gate, authenticator: Authenticator, shown: Callable[..., Response]
) -> APIRouter:
    """What is done with members. `shown`: the company's page, with a refusal."""
    routes = APIRouter(include_in_schema=False)
    Sender = Annotated[Session, Depends(authenticator.sender)]
    Filled = Annotated[FormData, Depends(posted)]
    Text = Annotated[PlainText, Form()]

    @routes.post("/company/members/{account}/roles")
    def set_member_roles(request: Request, session: Sender, account: str, form: Filled) -> Response:
        try:
            change_roles(
                database, gate=gate, principal=session.principal, account=account, roles=roles_of(form)
            )
        except (InvalidInput, Conflict) as refusal:
            return shown(request, session, refusal=refusal)
        return RedirectResponse("/company", status_code=303)

    @routes.post("/company/members/{account}/disable")
    def disable(request: Request, session: Sender, account: str, reason: Text = "") -> Response:
        try:
            disable_member(
                database, gate=gate, principal=session.principal, account=account, reason=reason[:2000]
            )
        except Conflict as refusal:
            return shown(request, session, refusal=refusal)
        return RedirectResponse("/company", status_code=303)

    @routes.post("/company/leave")
    def leave(request: Request, session: Sender) -> Response:
        try:
            leave_company(database, gate=gate, principal=session.principal)
        except Conflict as refusal:
            return shown(request, session, refusal=refusal)
        answer = RedirectResponse("/login", status_code=303)
        authenticator.end_session(answer)
        return answer

    return routes


def operator_router(
    *, database: Database, gate: Gate, authenticator: Authenticator, pages: Pages
) -> APIRouter:
    """What operators decide on companies."""
    routes = APIRouter(include_in_schema=False)
    Person = Annotated[Session, Depends(authenticator.person)]
    Sender = Annotated[Session, Depends(authenticator.sender)]
    Text = Annotated[PlainText, Form()]

    @routes.get("/companies")
    def companies(request: Request, session: Person) -> Response:
        seen = bool(session.principal.roles & {"operator", "auditor"})
        with database.transaction() as tx:
            found = all_companies(tx) if seen else []
        return pages.show(request, "companies.html", session, companies=found)

    @routes.post("/companies/{organisation}/{decision}")
    def decide(
        session: Sender, organisation: str, decision: str, seen: Text = "", reason: Text = ""
    ) -> Response:
        decided = {"verify": "verified", "refuse": "refused"}.get(decision)
        if decided is None or (decided == "refused" and not reason.strip()):
            raise InvalidInput(
                "A refusal has a reason.",
                code="reason_missing",
                remedy="Say what is wrong with the record.",
                zh="不予通过须说明理由。",
                remedy_zh="请写明企业信息有何问题。",
            )
        decide_company(
            database,
            gate=gate,
            principal=session.principal,
            organisation=organisation,
            status=decided,
            reason=reason[:2000],
            seen=seen or None,
        )
        return RedirectResponse("/companies", status_code=303)

    return routes


def public_router(*, database: Database, gate: Gate, authenticator: Authenticator, pages: Pages) -> APIRouter:
    """What somebody without an account can do."""
    routes = APIRouter(include_in_schema=False)
    Filled = Annotated[FormData, Depends(posted)]
    ours = [Depends(authenticator.require_visit)]

    def form_page(
        request: Request, template: str, *, refusal: CihuError | None = None, **values: Any
    ) -> Response:
        visit, csrf = authenticator.start_visit(request)
        answer = pages.show(
            request,
            template,
            None,
            status=status_of(refusal) if refusal else 200,
            csrf=csrf,
            refusal=words_of(refusal) if refusal else None,
            **values,
        )
        authenticator.remember_visit(answer, visit)
        return answer

    def let_in(request: Request, login: Login) -> Response:
        """Log the new member in, as any login: a second factor is asked for where there is one."""
        source = authenticator.named_source(request)
        return answer_login(request, authenticator, pages, login, source, next="/company")

    def sent_before(request: Request, form: FormData) -> Login | None:
        """Whom the first of two clicks made."""
        try:
            return log_in(
                database,
                account_id=str(form.get("account", "")),
                password=str(form.get("password", "")),
                source=authenticator.source(request),
                rules=authenticator.rules,
            )
        except (NotAuthenticated, TooMany):
            return None

    @routes.get("/register")
    def register_page(request: Request) -> Response:
        return form_page(request, "register.html", typed=record_of(None))

    @routes.post("/register", dependencies=ours)
    def register(request: Request, form: Filled) -> Response:
        typed = typed_of(form, (*RECORD, "account", "person"))
        try:
            record = read_form(CompanyRecord, typed_of(form, RECORD))
            first = read_form(NewAccount, typed_of(form, NewAccount.model_fields))
            address = request.client.host if request.client else ""
            made = register_company(
                database, rules=authenticator.rules, record=record, first=first, address=address
            )
        except (InvalidInput, Conflict, TooMany) as refusal:
            again = sent_before(request, form) if refusal.code == "account_taken" else None
            if again is not None:
                return let_in(request, again)
            return form_page(request, "register.html", refusal=refusal, typed=typed)
        return let_in(request, Login(made.principal))

    def join_form(
        request: Request, secret: str, *, refusal: CihuError | None = None, typed: dict[str, str]
    ) -> Response:
        with database.transaction() as tx:
            held = open_invitation(tx, secret)
            name = require_organisation(tx, held.organisation)
        page = form_page(
            request,
            "join.html",
            refusal=refusal,
            secret=secret,
            organisation=name,
            roles=held.roles,
            typed=typed,
        )
        page.headers["Referrer-Policy"] = ORIGIN_ALONE
        return page

    @routes.get("/join")
    def join_page(request: Request, link: PlainText = "") -> Response:
        return join_form(request, link, typed={})

    @routes.post("/join", dependencies=ours)
    def join(request: Request, form: Filled) -> Response:
        secret = typed_of(form, ("link",))["link"]
        try:
            wanted = read_form(NewAccount, typed_of(form, NewAccount.model_fields))
            joined = accept(database, gate=gate, rules=authenticator.rules, secret=secret, wanted=wanted)
            return let_in(request, Login(joined))
        except (InvalidInput, Conflict) as refusal:
            again = (
                sent_before(request, form) if refusal.code in ("account_taken", "invitation_over") else None
            )
            if again is not None:
                return let_in(request, again)
            if refusal.code == "invitation_over":
                raise
            typed = typed_of(form, ("account", "person"))
            return join_form(request, secret, refusal=refusal, typed=typed)

    return routes


def typed_of(form: FormData, names: Any) -> dict[str, str]:
    """The texts of some fields of a form; what is missing is empty."""
    return {name: value if isinstance(value := form.get(name, ""), str) else "" for name in names}


def record_of(company: Company | None) -> dict[str, str]:
    """The fields of a record, to fill in."""
    if company is None:
        return {
            name: "" if field.is_required() else field.default
            for name, field in CompanyRecord.model_fields.items()
        }
    return {name: getattr(company, name) for name in RECORD}


def roles_of(form: FormData) -> list[str]:
    return [role for role in COMPANY_ROLES if role in form.getlist("roles")]


def read_form(model: type[M], typed: dict[str, str]) -> M:
    """The model that was typed; what is empty and has a default has it. Raises `InvalidInput`, naming the
    first field that cannot be used."""
    fields = model.model_fields
    given = {name: text for name, text in typed.items() if text or fields[name].is_required()}
    try:
        return model.model_validate(given)
    except ValidationError as error:
        fault = error.errors()[0]
        name = str(fault["loc"][0])
        raise InvalidInput(
            f"{name}: {fault['msg']}.",
            code="bad_field",
            remedy="Correct this field.",
            zh=f"字段“{name}”不能这样填写。",
            remedy_zh="请检查是否为空、过长或格式有误。",
        ) from None
