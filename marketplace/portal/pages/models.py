"""Pages of the model library: the list with its search, a model with its versions, registering one, and
retiring a version."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import ValidationError
from starlette.datastructures import FormData

from marketplace.portal.authentication import Authenticator
from marketplace.portal.language import vault_in_language
from marketplace.portal.pages.requests import count_of
from marketplace.portal.plain_form import posted
from marketplace.portal.rendering import Pages, words_of
from marketplace.portal.sent_once import number_and_words, sent_once
from marketplace.portal.sessions import Session
from marketplace.portal.vault_models import VaultModels
from marketplace.products.find import model_products
from marketplace.products.selling import Selling
from marketplace.vault import Answer, Vault
from sandbox.errors import CihuError, InvalidInput, NotFound
from sandbox.identity import Principal
from sandbox.models.schemas import NewModel
from sandbox.plain_text import PlainText

CARD = ("title_zh", "title_en", "summary_zh", "summary_en", "intended_use", "limits", "licence")
PREDICTS = ("probability", "number", "integer", "boolean", "text")
FIELD_OF = {
    "model_name_taken": "name",
    "model_registered": "name",
    "maintainer_not_in_team": "maintainer",
    "model_not_released": "path",
    "model_does_not_fit": "columns",
    "bad_interface": "columns",
    "model_dataset": "dataset",
    "model_team": "team",
    "model_team_incomplete": "team",
    "entry_is_no_model": "entry",
    "entry_not_found": "entry",
    "entry_without_result": "entry",
    "entry_is_program": "entry",
    "notice_too_short": "last_day",
    "model_retiring": "last_day",
    "bad_day": "last_day",
}
"""At which field of a form a refusal stands."""


def router(*, selling: Selling, authenticator: Authenticator, pages: Pages) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    Reading = Annotated[Vault, Depends(vault_in_language(selling.vault))]
    Person = Annotated[Session, Depends(authenticator.person)]
    Sender = Annotated[Session, Depends(authenticator.sender)]
    Given = Annotated[FormData, Depends(posted)]

    @routes.get("/models")
    def library(request: Request, session: Person, vault: Reading, search: PlainText = "") -> Response:
        words = search.strip()[:100]
        found = VaultModels(vault).search(session.principal.id, words)
        return pages.show(request, "models.html", session, models=found, search=words)

    @routes.get("/models/{name}")
    def model(request: Request, session: Person, vault: Reading, name: PlainText) -> Response:
        return shown(request, session, vault, name)

    @routes.post("/models/{name}/{version}/retire")
    def retire(
        request: Request, session: Sender, vault: Reading, name: PlainText, version: int, given: Given
    ) -> Response:
        def deed() -> str:
            VaultModels(vault).retire(session.principal.id, name, version, retirement_of(given))
            return f"/models/{name}#v{version}"

        try:
            return sent_once(authenticator, request, *number_and_words(given), deed=deed)
        except CihuError as refusal:
            if refusal.code == "model_not_found":
                raise
            return shown(request, session, vault, name, refusal=refusal, at=version, typed=texts_of(given))

    @routes.get("/register-model")
    def form(request: Request, session: Person) -> Response:
        asked = {name: value for name, value in request.query_params.items() if len(value) <= 500}
        return form_shown(request, session, asked)

    @routes.post("/register-model")
    def register(request: Request, session: Sender, vault: Reading, given: Given) -> Response:
        typed = texts_of(given)

        def deed() -> str:
            made = VaultModels(vault).register(session.principal.id, new_model(typed))
            return f"/models/{made['name']}#v{made['version']}"

        try:
            return sent_once(authenticator, request, *number_and_words(given), deed=deed)
        except CihuError as refusal:
            return form_shown(request, session, typed, refusal)

    def form_shown(
        request: Request, session: Session, typed: Mapping[str, str], refusal: CihuError | None = None
    ) -> Response:
        return pages.show(
            request,
            "register_model.html",
            session,
            status=422 if refusal else 200,
            typed=typed,
            of_entry="competition" in typed,
            predicts=PREDICTS,
            refusal=words_of(refusal) if refusal else None,
            at=field_of(refusal),
        )

    def shown(
        request: Request,
        session: Session,
        vault: Vault,
        name: str,
        *,
        refusal: CihuError | None = None,
        at: int = 0,
        typed: Mapping[str, str] | None = None,
    ) -> Response:
        versions = VaultModels(vault).versions(session.principal.id, name)
        if not versions:
            raise NotFound(
                "The library has no model of this name.",
                code="model_not_found",
                remedy="Look for it in the model library.",
                zh="模型库中没有此名称的模型。",
                remedy_zh="可在模型库中查找。",
            )
        with selling.database.transaction() as tx:
            sold = model_products(tx, name)
        return pages.show(
            request,
            "model.html",
            session,
            status=422 if refusal else 200,
            newest=versions[0],
            versions=versions,
            sold=sold,
            answers_for={one["version"]: answers_for(session.principal, one) for one in versions},
            sells="officer" in session.principal.roles,
            refusal=words_of(refusal) if refusal else None,
            refused_at=field_of(refusal),
            at=at,
            typed=typed or {},
        )

    return routes


def answers_for(person: Principal, model: Answer) -> bool:
    """Whether somebody gets the form that ends a version; the vault decides."""
    return model["team"] in person.teams or (
        "officer" in person.roles and person.organisation == model["department"]
    )


def texts_of(given: FormData) -> dict[str, str]:
    return {
        name: value.strip().replace("\r\n", "\n") for name, value in given.items() if isinstance(value, str)
    }


def retirement_of(given: FormData) -> Answer:
    """Raises `InvalidInput` for a day that is none."""
    typed = texts_of(given)
    last_day = typed.get("last_day", "")
    try:
        day = date.fromisoformat(last_day).isoformat() if last_day else None
    except ValueError:
        raise InvalidInput(
            f"{last_day[:30]!r} is no day.",
            code="bad_day",
            remedy="Write it as 2027-01-31.",
            zh=f"“{last_day[:30]}”不是日期。",
            remedy_zh="请按 2027-01-31 的格式填写。",
        ) from None
    return {"reason": typed.get("reason", ""), "last_day": day}


def new_model(typed: Mapping[str, str]) -> Answer:
    """What the form's fields register. Raises `InvalidInput` that names the field."""
    card: dict[str, Any] = {name: typed.get(name, "") for name in CARD}
    days = typed.get("respond_days", "")
    card["respond_days"] = (count_of(days) if days.isdecimal() else 0) if days else 14
    body: Answer = {
        "name": typed.get("name", ""),
        "card": card,
        "maintainer": typed.get("maintainer", ""),
    }
    if "competition" in typed:
        number = typed.get("entry", "")
        body |= {
            "competition": typed["competition"],
            "entry": int(number) if number.isdecimal() and len(number) < 10 else 0,
            "team": typed.get("team", ""),
        }
    else:
        columns = typed.get("columns", "").replace("，", ",").replace("、", ",").split(",")
        predicted = typed.get("predicted", "")
        body |= {
            "run": typed.get("run", "") or None,
            "path": typed.get("path", ""),
            "dataset": typed.get("dataset", ""),
            "columns": [each.strip() for each in columns if each.strip()],
            "predicts": {predicted: typed.get("predicts", "")} if predicted else {},
        }
    try:
        NewModel.model_validate(body)
    except ValidationError as error:
        raise bad_field(error) from None
    return body


