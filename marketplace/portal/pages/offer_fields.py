"""What the forms have in common on which an officer puts the work of a team on offer: calls of a model, or
answers to a question."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from marketplace.portal.pages.models import BadModelField
from marketplace.portal.pages.models import field_of as field_of_model
from marketplace.products.list_product import Offer
from sandbox.errors import CihuError

EPSILON = ("Write a number such as 0.5.", "请填写数字，例如 0.5。")
DAY = ("Choose a day.", "请选择日期。")
TITLE = ("Give the product a title of at most 200 characters.", "请填写标题，最多 200 个字符。")
REMEDIES = {
    "id": (
        "A product's name has small letters, digits and hyphens, begins with a letter, and has 2 to 63 "
        "characters.",
        "产品名称由小写字母、数字和连字符组成，以字母开头，2 至 63 个字符。",
    ),
    "team_percent": ("Write a whole number from 0 to 90.", "请填写 0 至 90 的整数。"),
    "purpose": ("Say for what calls are licensed.", "请填写许可用途。"),
    "calls_per_month": ("Write a whole number.", "请填写整数。"),
    "title_zh": TITLE,
    "title_en": TITLE,
    "epsilon": EPSILON,
    "budget_epsilon": EPSILON,
    "until": DAY,
    "budget_until": DAY,
}
FIELD_OF = {"question_team": "team", "no_team_behind": "team"}


def read_offer(wanted: Mapping[str, Any]) -> Offer:
    """The product of a form's fields. Raises `InvalidInput` that names the first that is wrong; `budget_`
    stands before those of the budget."""
    try:
        return Offer.model_validate(wanted)
    except ValidationError as error:
        names = [part for part in error.errors()[0]["loc"] if isinstance(part, str)]
    field = next((name for name in reversed(names) if name in REMEDIES), "id")
    field = f"budget_{field}" if "budget" in names else field
    remedy, remedy_zh = REMEDIES[field]
    raise BadModelField(field, remedy=remedy, remedy_zh=remedy_zh)


def field_of(refusal: CihuError | None) -> str:
    """The field that a refusal is about; "" for the form as a whole."""
    known = FIELD_OF.get(refusal.code, "") if refusal is not None else ""
    return known or field_of_model(refusal)
