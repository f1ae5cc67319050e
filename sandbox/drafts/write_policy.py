"""Writes a policy as clean YAML: one line a column and a step, in the order that people read, exact numbers.

The text reads back as the same document by YAML 1.2 and by 1.1 (PyYAML): whatever one of the two could take
for something else is put in quotes.
"""

import json
import re
import unicodedata
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

FIELDS = (
    "dataset",
    "title",
    "summary",
    "department",
    "grade",
    "source",
    "update_cycle",
    "catalogue",
    "about_rows",
    "population",
    "unit",
    "budget",
    "certificate",
    "hints",
    "file",
    "dropped_columns",
    "empty_marks",
    "expect",
    "typical",
    "columns",
    "steps",
)
COLUMN_FIELDS = (
    "role",
    "element",
    "type",
    "source",
    "written",
    "values",
    "bounds",
    "step",
    "required",
    "empty_marks",
    "unfit",
    "longest",
    "typical",
    "keep",
    "title",
    "grade",
    "measured_in",
)
IN_BLOCKS = ("summary", "source", "catalogue", "columns")
PLAIN = re.compile(r"[^\W\d_][\w ()/·（）、，。-]*")
UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
TAKEN = re.compile(
    r"(?:y|n|yes|no|on|off|true|false|null|none|nan|inf|infinity|[0-9].*|[-.+][0-9].*)", re.IGNORECASE
)


def write_policy(policy: Mapping[str, Any], *, marks: Mapping[str, str] | None = None) -> str:
    """The document as YAML. `marks`: a comment for each path, such as `about_rows`."""
    marks = marks or {}
    lines = []
    for name in sorted(policy, key=lambda name: _place(name, FIELDS)):
        value = policy[name]
        comment = f"  # {marks[name]}" if name in marks else ""
        if name == "steps" and isinstance(value, list) and value:
            lines += [f"steps:{comment}", *(f"  - {_flow(step)}" for step in value)]
            continue
        if name not in IN_BLOCKS or not isinstance(value, Mapping) or not value:
            lines.append(f"{name}: {_flow(value)}{comment}")
            continue
        lines.append(f"{name}:{comment}")
        for inner, part in value.items():
            noted = [note for path, note in marks.items() if path.startswith(f"{name}.{inner}.")]
            comment = f"  # {'; '.join(dict.fromkeys(noted))}" if noted else ""
            if name == "columns":
                part = dict(sorted(part.items(), key=lambda item: _place(item[0], COLUMN_FIELDS)))  # noqa: PLW2901
            lines.append(f"  {_flow(inner)}: {_flow(part)}{comment}")
    return "\n".join(lines) + "\n"


def _place(name: str, order: tuple[str, ...]) -> tuple[int, str]:
    return (order.index(name) if name in order else len(order), name)


def _flow(value: Any) -> str:  # one for each type of JSON
    match value:
        case Mapping():
            return "{" + ", ".join(f"{_flow(name)}: {_flow(part)}" for name, part in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(map(_flow, value)) + "]"
        case bool():
            return "true" if value else "false"
        case None:
            return "null"
        case int():
            return str(value)
        case float() | Fraction():
            return _decimal(value)
    text = str(value)
    if not unicodedata.is_normalized("NFC", text):
        return _quoted(text)
    return text if PLAIN.fullmatch(text) and not TAKEN.fullmatch(text) and text[-1] != " " else _quoted(text)


def _quoted(text: str) -> str:
    """In double quotes, as JSON writes it: a form that YAML shares. What YAML cannot print is escaped; and
    what is not in Unicode's form NFC, too, into which a policy's text is brought when it is read."""
    quoted = json.dumps(text, ensure_ascii=False)
    if not unicodedata.is_normalized("NFC", quoted):
        return "".join(sign if sign.isascii() else _escaped(sign) for sign in quoted)
    return UNPRINTABLE.sub(lambda match: _escaped(match[0]), quoted)


def _escaped(sign: str) -> str:
    return f"\\u{ord(sign):04x}" if ord(sign) < 0x10000 else f"\\U{ord(sign):08x}"


def _decimal(value: float | Fraction) -> str:
    """All its digits, without an exponent that one of the two YAMLs takes for a text."""
    exact = Fraction(str(value)) if isinstance(value, float) else value
    if exact.denominator == 1:
        return str(exact.numerator)
    places = 0
    while (exact * 10**places).denominator != 1:
        places += 1
    digits = str(abs(int(exact * 10**places))).rjust(places + 1, "0")
    return f"{'-' if exact < 0 else ''}{digits[:-places]}.{digits[-places:]}"