class BadModelField(InvalidInput):
    """A field of a form of models, by its name, is not as it must be."""

    code = "bad_model_field"

    def __init__(self, field: str, *, remedy: str, remedy_zh: str) -> None:
        super().__init__(
            "This field is empty, too long, or not as it must be.",
            remedy=remedy,
            zh="此项未填写、过长或格式不符。",
            remedy_zh=remedy_zh,
        )
        self.field = field


def bad_field(error: ValidationError) -> BadModelField:
    """The first field that is wrong."""
    loc = error.errors()[0]["loc"]
    names = [part for part in loc if isinstance(part, str) and part not in ("card", "function-after")]
    field = names[0] if names else "columns"
    remedy, remedy_zh = FIELD_REMEDIES.get(field, FIELD_REMEDIES[""])
    return BadModelField(field, remedy=remedy, remedy_zh=remedy_zh)


FIELD_REMEDIES = {
    "name": (
        "A name has small letters, digits and hyphens, begins with a letter, and has 2 to 63 characters.",
        "名称由小写字母、数字和连字符组成，以字母开头，2 至 63 个字符。",
    ),
    "respond_days": ("Write a whole number of days from 1 to 90.", "请填写 1 至 90 的整数天数。"),
    "entry": ("Write the number of the entry.", "请填写提交的编号。"),
    "run": ("Write the run's number as its page shows it.", "请按运行页面填写运行编号。"),
    "columns": (
        "Name the run, the released file, its columns, and what it predicts.",
        "请填写运行、放行的文件、输入栏目和预测内容。",
    ),
    "": (
        "Write something that fits: titles have at most 200 characters, texts 4,000.",
        "请填写；标题不超过 200 字，正文不超过 4000 字。",
    ),
}


def field_of(refusal: CihuError | None) -> str:
    """The field of the form that a refusal is about; "" for the form as a whole."""
    if refusal is None:
        return ""
    if isinstance(refusal, BadModelField):
        return refusal.field
    return FIELD_OF.get(refusal.code, "")
