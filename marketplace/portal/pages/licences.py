"""Pages: my licences, their keys, usage and bill."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from marketplace.invoices.preview_invoice import preview_invoice
from marketplace.keys.find import keys_of
from marketplace.keys.issue_key import Issued, issue_key
from marketplace.keys.revoke_key import revoke_key
from marketplace.keys.rotate_key import rotate_key
from marketplace.licences.end_licence import revoke_licence
from marketplace.licences.find import find_licence, licences_for, see_licence
from marketplace.metering.find import lines_of
from marketplace.metering.months import month_of, month_span
from marketplace.orders.find import orders_of
from marketplace.portal.authentication import Authenticator
from marketplace.portal.pages.requests import count_of
from marketplace.portal.rendering import Pages
from marketplace.portal.sessions import Session
from marketplace.portal.vault_life import VaultLife
from marketplace.products.find import find_product
from marketplace.vault import Answer, Vault
from sandbox.database import Database
from sandbox.errors import CihuError
from sandbox.plain_text import PlainText
from sandbox.policy import Gate, Resource

SHOWN_LINES = 100


def router(
    *, database: Database, gate: Gate, authenticator: Authenticator, pages: Pages, vault: Vault
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
            return pages.show(
                request,
                "licences.html",
                session,
                licences=licences_for(tx, session.principal),
                orders=orders_of(tx, session.principal.organisation),
            )

    @routes.get("/licences/{number}")
    def licence(request: Request, session: Person, number: int, month: str = "") -> Response:
        with database.transaction() as tx:
            found = see_licence(tx, gate=gate, principal=session.principal, licence_id=number)
            this_month = month_of(datetime.now(UTC), found.time_zone)
            shown_month = month or this_month
            month_span(shown_month, found.time_zone)
            lines = lines_of(tx, licence_id=number, month=shown_month, limit=SHOWN_LINES)
            keys, product = keys_of(tx, number), find_product(tx, found.product)
        resource = Resource("Licence", str(number), found.cedar)
        may = {
            action: gate.decide(session.principal, action, resource).allowed
            for action in ("make_key", "revoke_key", "revoke_licence")
        }
        return pages.show(
            request,
            "licence.html",
            session,
            licence=found,
            product=product,
            about=product.model_dump(),
            announcements=announced(vault, session, product.dataset),
            keys=keys,
            lines=lines,
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
        return pages.show(request, "bill.html", session, bill=shown)

    @routes.post("/licences/{number}/keys")
    def make_key(
        request: Request, session: Sender, number: int, label: Text = "", once: Text = ""
    ) -> Response:
        issued = issue_key(
            database,
            gate=gate,
            principal=session.principal,
            licence_id=number,
            label=label,
            seed=authenticator.seed(request, once, label),
        )
        return show_key(session, issued)

    @routes.get("/licences/{number}/keys/new")
    def new_key(request: Request, session: Person, number: int) -> Response:
        """The new key, once: loaded again, this page is the licence's, and no form is sent again."""
        secret = authenticator.handed(request, session)
        if secret is None:
            return RedirectResponse(f"/licences/{number}", status_code=303)
        shown = pages.show(request, "key.html", session, secret=secret, licence=number)
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

    @routes.post("/licences/{number}/revoke")
    def end(session: Sender, number: int, reason: Text = "") -> Response:
        revoke_licence(database, gate=gate, principal=session.principal, licence_id=number, reason=reason)
        return RedirectResponse(f"/licences/{number}", status_code=303)

    return routes


def announced(vault: Vault, session: Session, dataset: str) -> list[Answer]:
    """What buyers are told of the data behind their licence. The page is there without the vault, too."""
    try:
        return VaultLife(vault).announcements(session.principal.id, dataset)
    except CihuError:
        return []
