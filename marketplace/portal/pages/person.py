"""Page: one account, for whoever may look after it, with what they may do about it."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import FormData

from marketplace.portal.authentication import Authenticator
from marketplace.portal.pages.people import posted_with_text
from marketplace.portal.people.administer import People
from marketplace.portal.people.schemas import InvitationDocument
from marketplace.portal.rendering import Pages, words_of
from marketplace.portal.sessions import Session
from marketplace.vault import segment
from sandbox.errors import CihuError, Forbidden
from sandbox.http.status import status_of
from sandbox.identity import ROLES


def text(form: FormData, name: str) -> str:
    return str(form.get(name, "")).strip()


def texts(form: FormData, name: str) -> list[str]:
    return [str(each) for each in form.getlist(name)]


ACTIONS = ("manage_account", "assign_roles", "secure_account")
Deed = Callable[[People, Any, str, FormData], InvitationDocument | None]
DEEDS: dict[str, Deed] = {
    "link": lambda people, by, account, _: people.new_link(by, account),
    "withdraw": lambda people, by, account, _: people.withdraw(by, account),
    "disable": lambda people, by, account, form: people.disable(by, account, text(form, "reason")),
    "enable": lambda people, by, account, _: people.enable(by, account),
    "roles": lambda people, by, account, form: people.set_roles(by, account, texts(form, "roles")),
    "join": lambda people, by, account, form: people.join(by, text(form, "team"), account),
    "leave": lambda people, by, account, form: people.leave(by, text(form, "team"), account),
    "factors": lambda people, by, account, _: people.remove_factors(by, account),
    "disconnect": lambda people, by, account, form: people.disconnect(by, account, text(form, "provider")),
    "unlock": lambda people, by, account, _: people.unlock(by, account),
}


def router(*, people: People, authenticator: Authenticator, pages: Pages) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    Person = Annotated[Session, Depends(authenticator.person)]
    Sender = Annotated[Session, Depends(authenticator.sender)]

    def one(
        request: Request,
        session: Session,
        account: str,
        *,
        refusal: CihuError | None = None,
        invitation: InvitationDocument | None = None,
    ) -> Response:
        by = session.principal
        may = {action: people.may(by, action, account) for action in ACTIONS}
        return pages.show(
            request,
            "person.html",
            session,
            status=status_of(refusal) if refusal else 200,
            person=people.find(by, account),
            teams=people.teams(by),
            roles=list(ROLES),
            may=may,
            providers={each.id: each.words for each in people.providers},
            invitation=invitation,
            refusal=words_of(refusal) if refusal else None,
        )

    @routes.get("/people/{account}")
    def person(request: Request, session: Person, account: str) -> Response:
        return one(request, session, account)

    @routes.post("/people/{account}")
    def act(
        request: Request, session: Sender, account: str, form: Annotated[FormData, Depends(posted_with_text)]
    ) -> Response:
        """One of `DEEDS`, which the button names."""
        by, deed = session.principal, str(form.get("deed", ""))
        try:
            invitation = DEEDS[deed](people, by, account, form) if deed in DEEDS else None
        except Forbidden:
            raise
        except CihuError as refusal:
            return one(request, session, account, refusal=refusal)
        if invitation is not None:
            return one(request, session, account, invitation=invitation)
        return RedirectResponse(f"/people/{segment(account)}", status_code=303)

    return routes
