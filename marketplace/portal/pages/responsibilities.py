"""Page: what an officer answers for, with the form to hand it over; operators close accounts there."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from marketplace.portal.authentication import Authenticator
from marketplace.portal.language import vault_in_language
from marketplace.portal.rendering import Pages, words_of
from marketplace.portal.sessions import Session
from marketplace.vault import Vault, segment
from sandbox.database import Database
from sandbox.errors import CihuError, Conflict
from sandbox.identity import disable_account
from sandbox.plain_text import PlainText
from sandbox.policy import Gate, Resource

CLOSE = "close"


def router(
    *, database: Database, gate: Gate, authenticator: Authenticator, pages: Pages, vault: Vault
) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    Reading = Annotated[Vault, Depends(vault_in_language(vault))]
    Person = Annotated[Session, Depends(authenticator.person)]
    Sender = Annotated[Session, Depends(authenticator.sender)]
    Text = Annotated[PlainText, Form()]

    @routes.get("/responsibilities")
    def own(request: Request, session: Person, vault: Reading, account: PlainText = "") -> Response:
        return shown(request, session, vault, account.strip() or session.principal.id)

    @routes.post("/responsibilities/{account}")
    def transfer(
        request: Request,
        session: Sender,
        vault: Reading,
        account: str,
        to: Text = "",
        reason: Text = "",
        deed: Text = "",
    ) -> Response:
        """What is handed over stands before the account is closed: nothing hangs in between."""
        who, path = session.principal, f"/v1/responsibilities/{segment(account)}"
        try:
            if deed == CLOSE:
                require_closing(gate, session, account, separated=authenticator.rules.separated)
            known = vault.get(who.id, path)
            if deed != CLOSE or any(not holding["shared"] for holding in known["holdings"]):
                body = {"reason": reason.strip()} | ({"to": to.strip()} if to.strip() else {})
                vault.post(who.id, f"{path}/hand-over", body)
            if deed == CLOSE:
                with database.transaction() as tx:
                    disable_account(tx, account_id=account, reason=reason.strip(), by=who.id)
        except CihuError as refusal:
            return shown(request, session, vault, account, refusal=words_of(refusal))
        return RedirectResponse(f"/responsibilities?account={segment(account)}", status_code=303)

    def shown(
        request: Request,
        session: Session,
        vault: Vault,
        account: str,
        *,
        refusal: dict[str, str] | None = None,
    ) -> Response:
        who = session.principal
        known = vault.get(who.id, f"/v1/responsibilities/{segment(account)}")
        operator = "operator" in who.roles
        return pages.show(
            request,
            "responsibilities.html",
            session,
            status=422 if refusal else 200,
            known=known,
            may_hand_over=operator or who.id == account,
            may_close=operator and who.id != account,
            refusal=refusal,
        )

    return routes


def require_closing(gate: Gate, session: Session, account: str, *, separated: bool) -> None:
    """Raises `Refused`, and `Conflict` for one's own account."""
    about = Resource("Account", account)
    gate.require(session.principal, "manage_account", about, {"separated": separated})
    if session.principal.id == account:
        raise Conflict(
            "You cannot close your own account.",
            code="own_account",
            remedy="Ask another operator.",
            zh="您不能停用自己的账号。",
            remedy_zh="请其他运营人员操作。",
        )
