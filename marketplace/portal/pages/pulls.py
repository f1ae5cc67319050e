"""Pages: from where a department's datasets are pulled, how each attempt went, and a form to set a pull."""

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

KINDS = ("table", "query", "object")
SCHEDULE = "0 3 * * *"


def router(*, authenticator: Authenticator, pages: Pages, vault: Vault) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    Reading = Annotated[Vault, Depends(vault_in_language(vault))]
    Officer = Annotated[Session, Depends(officer_at(authenticator))]
    SendingOfficer = Annotated[Session, Depends(sending_officer_at(authenticator))]
    Text = Annotated[PlainText, Form()]

    @routes.get("/pulls")
    def pulls(request: Request, session: Officer, vault: Reading) -> Response:
        return shown(request, session, vault)

    @routes.post("/pulls")
    def set_pull(
        request: Request,
        session: SendingOfficer,
        vault: Reading,
        dataset: Text = "",
        source: Text = "",
        kind: Text = "",
        what: Text = "",
        schedule: Text = "",
    ) -> Response:
        typed = {"dataset": dataset, "source": source, "kind": kind, "what": what, "schedule": schedule}
        told = {name: text.strip() for name, text in typed.items() if name != "dataset"}
        return sent(request, session, vault, "PUT", dataset.strip(), typed=typed, json=told)

    @routes.post("/pulls/{dataset}/run")
    def run(request: Request, session: SendingOfficer, vault: Reading, dataset: str) -> Response:
        return sent(request, session, vault, "POST", dataset, "/run")

    @routes.post("/pulls/{dataset}/agree")
    def agree(
        request: Request, session: SendingOfficer, vault: Reading, dataset: str, revision: Text = ""
    ) -> Response:
        # of the pull that stood on the page: one that was changed since is refused
        return sent(request, session, vault, "POST", dataset, "/agree", json={"revision": revision})

    @routes.post("/pulls/{dataset}/end")
    def end(request: Request, session: SendingOfficer, vault: Reading, dataset: str) -> Response:
        return sent(request, session, vault, "DELETE", dataset)

    @routes.get("/pulls/{dataset}")
    def pull(request: Request, session: Officer, vault: Reading, dataset: str) -> Response:
        who, path = session.principal, f"/v1/datasets/{segment(dataset)}/pull"
        return pages.show(
            request,
            "pull.html",
            session,
            pull=vault.get(who.id, path),
            attempts=listed(vault.get(who.id, f"{path}/attempts")),
        )

    def sent(
        request: Request,
        session: Session,
        vault: Vault,
        method: str,
        dataset: str,
        more: str = "",
        *,
        typed: dict[str, str] | None = None,
        **body: Any,
    ) -> Response:
        try:
            path = f"/v1/datasets/{segment(dataset)}/pull{more}"
            vault.send(session.principal.id, method, path, **body)
        except CihuError as refusal:
            return shown(request, session, vault, status=422, typed=typed or {}, refusal=words_of(refusal))
        return RedirectResponse("/pulls", status_code=303)

    def shown(
        request: Request,
        session: Session,
        vault: Vault,
        *,
        status: int = 200,
        typed: dict[str, str] | None = None,
        refusal: dict[str, str] | None = None,
    ) -> Response:
        who = session.principal
        return pages.show(
            request,
            "pulls.html",
            session,
            status=status,
            pulls=listed(vault.get(who.id, "/v1/pulls")),
            sources=listed(vault.get(who.id, "/v1/sources")),
            datasets=dataset_choices(
                vault, who.id, department=who.organisation, typed=(typed or {}).get("dataset", "")
            ),
            kinds=KINDS,
            typed={"dataset": "", "source": "", "kind": KINDS[0], "what": "", "schedule": SCHEDULE}
            | (typed or {}),
            refusal=refusal,
        )

    return routes
