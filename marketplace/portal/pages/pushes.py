"""Pages: the push credentials of a dataset, what was pushed into it, and a form to issue a credential."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from marketplace.portal.authentication import Authenticator
from marketplace.portal.dataset_choices import dataset_choices
from marketplace.portal.language import vault_in_language
from marketplace.portal.pages.officers import officer_at, sending_officer_at
from marketplace.portal.rendering import Pages, words_of
from marketplace.portal.sessions import Session
from marketplace.vault import Vault, listed, segment
from sandbox.errors import CihuError
from sandbox.plain_text import PlainText

MODES = ("replace", "append")
DAYS = "90"


def router(*, authenticator: Authenticator, pages: Pages, vault: Vault) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    Reading = Annotated[Vault, Depends(vault_in_language(vault))]
    Officer = Annotated[Session, Depends(officer_at(authenticator))]
    SendingOfficer = Annotated[Session, Depends(sending_officer_at(authenticator))]
    Text = Annotated[PlainText, Form()]

    @routes.get("/pushes")
    def pushes(request: Request, session: Officer, vault: Reading, dataset: str = "") -> Response:
        return shown(request, session, vault, dataset)

    @routes.post("/pushes")
    def issue(
        request: Request,
        session: SendingOfficer,
        vault: Reading,
        dataset: Text = "",
        label: Text = "",
        mode: Text = "",
        days: Text = "",
    ) -> Response:
        typed = {"label": label.strip(), "mode": mode, "days": days.strip()}
        try:
            issued = vault.post(session.principal.id, credentials_of(dataset), typed)
        except CihuError as refusal:
            return shown(request, session, vault, dataset, typed=typed, refusal=words_of(refusal))
        # in this answer and nowhere else: neither an address nor a session ever holds the secret
        page = shown(request, session, vault, dataset, secret=issued["secret"])
        page.headers["Cache-Control"] = "no-store"
        return page

    @routes.post("/pushes/{dataset}/credentials/{id}/agree")
    def agree(
        request: Request, session: SendingOfficer, vault: Reading, dataset: str, id: int, revision: Text = ""
    ) -> Response:
        # to the credential that stood on the page: one that was changed since is refused
        return sent(request, session, vault, "POST", dataset, f"/{id}/agree", json={"revision": revision})

    @routes.post("/pushes/{dataset}/credentials/{id}/confirm")
    def confirm(request: Request, session: SendingOfficer, vault: Reading, dataset: str, id: int) -> Response:
        return sent(request, session, vault, "POST", dataset, f"/{id}/confirm")

    @routes.post("/pushes/{dataset}/credentials/{id}/revoke")
    def revoke(request: Request, session: SendingOfficer, vault: Reading, dataset: str, id: int) -> Response:
        return sent(request, session, vault, "DELETE", dataset, f"/{id}")

    def credentials_of(dataset: str) -> str:
        return f"/v1/datasets/{segment(dataset.strip())}/push-credentials"

    def sent(
        request: Request, session: Session, vault: Vault, method: str, dataset: str, more: str, **body: Any
    ) -> Response:
        try:
            vault.send(session.principal.id, method, f"{credentials_of(dataset)}{more}", **body)
        except CihuError as refusal:
            return shown(request, session, vault, dataset, refusal=words_of(refusal))
        return RedirectResponse(f"/pushes?dataset={segment(dataset)}", status_code=303)

    def shown(
        request: Request,
        session: Session,
        vault: Vault,
        dataset: str,
        *,
        typed: dict[str, str] | None = None,
        refusal: dict[str, str] | None = None,
        secret: str = "",
    ) -> Response:
        who = session.principal
        own = dataset_choices(vault, who.id, department=who.organisation, typed=dataset)
        first = "" if own.searched else next((each["name"] for each in own.offered), "")
        chosen = own.chosen or first
        path = f"/v1/datasets/{segment(chosen)}"
        return pages.show(
            request,
            "pushes.html",
            session,
            status=422 if refusal else 200,
            datasets=own,
            dataset=chosen,
            credentials=listed(vault.get(who.id, f"{path}/push-credentials")) if chosen else [],
            pushes=listed(vault.get(who.id, f"{path}/pushes")) if chosen else [],
            modes=MODES,
            typed={"label": "", "mode": MODES[0], "days": DAYS} | (typed or {}),
            refusal=refusal,
            secret=secret,
        )

    return routes
