"""The fields of the wizard's forms: how each value of the policy is written into a form, and read from it.

An input has the value's path as its name, so one rule serves every page: what differs from the newest
revision is what the form changes.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from marketplace.portal.drafts.policy_values import PolicyValues, value_of
from sandbox.errors import InvalidInput

Kind = Literal["text", "whole", "decimal", "flag", "list", "range", "values", "number", "shares"]
ACCEPT = "accept:"
"""Before the path of a suggestion that comes from the rows: its box says that the value is public."""

WHOLE = re.compile(r"-?[0-9]{1,15}")
DECIMAL = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,9})?")
FROM_TO = re.compile(r"(-?[0-9]{1,15})\s*(?:\.\.|…|–|~|～|至)\s*(-?[0-9]{1,15})")
LISTED = re.compile(r"[,，、\n]")


@dataclass(frozen=True)
class Field:
    """One input of a form, or the two of a range. `of_integers`: a key's values are whole numbers."""

    path: str
    kind: Kind = "text"
    of_integers: bool = False


def shown_value(field: Field, policy: PolicyValues) -> dict[str, str]:
    """What stands in the field's inputs, by their names."""
    value = policy.get(field.path)
    if field.kind == "range":
        low, high = value if isinstance(value, list) and len(value) == 2 else ("", "")
        return {f"{field.path}.low": plain_number(low), f"{field.path}.high": plain_number(high)}
    return {field.path: as_text(value)}


def as_text(value: Any) -> str:
    """A value as it stands in one input."""
    match value:
        case None | False:
            return ""
        case True:
            return "true"
        case {"from": low, "to": high}:
            return f"{low}..{high}"
        case Mapping():
            return "\n".join(f"{name}: {plain_number(part)}" for name, part in value.items())
        case list():
            return "\n".join("" if item is None else str(item) for item in value)
    return plain_number(value)


def plain_number(value: Any) -> str:
    """10.0 is 10, and 1e-06 is 1e-6, as a policy writes it; texts stay as they are."""
    text = str(value)
    return text.removesuffix(".0").replace("e-0", "e-") if isinstance(value, float) else text


def changes(
    fields: Iterable[Field], policy: PolicyValues, given: Mapping[str, Any], *, accepted: Mapping[str, str]
) -> dict[str, Any]:
    """What a form changes, by path. `accepted`: the suggestions from the rows, by path.
    Raises `InvalidInput` for what cannot be read.

    A field that the form does not have is left alone; an unticked box is no field, so a form names its boxes
    in `boxes`.
    """
    boxes = set(str(given.get("boxes", "")).split())
    answers: dict[str, Any] = {}
    for field in fields:
        before = shown_value(field, policy)
        if field.kind == "flag":
            if field.path in boxes and (field.path in given) != bool(before[field.path]):
                answers[field.path] = True if field.path in given else None
            continue
        if not all(name in given for name in before):
            continue
        typed = {name: normal(str(given[name])) for name in before}
        if typed != {name: normal(text) for name, text in before.items()}:
            answers[field.path] = READ[field.kind](field, *typed.values())
    for path, suggestion in accepted.items():
        if f"{ACCEPT}{path}" in given:
            answers[path] = value_of(suggestion)
    return answers


def normal(text: str) -> str:
    """Browsers send line ends as CR LF; spaces around a value are nobody's intention."""
    return text.replace("\r\n", "\n").strip()


def _text(field: Field, text: str) -> str | None:
    return text or None


def _whole(field: Field, text: str) -> int | None:
    if text and not WHOLE.fullmatch(text):
        raise unreadable(field, "a whole number", "整数", text)
    return int(text) if text else None


def _decimal(field: Field, text: str) -> str | None:
    if text and not DECIMAL.fullmatch(text):
        raise unreadable(field, "a number", "数字", text)
    return text or None


def _number(field: Field, text: str) -> int | float | None:
    written = _decimal(field, text)
    if written is None:
        return None
    return float(written) if "." in written else int(written)


def _shares(field: Field, text: str) -> dict[str, int | float] | None:
    """A value and its share a line, such as `north: 0.7`."""
    pairs = {}
    for line in filter(None, (line.strip() for line in text.split("\n"))):
        name, colon, share = line.replace("：", ":").rpartition(":")
        number = _number(field, share.strip()) if colon else None
        if number is None:
            raise unreadable(
                field, "a value and its share, such as north: 0.7", "取值与比例（如 north: 0.7）", line
            )
        pairs[name.strip()] = number
    return pairs or None


def _range(field: Field, low: str, high: str) -> list[int | float] | None:
    if not low and not high:
        return None
    for text in (low, high):
        if not DECIMAL.fullmatch(text):
            raise unreadable(field, "a number", "数字", text)
    return [float(text) if "." in text else int(text) for text in (low, high)]


def _list(field: Field, text: str) -> list[str] | None:
    return list(dict.fromkeys(part.strip() for part in LISTED.split(text) if part.strip())) or None


def _values(field: Field, text: str) -> list[str] | list[int] | dict[str, int] | None:
    """The values of a key: one a line; whole numbers also as `1..5`."""
    lines = list(dict.fromkeys(line.strip() for line in text.split("\n") if line.strip()))
    if not lines or not field.of_integers:
        return lines or None
    if len(lines) == 1 and (ends := FROM_TO.fullmatch(lines[0])):
        return {"from": int(ends[1]), "to": int(ends[2])}
    for line in lines:
        if not WHOLE.fullmatch(line):
            raise unreadable(field, "a whole number", "整数", line)
    return [int(line) for line in lines]


def unreadable(field: Field, wanted: str, wanted_zh: str, text: str) -> InvalidInput:
    what = field.path.removeprefix("columns.")
    return InvalidInput(
        f"{what}: {text[:40]!r} is not {wanted}.",
        code="field_unreadable",
        remedy="Correct it; everything else that you typed is kept.",
        zh=f"{what}：“{text[:40]}”不是{wanted_zh}。",
        remedy_zh="请改正；您填写的其他内容都还在。",
    )


READ: Mapping[str, Callable[..., Any]] = {
    "text": _text,
    "whole": _whole,
    "decimal": _decimal,
    "range": _range,
    "list": _list,
    "values": _values,
    "number": _number,
    "shares": _shares,
}
