"""Pages: what was refused, why something was allowed or refused, and what the rules would say."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from marketplace.portal.authentication import Authenticator
from marketplace.portal.language import vault_in_language
from marketplace.portal.rendering import Pages, words_of
from marketplace.portal.sessions import Session
from marketplace.vault import Vault, segment
from sandbox.errors import CihuError, Forbidden, InvalidInput, NotFound
from sandbox.plain_text import is_text
from sandbox.policy.decision_words import ACTIONS, ASKED_OF, KINDS
from sandbox.policy.rules import Rules

ASKING = frozenset({"officer", "auditor", "audit_administrator", "operator", "security_administrator"})
"""Who sees the form that asks what would be decided; the vault decides whether they may."""

FIELDS = ("person", "action", "id", "team")


def router(*, rules: Rules, authenticator: Authenticator, pages: Pages, vault: Vault) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    Reading = Annotated[Vault, Depends(vault_in_language(vault))]
    Person = Annotated[Session, Depends(authenticator.person)]
    kinds = {action: rules.kinds_of(action)[0] for action in sorted(rules.actions)}
    asked_of = {action: kind for action, kind in kinds.items() if kind in ASKED_OF}

    @routes.get("/decisions")
    def refused(request: Request, session: Person, vault: Reading) -> Response:
        before = request.query_params.get("before", "")
        more = {"before": before} if before.isascii() and before.isdigit() and len(before) < 16 else {}
        found = vault.get(session.principal.id, "/v1/decisions", **more)
        return pages.show(
            request,
            "decisions.html",
            session,
            attempts=found["attempts"],
            older="" if found["older"] is None else f"/decisions?before={found['older']}",
            asks=bool(session.principal.roles & ASKING),
            kinds=KINDS,
        )

    @routes.get("/decisions/what-if")
    def asked(request: Request, session: Person, vault: Reading) -> Response:
        """What is typed stays, beside the answer or what is wrong with it."""
        given = {name: request.query_params.get(name, "").strip()[:200] for name in FIELDS}
        wanted = {name: value if is_text(value) else "" for name, value in given.items()}
        found, refusal, status = None, None, 200
        if wanted["person"] and wanted["id"]:
            try:
                found = vault.get(session.principal.id, "/v1/what-if", **_asked(wanted, asked_of))
            except (InvalidInput, NotFound, Forbidden) as error:
                refusal, status = words_of(error), _status(error)
        return pages.show(
            request,
            "what_if.html",
            session,
            status=status,
            wanted=wanted,
            found=found,
            refusal=refusal,
            actions=[(action, ACTIONS[action], KINDS[kind]) for action, kind in asked_of.items()],
        )

    @routes.get("/decisions/{index}")
    def explained(request: Request, session: Person, vault: Reading, index: str) -> Response:
        found = vault.get(session.principal.id, f"/v1/decisions/{segment(index)}")
        return pages.show(request, "decision.html", session, found=found, index=found["entry"])

    return routes


def _asked(wanted: dict[str, str], asked_of: dict[str, str]) -> dict[str, Any]:
    kind = asked_of.get(wanted["action"], "Dataset")
    given = {**wanted, "kind": kind}
    return {name: value for name, value in given.items() if value}


def _status(error: CihuError) -> int:
    return {Forbidden: 403, NotFound: 404}.get(type(error), 422)
