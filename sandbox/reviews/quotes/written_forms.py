"""How can one value be written? Numbers, dates and texts, each brought to one form, so that formatting hides nothing."""

import datetime
import re
import unicodedata
from decimal import Decimal, InvalidOperation
from typing import Any

NUMBER = re.compile(r"[+-]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:[eE][+-]?\d{1,2})?|[+-]?\.\d+")
DATE = re.compile(
    r"(?<!\d)(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})(?:\s*日)?(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.0*)?)?)?(?!\d)|"
    r"(?<!\d)((?:19|20)\d{2})([01]\d)([0-3]\d)(?!\d)|(?<!\d)(\d{1,2})[./](\d{1,2})[./]((?:19|20)\d{2})(?!\d)"
)
LEAST_DECIMALS = 1


def text_form(text: str) -> str:
    """Case, width and white space do not matter."""
    return "t:" + " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def number_form(value: Decimal) -> str:
    """1.50, 1.5 and 15e-1 are one."""
    made = f"{value:f}"
    return "n:" + (made.rstrip("0").rstrip(".") if "." in made else made)


def number_in(text: str) -> Decimal | None:
    plain = unicodedata.normalize("NFKC", text).strip().removesuffix("%").strip().replace("−", "-")
    if len(plain) > 40 or not NUMBER.fullmatch(plain):
        return None
    try:
        return Decimal(plain.replace(",", ""))
    except InvalidOperation:
        return None


def decimals_of(value: Decimal) -> int:
    """How many digits it has after the point, without zeros at the end."""
    exponent = value.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def decade_of(value: Decimal) -> int:
    return value.adjusted()


def dates_in(text: str) -> list[str]:
    """Dates in a text, in their one form; a day and month that could be either way round give both."""
    found = []
    for match in DATE.finditer(unicodedata.normalize("NFKC", text)):
        year, month, day, year2, month2, day2, first, second, year3 = match.groups()
        if year3:
            found += [_date(year3, second, first), _date(year3, first, second)]
        else:
            found.append(_date(year or year2, month or month2, day or day2))
    return list(dict.fromkeys(form for form in found if form))


def _date(year: str, month: str, day: str) -> str:
    try:
        return "d:" + datetime.date(int(year), int(month), int(day)).isoformat()
    except ValueError:
        return ""


def forms_of_raw(value: Any) -> list[str]:
    """The forms under which a raw value is known: itself, and numbers also rounded to two places and to one."""
    match value:
        case None:
            return []
        case bool():
            return []
        case int():
            return [number_form(Decimal(value))]
        case float() | Decimal():
            exact = Decimal(repr(value)) if isinstance(value, float) else value
            if not exact.is_finite():
                return []
            rounded = [round(exact, places) for places in range(LEAST_DECIMALS, 7) if decimals_of(exact) > places]
            return list(dict.fromkeys(number_form(one) for one in (exact, *rounded)))
        case datetime.datetime():
            return ["d:" + value.date().isoformat()]
        case datetime.date():
            return ["d:" + value.isoformat()]
        case _:
            number = number_in(str(value))
            return [text_form(str(value)), *([number_form(number)] if number is not None else [])]
