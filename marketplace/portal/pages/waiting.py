"""Page: something that waits for a decision, who has taken it on, and the forms to take it on, hand it over
and give it back."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from marketplace.portal.authentication import Authenticator
from marketplace.portal.desk import LINKS, link_of
from marketplace.portal.language import vault_in_language
from marketplace.portal.named_persons import NamedPersons
from marketplace.portal.rendering import Pages, words_of
from marketplace.portal.sessions import Session
from marketplace.vault import Vault
from sandbox.errors import Conflict, InvalidInput
from sandbox.oversight.taken_on import nothing_waits
from sandbox.plain_text import PlainText

ADDRESS = "/waiting/{kind}/{id}"


def known_kind(kind: str) -> str:
    """Raises `NotFound` in the words for what waits for nobody."""
    if kind not in LINKS:
        raise nothing_waits()
    return kind


Kind = Annotated[str, Depends(known_kind)]


def router(*, named: NamedPersons, authenticator: Authenticator, pages: Pages, vault: Vault) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    Reading = Annotated[Vault, Depends(vault_in_language(vault))]
    Person = Annotated[Session, Depends(authenticator.person)]
    Sender = Annotated[Session, Depends(authenticator.sender)]
    Text = Annotated[PlainText, Form()]

    def shown(
        request: Request, session: Session, vault: Vault, kind: str, id: str, **more: object
    ) -> Response:
        thing = named.thing(vault, session.principal, kind, id)
        values = {"refusal": None, "typed": {}, **more}
        risk = id.partition(":")[0] if kind == "risk" else ""
        link = link_of(kind, id, str(thing["name"]))
        return pages.show(
            request,
            "waiting.html",
            session,
            status=422 if values["refusal"] else 200,
            thing=thing,
            link=link,
            risk=risk,
            **values,
        )

    @routes.get(ADDRESS)
    def one(request: Request, session: Person, vault: Reading, kind: Kind, id: str) -> Response:
        return shown(request, session, vault, kind, id)

    @routes.post(f"{ADDRESS}/take-on")
    def take_on(
        request: Request, session: Sender, vault: Reading, kind: Kind, id: str, instead_of: Text = ""
    ) -> Response:
        try:
            named.take_on(vault, session.principal, kind, id, instead_of.strip())
        except Conflict as refusal:
            return shown(request, session, vault, kind, id, refusal=words_of(refusal))
        return to_desk()

    @routes.post(f"{ADDRESS}/hand-over")
    def handed_over(
        request: Request, session: Sender, vault: Reading, kind: Kind, id: str, to: Text = "", note: Text = ""
    ) -> Response:
        try:
            named.pass_on(vault, session.principal, kind, id, to=to.strip(), note=note.strip())
        except InvalidInput as refusal:
            typed = {"to": to, "note": note}
            return shown(request, session, vault, kind, id, refusal=words_of(refusal), typed=typed)
        return to_desk()

    @routes.post(f"{ADDRESS}/give-back")
    def given_back(session: Sender, vault: Reading, kind: Kind, id: str) -> Response:
        named.give_back(vault, session.principal, kind, id)
        return to_desk()

    return routes


def to_desk() -> Response:
    return RedirectResponse("/", status_code=303)
