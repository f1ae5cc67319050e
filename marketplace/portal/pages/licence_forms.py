"""Forms on a licence's page: restore a key, pin, end, suspend, resume, revoke."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form
from fastapi.responses import RedirectResponse, Response

from marketplace.keys.revoke_key import restore_key
from marketplace.licences.end_licence import end_licence, revoke_licence
from marketplace.licences.pin_licence import pin_licence
from marketplace.licences.suspend_licence import resume_licence, suspend_licence
from marketplace.portal.authentication import Authenticator
from marketplace.portal.pages.requests import count_of, day_of
from marketplace.portal.sessions import Session
from marketplace.products.selling import Selling
from sandbox.plain_text import PlainText


def router(*, selling: Selling, authenticator: Authenticator) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    database, gate, rules = selling.database, selling.gate, selling.rules
    Sender = Annotated[Session, Depends(authenticator.sender)]
    Text = Annotated[PlainText, Form()]

    @routes.post("/keys/{key}/restore")
    def restore(session: Sender, key: int, licence: Annotated[int, Form()]) -> Response:
        restore_key(database, gate=gate, principal=session.principal, key_id=key)
        return RedirectResponse(f"/licences/{licence}", status_code=303)

    @routes.post("/licences/{number}/pin")
    def pin(session: Sender, number: int, release: Text = "") -> Response:
        pin_licence(
            database, gate=gate, principal=session.principal, licence_id=number, release=count_of(release)
        )
        return RedirectResponse(f"/licences/{number}", status_code=303)

    @routes.post("/licences/{number}/end")
    def end_early(session: Sender, number: int, reason: Text = "", last_day: Text = "") -> Response:
        end_licence(
            database,
            gate=gate,
            rules=rules,
            principal=session.principal,
            licence_id=number,
            reason=reason,
            last_day=day_of(last_day),
        )
        return RedirectResponse(f"/licences/{number}", status_code=303)

    @routes.post("/licences/{number}/suspend")
    def suspend(session: Sender, number: int, reason: Text = "") -> Response:
        suspend_licence(database, gate=gate, principal=session.principal, licence_id=number, reason=reason)
        return RedirectResponse(f"/licences/{number}", status_code=303)

    @routes.post("/licences/{number}/resume")
    def resume(session: Sender, number: int) -> Response:
        resume_licence(database, gate=gate, principal=session.principal, licence_id=number)
        return RedirectResponse(f"/licences/{number}", status_code=303)

    @routes.post("/licences/{number}/revoke")
    def end(session: Sender, number: int, reason: Text = "") -> Response:
        revoke_licence(database, gate=gate, principal=session.principal, licence_id=number, reason=reason)
        return RedirectResponse(f"/licences/{number}", status_code=303)

    return routes
