"""Pages: the start page and my account."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from marketplace.portal.authentication import Authenticator
from marketplace.portal.desk import Whose, desk_of
from marketplace.portal.language import vault_in_language
from marketplace.portal.my_sessions import my_tokens
from marketplace.portal.named_persons import NamedPersons
from marketplace.portal.notices.inbox import Inbox, Notice
from marketplace.portal.pages.public.home import home
from marketplace.portal.pages.public.listed_products import ProductCount
from marketplace.portal.paging import cut, page_of
from marketplace.portal.rendering import Pages
from marketplace.portal.sessions import Session
from marketplace.vault import Answer, Vault
from sandbox.database import Database
from sandbox.errors import CihuError
from sandbox.identity import Principal
from sandbox.oversight.deadlines import Deadlines
from sandbox.policy import Gate

WHOSE: dict[str, Whose] = {"all": "all", "mine": "mine", "nobody": "nobody"}
MOST_READ, MOST_SHOWN = 20, 5
"""Grants that are read, and grants and notices that a page shows on which nothing waits."""
LOOK_AFTER_PEOPLE = frozenset({"operator", "system_administrator", "security_administrator"})


def live_grants(person: Principal, vault: Vault) -> list[Answer]:
    """The newest grants of the person's teams that can be used, with what is left of them."""
    try:
        found = vault.budgets(person.id, limit=MOST_READ)
    except CihuError:
        return []
    own = [each for each in found if each["status"] == "live" and each["team"] in person.teams]
    return own[:MOST_SHOWN]


def last_notices(person: Principal, inbox: Inbox) -> Sequence[Notice]:
    try:
        return inbox.list(person)[:MOST_SHOWN]
    except CihuError:
        return []


def router(
    *,
    database: Database,
    gate: Gate,
    deadlines: Deadlines,
    named: NamedPersons,
    authenticator: Authenticator,
    pages: Pages,
    vault: Vault,
) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    products = ProductCount(database, gate, vault)
    inbox = Inbox(database, gate, vault)

    @routes.get("/")
    def start(
        request: Request,
        session: Annotated[Session | None, Depends(authenticator.anybody)],
        vault: Annotated[Vault, Depends(vault_in_language(vault))],
    ) -> Response:
        if session is None:
            return home(request, pages, vault, products)
        whose = WHOSE.get(request.query_params.get("whose", ""), "all")
        desk = desk_of(session.principal, vault, database, deadlines, named, whose)
        own = cut(desk.own, page_of(request))
        quiet = not desk.own
        return pages.show(
            request,
            "start.html",
            session,
            desk=desk,
            own=own,
            choices=list(WHOSE),
            quiet=quiet,
            grants=live_grants(session.principal, vault) if quiet and session.principal.teams else [],
            lately=last_notices(session.principal, inbox) if quiet else [],
        )

    @routes.get("/me")
    def me(request: Request, session: Annotated[Session, Depends(authenticator.person)]) -> Response:
        idle = authenticator.settings.session_idle_seconds
        with database.transaction() as tx:
            tokens = my_tokens(tx, account=session.principal.id, idle_seconds=idle)
        return pages.show(
            request,
            "me.html",
            session,
            tokens=tokens,
            looks_after_people=bool(LOOK_AFTER_PEOPLE & session.principal.roles),
        )

    return routes
