"""Pages: an officer puts a product on offer from a form: of which dataset, delivered how, at which price."""

import re
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import ValidationError
from starlette.datastructures import FormData

from marketplace.money import fen_of
from marketplace.portal.authentication import Authenticator
from marketplace.portal.dataset_choices import dataset_choices
from marketplace.portal.language import vault_in_language
from marketplace.portal.pages.officers import officer_at, sending_officer_at
from marketplace.portal.pages.requests import count_of
from marketplace.portal.pages.selling import price_of
from marketplace.portal.plain_form import posted
from marketplace.portal.rendering import Pages, words_of
from marketplace.portal.sent_once import number_and_words, sent_once
from marketplace.portal.sessions import Session
from marketplace.products.fitting_terms import units_of_kind
from marketplace.products.list_product import Offer, list_product
from marketplace.products.selling import Selling
from marketplace.vault import Answer, Vault
from sandbox.errors import CihuError, InvalidInput
from sandbox.plain_text import PlainText

PAGE = "/offer-product"
KINDS = {"open_sale": ("rows", "files"), "dp": ("query", "sql")}
"""The ways that a grade can allow, and what is sold by them."""
TEXTS = ("id", "title_zh", "title_en", "summary_zh", "summary_en")


def router(*, selling: Selling, authenticator: Authenticator, pages: Pages) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    Reading = Annotated[Vault, Depends(vault_in_language(selling.vault))]
    Officer = Annotated[Session, Depends(officer_at(authenticator))]
    SendingOfficer = Annotated[Session, Depends(sending_officer_at(authenticator))]
    Given = Annotated[FormData, Depends(posted)]

    @routes.get(PAGE)
    def form(
        request: Request,
        session: Officer,
        vault: Reading,
        dataset: PlainText = "",
        kind: PlainText = "",
    ) -> Response:
        return shown(request, session, vault, {"dataset": dataset, "kind": kind})

    @routes.post(PAGE)
    def offer(request: Request, session: SendingOfficer, vault: Reading, given: Given) -> Response:
        typed = {name: str(value).strip() for name, value in given.items() if isinstance(value, str)}
        keys = [str(key) for key in given.getlist("keys")]

        def put() -> str:
            wanted = offer_of(typed, keys)
            list_product(selling, principal=session.principal, offer=wanted)
            return f"/products/{wanted.id}"

        try:
            return sent_once(authenticator, request, *number_and_words(given), deed=put)
        except CihuError as refusal:
            return shown(request, session, vault, typed, keys=keys, refusal=words_of(refusal))

    def shown(
        request: Request,
        session: Session,
        vault: Vault,
        typed: Mapping[str, str],
        *,
        keys: list[str] | None = None,
        refusal: dict[str, str] | None = None,
    ) -> Response:
        me = session.principal
        datasets = dataset_choices(vault, me.id, department=me.organisation, typed=typed.get("dataset", ""))
        chosen = vault.dataset(me.id, datasets.chosen) if datasets.chosen else None
        kinds = kinds_for(chosen)
        kind = kind if (kind := typed.get("kind", "")) in kinds else next(iter(kinds), "")
        return pages.show(
            request,
            "offer_product.html",
            session,
            status=422 if refusal else 200,
            datasets=datasets,
            dataset=chosen,
            kinds=kinds,
            kind=kind,
            typed=typed,
            keys=keys or [],
            units=units_of_kind(kind),
            uses=selling.rules.uses,
            refusal=refusal,
        )

    def kinds_for(dataset: Answer | None) -> list[str]:
        """What of the dataset its grade lets be sold."""
        if dataset is None:
            return []
        ways = [way for way in KINDS if selling.gate.grades.allows(str(dataset["grade"]), way)]
        found = [kind for way in ways for kind in KINDS[way]]
        # what has no budget is open, and nothing of it is private
        return [kind for kind in found if (kind in KINDS["dp"]) == bool(dataset.get("budget"))]

    return routes


