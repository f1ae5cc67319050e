"""Pages: my licences, their keys, usage and bill."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy import func, select

from marketplace.company_limits.find import CompanyUse, company_use
from marketplace.customers.find import company_names, find_company
from marketplace.invoices.preview_invoice import preview_invoice
from marketplace.keys.admits import Scope, may_restore
from marketplace.keys.find import keys_of
from marketplace.keys.issue_key import Issued, KeyUse, issue_key
from marketplace.keys.model import Key
from marketplace.keys.revoke_key import revoke_key
from marketplace.keys.rotate_key import rotate_key
from marketplace.licences.entitlements import delivered_product, entitled_releases
from marketplace.licences.find import find_licence, licences_for, see_licence
from marketplace.metering.find import lines_of
from marketplace.metering.months import month_of, month_span
from marketplace.offers.price_rules import PriceRules
from marketplace.offers.summary import summary
from marketplace.orders.find import orders_of
from marketplace.orders.renew_licence import MONTHS
from marketplace.portal.authentication import Authenticator
from marketplace.portal.pages.requests import count_of
from marketplace.portal.paging import page_of, part, reach
from marketplace.portal.rendering import Pages
from marketplace.portal.sessions import Session
from marketplace.portal.vault_life import VaultLife
from marketplace.products.find import product_titles
from marketplace.vault import Answer, Vault
from sandbox.database import Database, Transaction
from sandbox.errors import CihuError, InvalidInput
from sandbox.identity import Principal
from sandbox.identity.principals import account_names
from sandbox.plain_text import PlainText
from sandbox.policy import Gate, Resource

SHOWN_LINES = 100
LICENCE_DEEDS = (
    "make_key",
    "revoke_key",
    "restore_key",
    "revoke_licence",
    "end_licence",
    "renew_licence",
    "pin_licence",
    "suspend_licence",
)


def router(
    *,
    database: Database,
    gate: Gate,
    rules: PriceRules,
    authenticator: Authenticator,
    pages: Pages,
    vault: Vault,
) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    Person = Annotated[Session, Depends(authenticator.person)]
    Sender = Annotated[Session, Depends(authenticator.sender)]
    Text = Annotated[PlainText, Form()]

    def show_key(session: Session, issued: Issued) -> Response:
        page = RedirectResponse(f"/licences/{issued.licence}/keys/new", status_code=303)
        authenticator.show_once(page, session, page.headers["location"], issued.secret)
        return page

    @routes.get("/licences")
    def licences(request: Request, session: Person) -> Response:
        with database.transaction() as tx:
            listed = lists_of(tx, session.principal, page_of(request), page_of(request, "orders"))
        return pages.show(request, "licences.html", session, **listed)

    @routes.get("/licences/{number}")
    def licence(request: Request, session: Person, number: int, month: str = "") -> Response:
        with database.transaction() as tx:
            found = see_licence(tx, gate=gate, principal=session.principal, licence_id=number)
            this_month = month_of(datetime.now(UTC), found.time_zone)
            shown_month = month or this_month
            month_span(shown_month, found.time_zone)
            lines = lines_of(tx, licence_id=number, month=shown_month, limit=SHOWN_LINES)
            now = tx.execute(select(func.now())).scalar_one()
            keys, product = keys_of(tx, number), delivered_product(tx, found, now)
            entitled = entitled_releases(tx, number)
            use = own_use(tx, gate, session.principal, found.organisation)
            names = company_names(tx, [found.organisation])
        resource = Resource("Licence", str(number), found.cedar)
        may = {action: gate.decide(session.principal, action, resource).allowed for action in LICENCE_DEEDS}
        document = found.document or found.terms.as_document
        return pages.show(
            request,
            "licence.html",
            session,
            licence=found,
            names=names,
            product=product,
            about=product.model_dump(),
            announcements=announced(vault, session, product.dataset),
            releases=entitled,
            release=product.release,
            summary=summary(document, rules),
            cadences=list(MONTHS),
            now=now,
            restorable={key.id for key in keys if restorable(key, session, now)},
            keys=keys,
            scopes=list(Scope),
            lines=lines,
            use=use,
            month=shown_month,
            may=may,
            portal_url=authenticator.settings.portal_url,
        )

    @routes.get("/licences/{number}/bill")
    def bill(request: Request, session: Person, number: int, month: str = "") -> Response:
        with database.transaction() as tx:
            zone = find_licence(tx, number).time_zone
        shown = preview_invoice(
            database,
            gate=gate,
            principal=session.principal,
            licence_id=number,
            month=month or month_of(datetime.now(UTC), zone),
        )
        with database.transaction() as tx:
            names = company_names(tx, [shown.organisation])
        return pages.show(request, "bill.html", session, bill=shown, names=names)

    @routes.post("/licences/{number}/keys")
    def make_key(
        request: Request,
        session: Sender,
        number: int,
        label: Text = "",
        networks: Text = "",
        mode: Text = "live",
        once: Text = "",
        scopes: Annotated[list[PlainText] | None, Form()] = None,
    ) -> Response:
        wanted = tuple(scope for scope in Scope if scope in (scopes or Scope))
        if not wanted:
            raise InvalidInput(
                "This is no scope of a key.",
                code="bad_scope",
                remedy=f"Choose among: {', '.join(Scope)}.",
                zh="没有此用途。",
                remedy_zh=f"请从以下用途中选择：{'、'.join(Scope)}。",
            )
        issued = issue_key(
            database,
            gate=gate,
            principal=session.principal,
            licence_id=number,
            label=label,
            use=KeyUse(
                wanted,
                networks=tuple(part.strip() for part in networks.split(",") if part.strip()),
                mode="test" if mode == "test" else "live",
            ),
            seed=authenticator.seed(request, once, label, networks, mode, *wanted),
        )
        return show_key(session, issued)

    @routes.get("/licences/{number}/keys/new")
    def new_key(request: Request, session: Person, number: int) -> Response:
        """The new key, once: loaded again, this page is the licence's, and no form is sent again."""
        secret = authenticator.handed(request, session)
        if secret is None:
            return RedirectResponse(f"/licences/{number}", status_code=303)
        with database.transaction() as tx:
            found = see_licence(tx, gate=gate, principal=session.principal, licence_id=number)
            product = delivered_product(tx, found, tx.execute(select(func.now())).scalar_one())
        shown = pages.show(
            request,
            "key.html",
            session,
            secret=secret,
            licence=number,
            product=product,
            portal_url=authenticator.settings.portal_url,
        )
        authenticator.take_back(shown, request.url.path)
        return shown

    @routes.post("/keys/{key}/rotate")
    def rotate(
        request: Request, session: Sender, key: int, overlap_hours: Text = "24", once: Text = ""
    ) -> Response:
        issued = rotate_key(
            database,
            gate=gate,
            principal=session.principal,
            key_id=key,
            overlap=timedelta(hours=count_of(overlap_hours) or 0),
            seed=authenticator.seed(request, once),
        )
        return show_key(session, issued)

    @routes.post("/keys/{key}/revoke")
    def shut(session: Sender, key: int, licence: Annotated[int, Form()], reason: Text = "") -> Response:
        revoke_key(database, gate=gate, principal=session.principal, key_id=key, reason=reason)
        return RedirectResponse(f"/licences/{licence}", status_code=303)

    return routes


