"""Reads the caller's parameters. Text becomes a typed value, and only a declared value passes."""

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from marketplace.products.model import Parameter, ParameterType, Scalar
from sandbox.errors import InvalidInput

INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,17})")
NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,9})?")
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
BOOLEANS = {"true": True, "false": False, "是": True, "否": False}
WRITTEN: dict[str, tuple[str, str, str]] = {
    "integer": ("整数", "Write digits alone, such as 12.", "请只写数字，例如 12。"),
    "number": ("数值", "Write it like 12.5.", "请写作 12.5 的形式。"),
    "boolean": ("是否值", "Write true or false.", "请写 true 或 false（也可写“是”或“否”）。"),
    "date": ("日期", "Write it like 2026-03-01.", "请写作 2026-03-01 的形式。"),
    "text": ("文本", "Write a text.", "请写文本。"),
}
"""Of each type: its name in Chinese, and how a value of it is written, in both languages."""


def read_value(text: str, type: ParameterType, *, name: str) -> Scalar:
    """The value that a text stands for. A boolean may be 是 or 否; all else has one spelling.
    Raises `InvalidInput`."""
    try:
        match type:
            case "integer" if INTEGER.fullmatch(text):
                return int(text)
            case "number" if NUMBER.fullmatch(text):
                return Decimal(text)
            case "boolean" if text in BOOLEANS:
                return BOOLEANS[text]
            case "date" if DATE.fullmatch(text):
                return date.fromisoformat(text)
            case "text":
                return text
    except ValueError:
        pass
    zh, remedy, remedy_zh = WRITTEN[type]
    raise InvalidInput(
        f"{name} is not {'an' if type == 'integer' else 'a'} {type}.",
        code="bad_parameter",
        remedy=remedy,
        zh=f"{name} 的值不是{zh}。",
        remedy_zh=remedy_zh,
    )


def declared(parameter: Parameter) -> Parameter:
    """The parameter with its values in their own type (JSON has no dates and no decimals).
    Raises `InvalidInput`."""

    def typed(value: Scalar) -> Scalar:
        text = str(value).lower() if isinstance(value, bool) else str(value)
        return read_value(text, parameter.type, name=f"A declared value of {parameter.name}")

    if parameter.values is not None:
        return parameter.model_copy(update={"values": tuple(map(typed, parameter.values))})
    assert parameter.range is not None
    low, high = map(typed, parameter.range)
    if high < low:  # type: ignore[operator]
        raise InvalidInput(f"The range of {parameter.name} ends before it begins.")
    return parameter.model_copy(update={"range": (low, high)})


def choose(parameters: tuple[Parameter, ...], given: Mapping[str, str]) -> dict[str, Scalar]:
    """The values of all parameters, from what the caller sent.
    Raises `InvalidInput`, naming what is wrong."""
    names = [parameter.name for parameter in parameters]
    if strange := sorted(given.keys() - set(names)):
        raise InvalidInput(
            f"There is no parameter {strange[0][:70]!r}.",
            code="bad_parameter",
            remedy=f"The parameters are: {', '.join(names) or 'none'}.",
        )
    chosen: dict[str, Scalar] = {}
    for parameter in map(declared, parameters):
        if parameter.name not in given:
            raise InvalidInput(
                f"The parameter {parameter.name} is missing.",
                code="bad_parameter",
                remedy=f"Choose {allowed(parameter)}.",
            )
        value = read_value(given[parameter.name], parameter.type, name=parameter.name)
        if not allows(parameter, value):
            raise InvalidInput(
                f"{parameter.name} cannot have this value.",
                code="bad_parameter",
                remedy=f"Choose {allowed(parameter)}.",
            )
        chosen[parameter.name] = value
    return chosen


def allows(parameter: Parameter, value: Scalar) -> bool:
    if parameter.values is not None:
        return value in parameter.values
    assert parameter.range is not None
    low, high = parameter.range
    return low <= value <= high  # type: ignore[operator]


def allowed(parameter: Parameter) -> str:
    """What may be chosen, for people."""
    if parameter.range is not None:
        return f"from {parameter.range[0]} to {parameter.range[1]}"
    values = [str(value) for value in parameter.values or ()]
    return "one of " + ", ".join(values[:20]) + (", …" if len(values) > 20 else "")


def example(parameter: Parameter) -> Scalar:
    """Some allowed value."""
    known = declared(parameter)
    return known.values[0] if known.values is not None else known.range[0]  # type: ignore[index]
