"""A strict reader of CSV of its own, written from the documented spellings alone:
Python's csv module and tables of characters.

It shares nothing with sandbox/ingest, so that a fault of one is seen by the other.
"""

import csv
import io
from datetime import date, datetime, time
from decimal import Decimal

UNFIT = object()
DIGITS = set("0123456789")


def rows_of(body: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(body.decode("utf-8-sig"), newline=""), strict=True))


def value_of(
    text: str, kind: str, *, unit: bool = False, longest: int = 4000, marks: tuple[str, ...] = ()
) -> object:
    """The value, None for an empty cell, or UNFIT."""
    if text == "" or text in marks:
        return None
    return {
        "integer": _integer,
        "number": _number,
        "boolean": _boolean,
        "date": _date,
        "timestamp": _timestamp,
        "text": _text,
    }[kind](text, unit, longest)


def _digits(text: str) -> bool:
    return text != "" and set(text) <= DIGITS


def _integer(text: str, unit: bool, longest: int) -> object:
    body = text[1:] if text[0] == "-" else text
    whole, point, fraction = body.partition(".")
    if not _digits(whole) or (point and fraction and not set(fraction) <= {"0"}):
        return UNFIT
    if unit and len(whole) > 1 and whole[0] == "0":
        return UNFIT
    value = int(whole) * (-1 if text[0] == "-" else 1)
    return value if abs(value) <= (2**63 - 1 if unit else 2**53) else UNFIT


def _number(text: str, unit: bool, longest: int) -> object:
    body = text[1:] if text[0] == "-" else text
    mantissa, mark, exponent = body.replace("E", "e").partition("e")
    whole, _, fraction = mantissa.partition(".")
    if not (whole or fraction) or not set(whole + fraction) <= DIGITS:
        return UNFIT
    if mark and not _digits(exponent[1:] if exponent[:1] in ("+", "-") else exponent):
        return UNFIT
    if mark and len(exponent) > 6:
        return UNFIT if "-" not in exponent else 0.0
    value = float(Decimal(text))
    return UNFIT if value in (float("inf"), float("-inf")) else value


def _boolean(text: str, unit: bool, longest: int) -> object:
    known = {
        "true": True,
        "t": True,
        "yes": True,
        "y": True,
        "1": True,
        "false": False,
        "f": False,
        "no": False,
        "n": False,
        "0": False,
    }
    return known.get(text.lower(), UNFIT)


def _day(text: str) -> date | None:
    for sign in "-/":
        parts = text.split(sign)
        if (
            len(parts) == 3
            and all(map(_digits, parts))
            and len(parts[0]) == 4
            and len(parts[1]) <= 2
            and len(parts[2]) <= 2
        ):
            try:
                return date(*map(int, parts))
            except ValueError:
                return None
    return None


def _date(text: str, unit: bool, longest: int) -> object:
    moment = _timestamp(text, unit, longest)
    return moment.date() if isinstance(moment, datetime) and moment.time() == time() else UNFIT


def _timestamp(text: str, unit: bool, longest: int) -> object:
    day, gap, clock = text.partition("T") if "T" in text else text.partition(" ")
    known = _day(day)
    if known is None:
        return UNFIT
    if not gap:
        return datetime.combine(known, time())
    parts = clock.split(":")
    second, point, fraction = parts[2].partition(".") if len(parts) == 3 else ("00", "", "")
    if len(parts) not in (2, 3) or not all(map(_digits, [parts[0], parts[1], second])):
        return UNFIT
    if not (len(parts[0]) <= 2 and len(parts[1]) == 2 and len(second) == 2):
        return UNFIT
    if point and not (_digits(fraction) and len(fraction) <= 9 and not fraction[6:].strip("0")):
        return UNFIT
    try:
        return datetime.combine(
            known, time(int(parts[0]), int(parts[1]), int(second), int((fraction or "0").ljust(6, "0")[:6]))
        )
    except ValueError:
        return UNFIT


def _text(text: str, unit: bool, longest: int) -> object:
    return UNFIT if "\0" in text or len(text) > longest else text
