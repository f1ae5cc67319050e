"""Pages: datasets that are derived from others, who has still to agree, and a form to propose one."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from marketplace.portal.authentication import Authenticator
from marketplace.portal.drafts.vault_drafts import READING_SECONDS
from marketplace.portal.language import vault_in_language
from marketplace.portal.pages.officers import officer_at, sending_officer_at
from marketplace.portal.rendering import Pages, words_of
from marketplace.portal.sessions import Session
from marketplace.vault import Vault, listed, segment
from sandbox.errors import CihuError
from sandbox.plain_text import PlainText

ADDRESS = "/v1/derivations"


def router(*, authenticator: Authenticator, pages: Pages, vault: Vault) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    Reading = Annotated[Vault, Depends(vault_in_language(vault))]
    Officer = Annotated[Session, Depends(officer_at(authenticator))]
    SendingOfficer = Annotated[Session, Depends(sending_officer_at(authenticator))]
    Text = Annotated[PlainText, Form()]

    @routes.get("/derivations")
    def derivations(request: Request, session: Officer, vault: Reading) -> Response:
        return shown(request, session, vault)

    @routes.post("/derivations")
    def propose(
        request: Request, session: SendingOfficer, vault: Reading, policy: Text = "", schedule: Text = ""
    ) -> Response:
        proposed = {"policy": policy, "schedule": schedule.strip() or None}
        return sent(request, session, vault, "POST", "", typed=policy, json=proposed)

    @routes.post("/derivations/{dataset}/agree")
    def agree(
        request: Request, session: SendingOfficer, vault: Reading, dataset: str, revision: Text = ""
    ) -> Response:
        # of the derivation that stood on the page: one that was changed since is refused
        return sent(
            request, session, vault, "POST", f"/{segment(dataset)}/agree", json={"revision": revision}
        )

    @routes.post("/derivations/{dataset}/withdraw")
    def withdraw(request: Request, session: SendingOfficer, vault: Reading, dataset: str) -> Response:
        return sent(request, session, vault, "DELETE", f"/{segment(dataset)}/agree")

    @routes.post("/derivations/{dataset}/run")
    def run(
        request: Request, session: SendingOfficer, vault: Reading, dataset: str, notes: Text = ""
    ) -> Response:
        # it reads whole datasets, and may end half a minute after it is done
        path, body = f"/{segment(dataset)}/run", {"notes": notes}
        return sent(request, session, vault, "POST", path, json=body, timeout=READING_SECONDS)

    @routes.post("/derivations/{dataset}/refresh")
    def refresh(request: Request, session: SendingOfficer, vault: Reading, dataset: str) -> Response:
        return sent(request, session, vault, "POST", f"/{segment(dataset)}/refresh")

    @routes.post("/derivations/{dataset}/end")
    def end(request: Request, session: SendingOfficer, vault: Reading, dataset: str) -> Response:
        return sent(request, session, vault, "DELETE", f"/{segment(dataset)}")

    def sent(
        request: Request,
        session: Session,
        vault: Vault,
        method: str,
        more: str,
        *,
        typed: str = "",
        **body: Any,
    ) -> Response:
        try:
            vault.send(session.principal.id, method, f"{ADDRESS}{more}", **body)
        except CihuError as refusal:
            return shown(request, session, vault, status=422, typed=typed, refusal=words_of(refusal))
        return RedirectResponse("/derivations", status_code=303)

    def shown(
        request: Request,
        session: Session,
        vault: Vault,
        *,
        status: int = 200,
        typed: str = "",
        refusal: dict[str, str] | None = None,
    ) -> Response:
        return pages.show(
            request,
            "derivations.html",
            session,
            status=status,
            derivations=listed(vault.get(session.principal.id, ADDRESS)),
            typed=typed,
            refusal=refusal,
        )

    return routes