def lists_of(tx: Transaction, principal: Principal, page: int, ordered: int) -> dict[str, Any]:
    """A page of the licences that this person may see, and one of the orders of their organisation."""
    licences = part(licences_for(tx, principal, **reach(page)), page)
    orders = part(orders_of(tx, principal.organisation, **reach(ordered)), ordered)
    held = [each.product for each in licences.items]
    return {
        "licences": licences,
        "names": company_names(tx, [each.organisation for each in licences.items]),
        "titles": product_titles(tx, held + [each.product for each in orders.items]),
        "people": account_names(tx, [each.buyer for each in orders.items]),
        "orders": orders,
    }


def restorable(key: Key, session: Session, now: datetime) -> bool:
    """Whether this person's organisation can switch it on again."""
    return may_restore(
        status=key.status,
        revoked_at=key.revoked_at,
        revoked_for=key.revoked_for,
        organisation=session.principal.organisation,
        now=now,
    )


def announced(vault: Vault, session: Session, dataset: str) -> list[Answer]:
    """What buyers are told of the data behind their licence. The page is there without the vault, too."""
    try:
        return VaultLife(vault).announcements(session.principal.id, dataset)
    except CihuError:
        return []


def own_use(tx: Transaction, gate: Gate, principal: Principal, organisation: str) -> CompanyUse | None:
    """What the own company used over all its licences; None for others, and without a company's record."""
    if principal.organisation != organisation or find_company(tx, organisation) is None:
        return None
    return company_use(tx, gate=gate, principal=principal, organisation=organisation)