def offer_of(typed: Mapping[str, str], keys: list[str]) -> Offer:
    """The product of the form's fields. Raises `InvalidInput` that names the field."""
    terms = {
        "purpose": typed.get("purpose", ""),
        "use": typed.get("use") or "industry",
        "calls_per_month": count_of(typed.get("calls_per_month", "")) or 10_000,
        "redistribution": "redistribution" in typed,
        "watermark": "watermark" in typed,
        "attribution": typed.get("attribution", ""),
        "privacy_budget": typed.get("privacy_budget") or None,
    }
    price = price_of(
        unit=typed.get("unit") or "call",
        fen=fen_of(typed.get("price", "")) or 0,
        per=count_of(typed.get("per", "")) or 1,
        included=count_of(typed.get("included", "")) or 0,
        fee=fen_of(typed.get("monthly_fee", "")) or 0,
        maximum=fen_of(typed.get("month_maximum", "")),
        trial=count_of(typed.get("trial_days", "")) or 0,
    )
    wanted = {name: typed.get(name, "") for name in (*TEXTS, "dataset")}
    try:
        return Offer.model_validate(
            wanted | {"what": what_of(typed, keys), "offer": {"price": price, "terms": terms}}
        )
    except ValidationError as error:
        first = error.errors()[0]
        field = " ".join(str(part) for part in first["loc"] if not isinstance(part, int))
        raise InvalidInput(
            f"This cannot be a product: {field}: {first['msg']}.",
            remedy="Correct this field.",
            zh=f"该产品不符合要求：“{field}”一项有误。",
            remedy_zh="请更正后重新提交。",
        ) from None


def what_of(typed: Mapping[str, str], keys: list[str]) -> dict[str, Any]:
    """What is sold, by its kind. Raises `InvalidInput`."""
    kind = typed.get("kind", "")
    match kind:
        case "rows":
            return {"kind": kind, "keys": keys}
        case "query":
            budget = {"epsilon": typed.get("budget_epsilon", ""), "until": typed.get("budget_until", "")}
            return {
                "kind": kind,
                "sql": typed.get("sql", ""),
                "epsilon": typed.get("epsilon", ""),
                "parameters": parameters_of(typed.get("parameters", "")),
                "budget": budget,
            }
        case "sql":
            return {"kind": kind, "epsilon": typed.get("epsilon") or "1"}
        case _:
            return {"kind": kind}


def parameters_of(text: str) -> list[dict[str, Any]]:
    """Parameters, one a line: `district text: north, south` or `year integer: 2018 .. 2024`.
    Raises `InvalidInput`."""
    found = []
    for line in text.splitlines():
        if not line.strip():
            continue
        head, colon, values = line.replace("：", ":").partition(":")
        words = head.split()
        if not colon or len(words) != 2:
            raise InvalidInput(
                f"The parameter {line.strip()[:60]!r} cannot be read.",
                remedy="Write one a line, such as district text: north, south or year integer: 2018 .. 2024.",
                zh=f"参数“{line.strip()[:60]}”无法读取。",
                remedy_zh="每行一个参数，例如 district text: north, south 或 year integer: 2018 .. 2024。",
            )
        name, type = words
        low, dots, high = values.partition("..")
        allowed = [low, high] if dots else values.replace("，", ",").split(",")
        told = [_scalar(each.strip(), type) for each in allowed if each.strip()]
        found.append({"name": name, "type": type, "range" if dots else "values": told})
    return found


def _scalar(text: str, type: str) -> Any:
    if type == "integer" and re.fullmatch(r"-?[0-9]{1,15}", text):
        return int(text)
    if type == "number" and re.fullmatch(r"-?[0-9]{1,15}(\.[0-9]{1,15})?", text):
        return float(text)
    return {"true": True, "false": False}.get(text, text) if type == "boolean" else text
