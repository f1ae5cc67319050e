"""Pages: an officer puts calls of a model of the library on offer, and ends such a product with notice."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from starlette.datastructures import FormData

from marketplace.offers.price import Unit
from marketplace.portal.authentication import Authenticator
from marketplace.portal.language import vault_in_language
from marketplace.portal.pages.models import retirement_of, texts_of
from marketplace.portal.pages.offer_fields import field_of, read_offer
from marketplace.portal.pages.officers import officer_at, sending_officer_at
from marketplace.portal.pages.selling import percent_of, simple_offer
from marketplace.portal.plain_form import posted
from marketplace.portal.rendering import Pages, words_of
from marketplace.portal.sent_once import number_and_words, sent_once
from marketplace.portal.sessions import Session
from marketplace.portal.vault_models import VaultModels
from marketplace.products.list_product import Offer, list_product
from marketplace.products.retire_product import Retirement, retire_product
from marketplace.products.selling import Selling
from marketplace.vault import Answer, Vault
from sandbox.errors import CihuError, InvalidInput
from sandbox.plain_text import PlainText

UNITS = (Unit.MODEL_CALL, Unit.ROW)
SHORTEST_REASON = 5


def router(*, selling: Selling, authenticator: Authenticator, pages: Pages) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    Reading = Annotated[Vault, Depends(vault_in_language(selling.vault))]
    Officer = Annotated[Session, Depends(officer_at(authenticator))]
    SendingOfficer = Annotated[Session, Depends(sending_officer_at(authenticator))]
    Given = Annotated[FormData, Depends(posted)]

    @routes.get("/models/{name}/{version}/offer")
    def form(request: Request, session: Officer, vault: Reading, name: PlainText, version: int) -> Response:
        return shown(request, session, vault, name, version, {})

    @routes.post("/models/{name}/{version}/offer")
    def offer(
        request: Request, session: SendingOfficer, vault: Reading, name: PlainText, version: int, given: Given
    ) -> Response:
        typed = texts_of(given)

        def put() -> str:
            model = VaultModels(vault).version(session.principal.id, name, version)
            wanted = offer_of(model, typed)
            list_product(selling, principal=session.principal, offer=wanted)
            return f"/products/{wanted.id}"

        try:
            return sent_once(authenticator, request, *number_and_words(given), deed=put)
        except CihuError as refusal:
            if refusal.code == "model_not_found":
                raise
            return shown(request, session, vault, name, version, typed, refusal)

    @routes.post("/products/{name}/retire")
    def retire(request: Request, session: SendingOfficer, name: PlainText, given: Given) -> Response:
        def end() -> str:
            wanted = retirement_of(given)
            if len(wanted["reason"]) < SHORTEST_REASON:
                raise InvalidInput(
                    f"Say why, in at least {SHORTEST_REASON} characters.",
                    code="reason_needed",
                    remedy="Its buyers read it.",
                    zh=f"请说明理由，至少 {SHORTEST_REASON} 个字符。",
                    remedy_zh="购买方会看到。",
                )
            retire_product(
                selling,
                principal=session.principal,
                product_id=name,
                retirement=Retirement.model_validate(wanted),
            )
            return f"/products/{name}"

        return sent_once(authenticator, request, *number_and_words(given), deed=end)

    def shown(
        request: Request,
        session: Session,
        vault: Vault,
        name: str,
        version: int,
        typed: Mapping[str, str],
        refusal: CihuError | None = None,
    ) -> Response:
        return pages.show(
            request,
            "offer_model.html",
            session,
            status=422 if refusal else 200,
            model=VaultModels(vault).version(session.principal.id, name, version),
            typed=typed,
            units=[unit.value for unit in UNITS],
            uses=selling.rules.uses,
            refusal=words_of(refusal) if refusal else None,
            at=field_of(refusal),
        )

    return routes


def offer_of(model: Answer, typed: Mapping[str, str]) -> Offer:
    """The product of the form's fields; title and summary are those of the model's card.
    Raises `InvalidInput` that names the field."""
    what = {
        "kind": "model",
        "model": model["name"],
        "version": model["version"],
        "team_percent": percent_of(typed.get("team_percent", "")),
    }
    card = model["card"]
    wanted = {
        "id": typed.get("id", ""),
        "dataset": model["dataset"],
        **{name: card[name][:2000] for name in ("title_zh", "title_en", "summary_zh", "summary_en")},
        "what": what,
        "offer": simple_offer(typed, unit=Unit.MODEL_CALL.value),
    }
    return read_offer(wanted)
