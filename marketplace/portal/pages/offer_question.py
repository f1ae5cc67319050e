"""Pages: an officer puts the answers to a question of a competition's result on offer, with a share for its
team."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from starlette.datastructures import FormData

from marketplace.portal.authentication import Authenticator
from marketplace.portal.language import vault_in_language
from marketplace.portal.pages.models import texts_of
from marketplace.portal.pages.offer_fields import field_of, read_offer
from marketplace.portal.pages.officers import officer_at, sending_officer_at
from marketplace.portal.pages.selling import percent_of, simple_offer
from marketplace.portal.plain_form import posted
from marketplace.portal.rendering import Pages, words_of
from marketplace.portal.sent_once import number_and_words, sent_once
from marketplace.portal.sessions import Session
from marketplace.products.fitting_terms import units_of_kind
from marketplace.products.list_product import Offer, list_product
from marketplace.products.question_origin import ranked_question
from marketplace.products.selling import Selling
from marketplace.vault import Answer, Vault
from sandbox.errors import CihuError
from sandbox.plain_text import PlainText

PAGE = "/competitions/{name}/ranked/{entry}/offer"


def router(*, selling: Selling, authenticator: Authenticator, pages: Pages) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    Reading = Annotated[Vault, Depends(vault_in_language(selling.vault))]
    Officer = Annotated[Session, Depends(officer_at(authenticator))]
    SendingOfficer = Annotated[Session, Depends(sending_officer_at(authenticator))]
    Given = Annotated[FormData, Depends(posted)]

    @routes.get(PAGE)
    def form(request: Request, session: Officer, vault: Reading, name: PlainText, entry: int) -> Response:
        ranked = ranked_question(vault, session.principal, name, entry)
        return shown(request, session, name, ranked, {})

    @routes.post(PAGE)
    def offer(
        request: Request, session: SendingOfficer, vault: Reading, name: PlainText, entry: int, given: Given
    ) -> Response:
        typed = texts_of(given)
        ranked = ranked_question(vault, session.principal, name, entry)

        def put() -> str:
            wanted = offer_of(name, ranked, typed)
            list_product(selling, principal=session.principal, offer=wanted)
            return f"/products/{wanted.id}"

        try:
            return sent_once(authenticator, request, *number_and_words(given), deed=put)
        except CihuError as refusal:
            return shown(request, session, name, ranked, typed, refusal)

    def shown(
        request: Request,
        session: Session,
        name: str,
        ranked: Answer,
        typed: Mapping[str, str],
        refusal: CihuError | None = None,
    ) -> Response:
        return pages.show(
            request,
            "offer_question.html",
            session,
            status=422 if refusal else 200,
            competition=name,
            ranked=ranked,
            typed=typed,
            units=units_of_kind("query"),
            uses=selling.rules.uses,
            refusal=words_of(refusal) if refusal else None,
            at=field_of(refusal),
        )

    return routes


def offer_of(competition: str, ranked: Answer, typed: Mapping[str, str]) -> Offer:
    """The product of the form's fields; what is asked is the entry's own.
    Raises `InvalidInput` that names the field."""
    question = ranked["question"]
    what = {
        "kind": "query",
        **{name: question[name] for name in ("sql", "parameters")},
        "epsilon": typed.get("epsilon", ""),
        "budget": {"epsilon": typed.get("budget_epsilon", ""), "until": typed.get("budget_until", "")},
        "origin": {
            "competition": competition,
            "entry": ranked["entry"],
            "team": typed.get("team") or None,
            "team_percent": percent_of(typed.get("team_percent", "")),
        },
    }
    texts = {name: typed.get(name, "") for name in ("id", "title_zh", "title_en")}
    wanted = texts | {"dataset": question["dataset"], "what": what, "offer": simple_offer(typed, unit="call")}
    return read_offer(wanted)
