"""Reads the number that a cell holds, if any, and whether it was suppressed."""

import re
import unicodedata
from fractions import Fraction
from functools import lru_cache

WRITTEN = re.compile(r"[+-]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d*)?(?:[eE][+-]?\d{1,3})?")
SIMPLE = re.compile(r"(-?[0-9]{1,20})(?:\.([0-9]{1,20}))?")
SUPPRESSED = frozenset(
    {
        "",
        "*",
        "**",
        "***",
        "x",
        "s",
        "c",
        ".",
        "..",
        "...",
        "-",
        "--",
        "—",
        "–",
        "na",
        "n/a",
        "nan",
        "none",
        "null",
        "suppressed",
        "redacted",
        "[suppressed]",
        "[redacted]",
        "<na>",
        "隐去",
        "抑制",
        "已隐去",
        "保密",
        "#",
    }
)
BELOW = re.compile(
    r"[<≤]\s*=?\s*(?:\d{1,2}|100)|\(?\d{1,2}\s*或以下\)?|少于\s*(?:\d{1,2}|100)|1\s*[-–~]\s*\d"
)
"""A least count: a larger number beside such a sign is a value."""


@lru_cache(maxsize=2**18)
def number_of(text: str) -> Fraction | None:
    """The number that a cell shows, exactly; a percentage as the number before the sign.
    None for what is no number."""
    if simple := SIMPLE.fullmatch(text):
        whole, part = simple.groups(default="")
        return Fraction(int(whole + part), 10 ** len(part))
    plain = (
        unicodedata.normalize("NFKC", text)
        .strip()
        .removesuffix("%")
        .strip()
        .replace("−", "-")
        .replace("_", "")
    )
    if (
        len(plain) > 60
        or not plain
        or not WRITTEN.fullmatch(plain)
        or not any(sign.isdigit() for sign in plain)
    ):
        return None
    try:
        return Fraction(plain.replace(",", ""))
    except ValueError:
        return None


@lru_cache(maxsize=2**16)
def is_suppressed(text: str) -> bool:
    plain = unicodedata.normalize("NFKC", text).strip().lower()
    return plain in SUPPRESSED or BELOW.fullmatch(plain) is not None


def plain(value: Fraction) -> str:
    """A number for a message."""
    return str(value.numerator) if value.denominator == 1 else f"{float(value):g}"
