"""Normalises the forms in which one value can be written.
Numbers, dates and texts are each brought to one form, so that formatting hides nothing."""

import datetime
import re
import unicodedata
from decimal import Decimal, InvalidOperation
from math import isfinite
from typing import Any

NUMBER = re.compile(r"[+-]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:[eE][+-]?\d{1,2})?|[+-]?\.\d+")
DATE = re.compile(
    r"(?<!\d)(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})(?:\s*日)?(?:[T "
    r"]\d{2}:\d{2}(?::\d{2}(?:\.0*)?)?)?(?!\d)|(?<!\d)((?:19|20)\d{2})([01]\d)([0-3]\d)(?!\d)|(?<!\d)(\d{1,"
    r"2})[./](\d{1,2})[./]((?:19|20)\d{2})(?!\d)"
)
MONTHS = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), start=1
    )
}
_MONTH = r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?"
NAMED_MONTH = re.compile(
    rf"(?<!\d)(\d{{1,2}})(?:st|nd|rd|th)?[ -]{_MONTH},?[ -]((?:19|20)\d{{2}})(?!\d)|"
    rf"\b{_MONTH} (\d{{1,2}})(?:st|nd|rd|th)?,? ((?:19|20)\d{{2}})(?!\d)",
    re.IGNORECASE,
)
MAYBE_DATE = re.compile(r"\d\s*[-/年]|\d{8}|\d\.\d+\.\d|[a-z]{3}|[^\x00-\x7f]", re.IGNORECASE)
"""What a text without it is surely no date: most cells are plain numbers, and this is quick."""
TELLING_DIGITS = 4
MOST_PLACES = 6


def text_form(text: str) -> str:
    """Case, width and white space do not matter."""
    return "t:" + " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def number_form(value: Decimal) -> str:
    """1.50, 1.5 and 15e-1 are one.
    From four digits on only the digits count: a copied number stays one in fen, in thousands, or with
    its sign reversed."""
    return _form(f"{value:f}")


def _form(written: str) -> str:
    digits = significant(written)
    if len(digits) >= TELLING_DIGITS:
        return "s:" + digits
    return "n:" + (written.rstrip("0").rstrip(".") if "." in written else written)


def significant(written: str) -> str:
    """Its digits without sign, point and zeros at either end."""
    return written.lstrip("+-").replace(".", "").strip("0")


def number_in(text: str) -> Decimal | None:
    plain = (
        (text if text.isascii() else unicodedata.normalize("NFKC", text))
        .strip()
        .removesuffix("%")
        .strip()
        .replace("−", "-")
    )
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
    if not MAYBE_DATE.search(text):
        return []
    found = []
    for match in DATE.finditer(unicodedata.normalize("NFKC", text)):
        year, month, day, year2, month2, day2, first, second, year3 = match.groups()
        if year3:
            found += [_date(year3, second, first), _date(year3, first, second)]
        else:
            found.append(_date(year or year2, month or month2, day or day2))
    for match in NAMED_MONTH.finditer(text):
        day, month, year, month2, day2, year2 = match.groups()
        found.append(_date(year or year2, str(MONTHS[(month or month2).lower()]), day or day2))
    return list(dict.fromkeys(form for form in found if form))


def _date(year: str, month: str, day: str) -> str:
    try:
        return "d:" + datetime.date(int(year), int(month), int(day)).isoformat()
    except ValueError:
        return ""


def forms_of_raw(value: Any) -> list[str]:
    """The forms under which a raw value is known: itself, and numbers also rounded to six places and fewer,
    down to whole numbers if these have digits enough."""
    match value:
        case None:
            return []
        case bool():
            return []
        case int():
            return [_form(str(value))]
        case float() | Decimal():
            written = repr(value) if isinstance(value, float) else f"{value:f}"
            if not isfinite(value):
                return []
            if "e" in written:
                written = f"{Decimal(written):f}"
            places = len(written.partition(".")[2].rstrip("0"))
            fewest = 0 if abs(value) >= 10 ** (TELLING_DIGITS - 1) else 1
            rounded = [f"{value:.{kept}f}" for kept in range(fewest, min(places, MOST_PLACES + 1))]
            return list(dict.fromkeys(map(_form, (written, *rounded))))
        case datetime.datetime():
            return ["d:" + value.date().isoformat()]
        case datetime.date():
            return ["d:" + value.isoformat()]
        case _:
            number = number_in(str(value))
            return [text_form(str(value)), *([number_form(number)] if number is not None else [])]
