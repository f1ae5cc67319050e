"""The spellings of a value: one strict reader for each type, from a text to its value or its fault.

A text has one meaning or none. So numbers are plain ASCII decimals, and days are written year first; what
could be read in two ways (1,5 or 01/02/2024) is a fault.
"""

import re
from datetime import date
from math import isfinite

from sandbox.ingest.limits import DAY_MICROSECONDS, EPOCH, INT64, LARGEST_INTEGER
from sandbox.ingest.model import Fault, FieldRules, Type

Value = int | float | bool | str
"""Days since 1970 for a date, microseconds since 1970 for a timestamp."""

WHOLE = re.compile(r"-?[0-9]+(\.0*)?")
DECIMAL = re.compile(r"-?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
DAY = re.compile(r"([0-9]{4})([-/])([0-9]{1,2})\2([0-9]{1,2})")
MOMENT = re.compile(
    r"(?P<day>[0-9]{4}([-/])[0-9]{1,2}\2[0-9]{1,2})(?:[ T](?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})"
    r"(?::(?P<second>[0-9]{2})(?:\.(?P<fraction>[0-9]{1,9}))?)?(?P<zone> "
    r"?(?:Z|UTC|GMT|[+-][0-9]{2}(?::?[0-9]{2})?))?)?",
    re.IGNORECASE,
)
NUMBER_LIKE = re.compile(r"[\s+\-'_,.%0-9a-fxoe٫٬、，．＋－￥¥$€]*\d[\s'_,.%\w٫٬、，．－]*", re.IGNORECASE)
NOT_FINITE = re.compile(r"[+-]?(inf|infinity|nan)", re.IGNORECASE)
LONGEST_NUMBER = 400
TRUE = frozenset({"true", "t", "yes", "y", "1"})
FALSE = frozenset({"false", "f", "no", "n", "0"})


def read_text(text: str, rules: FieldRules) -> Value | Fault | tuple[Value, Fault]:
    """The value of a cell's text; a fault; or a fault with the value that rounding would give."""
    return READERS[rules.type](text, rules)


def integer(text: str, rules: FieldRules) -> Value | Fault | tuple[Value, Fault]:
    if len(text) > LONGEST_NUMBER or not DECIMAL.fullmatch(text):
        return _no_number(text)
    if not WHOLE.fullmatch(text):
        if "e" in text.lower():
            return Fault.NOT_PLAIN
        whole, _, fraction = text.partition(".")
        sign = -1 if whole.startswith("-") else 1
        rounded = sign * (int(whole.lstrip("-") or "0") + (fraction[0] >= "5"))
        return fits_integer(rounded, rules) or (rounded, Fault.NOT_WHOLE)
    digits = text.partition(".")[0]
    if rules.unit and re.match("-?0[0-9]", digits):
        return Fault.LEADING_ZEROS  # 007 and 7 are one integer, and may be two people
    return fits_integer(int(digits), rules) or int(digits)


def fits_integer(value: int, rules: FieldRules) -> Fault | None:
    most = LARGEST_INTEGER if rules.computed else INT64 - 1
    return None if -most <= value <= most else Fault.TOO_LARGE


def number(text: str, rules: FieldRules) -> Value | Fault:
    if len(text) > LONGEST_NUMBER or not DECIMAL.fullmatch(text):
        return _no_number(text)
    value = float(text)
    return value if isfinite(value) else Fault.TOO_LARGE


def _no_number(text: str) -> Fault:
    if NOT_FINITE.fullmatch(text.strip()):
        return Fault.NOT_FINITE
    return (
        Fault.NOT_PLAIN if len(text) <= LONGEST_NUMBER and NUMBER_LIKE.fullmatch(text) else Fault.NOT_A_VALUE
    )


def boolean(text: str, rules: FieldRules) -> Value | Fault:
    lower = text.lower() if text.isascii() else text
    return True if lower in TRUE else False if lower in FALSE else Fault.NOT_A_VALUE


def day(text: str, rules: FieldRules) -> Value | Fault | tuple[Value, Fault]:
    if match := DAY.fullmatch(text):
        return _days(int(match[1]), int(match[3]), int(match[4]))
    moment = timestamp(text, rules)
    if isinstance(moment, Fault):
        return moment
    if isinstance(moment, tuple):
        moment = moment[0]
    assert isinstance(moment, int), "a timestamp is microseconds"
    days, rest = divmod(moment, DAY_MICROSECONDS)
    return (days, Fault.TIME_OF_DAY) if rest else days


def timestamp(text: str, rules: FieldRules) -> Value | Fault | tuple[Value, Fault]:
    match = MOMENT.fullmatch(text) if text.isascii() else None
    if not match:
        return Fault.NOT_A_VALUE
    if match["zone"]:
        return Fault.ZONE
    year, month, of_month = (int(part) for part in re.split("[-/]", match["day"]))
    days = _days(year, month, of_month)
    if isinstance(days, Fault):
        return days
    hour, minute, second = (int(match[part] or 0) for part in ("hour", "minute", "second"))
    if hour > 23 or minute > 59 or second > 59:
        return Fault.NOT_A_VALUE
    nanoseconds = (match["fraction"] or "").ljust(9, "0")
    value = days * DAY_MICROSECONDS + ((hour * 60 + minute) * 60 + second) * 1_000_000 + int(nanoseconds[:6])
    return (value, Fault.TOO_FINE) if nanoseconds[6:] != "000" else value


def _days(year: int, month: int, of_month: int) -> int | Fault:
    if year < 1:
        return Fault.YEAR
    try:
        return date(year, month, of_month).toordinal() - EPOCH.date().toordinal()
    except ValueError:
        return Fault.NO_SUCH_DAY


def text(said: str, rules: FieldRules) -> Value | Fault:
    if "\0" in said:
        return Fault.NUL
    return said if len(said) <= rules.longest else Fault.TOO_LONG


READERS = {
    Type.INTEGER: integer,
    Type.NUMBER: number,
    Type.BOOLEAN: boolean,
    Type.DATE: day,
    Type.TIMESTAMP: timestamp,
    Type.TEXT: text,
}
