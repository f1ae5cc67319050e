"""Pages: how I log in (one-time codes, recovery codes, passkeys), and what the system holds about me."""

import io
import json
from typing import Annotated, Any

import segno
from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from marketplace.portal.authentication import Authenticator
from marketplace.portal.city_login.identities import connections
from marketplace.portal.city_login.refusals import REFUSALS
from marketplace.portal.my_security import CITY, export
from marketplace.portal.pages.after_login import relying_party
from marketplace.portal.rendering import Pages, as_file
from marketplace.portal.sessions import Session
from marketplace.vault import Vault
from sandbox.database import Database
from sandbox.errors import Conflict, InvalidInput
from sandbox.http.status import status_of
from sandbox.identity.passkeys import list_passkeys, register_passkey, registration_options, remove_passkey
from sandbox.identity.second_factors import (
    confirm_totp,
    drop_unneeded_recovery_codes,
    factors_of,
    offer_totp,
    remove_totp,
    renew_own_recovery_codes,
    totp_address,
)
from sandbox.plain_text import PlainText

PAGE = "/me/security"


def router(*, database: Database, vault: Vault, authenticator: Authenticator, pages: Pages) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    Person = Annotated[Session, Depends(authenticator.person)]
    Recent = Annotated[Session, Depends(authenticator.recent_person)]
    Sender = Annotated[Session, Depends(authenticator.recent_sender)]
    Text = Annotated[PlainText, Form()]

    def shown(request: Request, session: Session, *, status: int = 200, **values: Any) -> Response:
        """The page. `values`: what was just offered, given or refused."""
        account, party = session.principal.id, relying_party(authenticator)
        with database.transaction() as tx:
            factors, passkeys = factors_of(tx, account), list_passkeys(tx, account)
            options = registration_options(
                tx, party, session.principal, holder=request.cookies[authenticator.session_cookie]
            )
            connected = {each.issuer: each for each in connections(tx, account)}
        given = {"refusal": "", "recovery_codes": [], "secret": "", "picture": "", **values}
        return pages.show(
            request,
            "security.html",
            session,
            status=status,
            factors=factors,
            passkeys=passkeys,
            passkey_options=options if party.can else "",
            providers=() if session.need else authenticator.city_providers,
            connected=connected,
            need=session.need if not factors.any else "",
            **given,
        )

    def offered(request: Request, session: Session, **values: Any) -> Response:
        with database.transaction() as tx:
            secret = offer_totp(tx, authenticator.box, session.principal.id)
        address = totp_address(secret, account_id=session.principal.id, city=CITY)
        return shown(request, session, secret=secret, picture=qr_code(address), **values)

    @routes.get(PAGE)
    def page(request: Request, session: Recent, refused: str = "") -> Response:
        """`refused`: why an identity could not be connected."""
        return shown(request, session, refusal=refused if refused in REFUSALS else "")

    @routes.post(f"{PAGE}/totp")
    def begin(request: Request, session: Sender) -> Response:
        return offered(request, session)

    @routes.post(f"{PAGE}/totp/confirm")
    def confirm(request: Request, session: Sender, code: Text = "") -> Response:
        try:
            with database.transaction() as tx:
                codes = confirm_totp(tx, authenticator.box, session.principal.id, code)
        except InvalidInput as refusal:
            return offered(request, session, refusal=refusal.code, status=status_of(refusal))
        return shown(request, session, recovery_codes=codes)

    @routes.post(f"{PAGE}/totp/remove")
    def remove(session: Sender) -> Response:
        with database.transaction() as tx:
            remove_totp(tx, session.principal.id, by=session.principal.id)
            drop_unneeded_recovery_codes(tx, session.principal.id)
        return RedirectResponse(PAGE, status_code=303)

    @routes.post(f"{PAGE}/recovery")
    def renew(request: Request, session: Sender) -> Response:
        with database.transaction() as tx:
            codes = renew_own_recovery_codes(tx, session.principal.id)
        return shown(request, session, recovery_codes=codes)

    @routes.post(f"{PAGE}/passkeys")
    def add(request: Request, session: Sender, credential: Text = "", name: Text = "") -> Response:
        try:
            with database.transaction() as tx:
                codes = register_passkey(
                    tx,
                    relying_party(authenticator),
                    session.principal,
                    credential=credential,
                    display_name=name,
                    holder=request.cookies[authenticator.session_cookie],
                )
        except (InvalidInput, Conflict) as refusal:
            return shown(request, session, refusal=refusal.code, status=status_of(refusal))
        return shown(request, session, recovery_codes=codes)

    @routes.post(f"{PAGE}/passkeys/{{id}}/remove")
    def remove_one(session: Sender, id: str) -> Response:
        with database.transaction() as tx:
            remove_passkey(tx, session.principal.id, id=id, by=session.principal.id)
        return RedirectResponse(PAGE, status_code=303)

    @routes.get("/me/data")
    def data(session: Person) -> Response:
        held = export(database, vault, session.principal.id)
        text = json.dumps(held, ensure_ascii=False, indent=1, default=str)
        return as_file(text.encode(), "cihu-my-data.json")

    return routes


def qr_code(address: str) -> str:
    """An SVG without style: black on white, whatever the theme."""
    out = io.BytesIO()
    code = segno.make(address, error="m")
    code.save(out, kind="svg", scale=4, xmldecl=False, light="#fff", svgclass=None, lineclass=None)
    return out.getvalue().decode()
