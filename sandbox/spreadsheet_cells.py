"""Guards the cells of a CSV that people open in a spreadsheet: none of them may run as a formula (OWASP, CSV
injection; CWE-1236)."""

import io
import re
import unicodedata
from collections.abc import Iterable, Sequence
from csv import writer

SIGNS = frozenset("=+-@|\u2212")
UNSEEN = frozenset({"Cc", "Cf", "Cn", "Co", "Mn", "Me", "Zl", "Zp", "Zs"})
"""Categories of Unicode that a spreadsheet drops or skips: blanks, controls, format characters, marks."""
BREAKS = ("\t", "\r", "\n")
QUOTES = frozenset("\"'")
NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?")


def begins_like_formula(text: str, *, skipped: frozenset[str] = frozenset()) -> bool:
    """Whether the first sign that a spreadsheet sees begins a formula, also in full width. `skipped`: signs
    before it that do not count either. A plain number does not begin a formula."""
    if NUMBER.fullmatch(text):
        return False
    seen = (
        sign
        for sign in unicodedata.normalize("NFKC", text)
        if sign not in skipped and unicodedata.category(sign) not in UNSEEN
    )
    return next(seen, "") in SIGNS


def guarded(value: object) -> object:
    """A text that a spreadsheet could take for a formula is led by an apostrophe."""
    if isinstance(value, str) and (value.startswith(BREAKS) or begins_like_formula(value)):
        return f"'{value}"
    return value


def guarded_csv(rows: Iterable[Sequence[object]]) -> str:
    """The rows as CSV with CRLF (RFC 4180), each cell guarded."""
    body = io.StringIO(newline="")
    writer(body, lineterminator="\r\n").writerows([[guarded(value) for value in row] for row in rows])
    return body.getvalue()
