"""Pages: the risk watch, and the same as a periodic report to print."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from marketplace.keys.watch import market_risks
from marketplace.portal.authentication import Authenticator
from marketplace.portal.language import vault_in_language
from marketplace.portal.rendering import Pages
from marketplace.portal.sessions import Session
from marketplace.vault import Answer, Vault
from sandbox.database import Database
from sandbox.policy import Gate

KINDS = (
    "budget_burn",
    "budget_promised",
    "refused_attempts",
    "many_questions",
    "near_capacity",
    "overdue_review",
    "overdue_opening",
    "overdue_problem",
    "overdue_update",
)
"""In the order of the pages; each is shown, also where nothing was found."""


def router(
    *,
    database: Database,
    gate: Gate,
    window: timedelta,
    authenticator: Authenticator,
    pages: Pages,
    vault: Vault,
) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    Reading = Annotated[Vault, Depends(vault_in_language(vault))]
    Person = Annotated[Session, Depends(authenticator.person)]

    def found(session: Session, vault: Vault) -> dict[str, Any]:
        called = market_risks(database, gate=gate, principal=session.principal, window=window)
        return {**_shown(session, vault), "networks": called["new_networks"]}

    @routes.get("/risks")
    def watch(request: Request, session: Person, vault: Reading) -> Response:
        return pages.show(request, "risks.html", session, **found(session, vault), report=False)

    @routes.get("/risks/report")
    def report(request: Request, session: Person, vault: Reading) -> Response:
        """What stands there is of the moment in which it is opened; whoever needs it later prints it."""
        return pages.show(request, "risks.html", session, **found(session, vault), report=True)

    return routes


def _shown(session: Session, vault: Vault) -> dict[str, Any]:
    known = vault.get(session.principal.id, "/v1/risks")
    groups = {kind: [each for each in known["findings"] if each["kind"] == kind] for kind in KINDS}
    links = {each["subject"]: link_of(session, each) for each in known["findings"]}
    return {"known": known, "groups": groups, "links": links}


def link_of(session: Session, finding: Answer) -> str:
    """Where whoever looks finds the object; empty where they have no page of it."""
    kind, _, name = finding["subject"].partition(":")
    if kind == "dataset":
        return f"/datasets/{name}"
    if "officer" not in session.principal.roles:
        return ""
    return {
        "grant": "/queue",
        "team": "/queue",
        "population": "/queue",
        "review": f"/reviews/{name}",
        "opening": f"/openings/{name}",
        "problem": "/problems",
    }.get(kind, "")
