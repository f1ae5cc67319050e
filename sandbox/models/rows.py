"""Reads the rows of a prediction, which come as JSON, into a table of the model's columns. Pure: the
marketplace refuses by it before anything is metered, and the vault once more."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import pyarrow as pa

from sandbox.api_schema import LARGEST_EXACT
from sandbox.catalog.model import Type
from sandbox.catalog.stand_in import ARROW_TYPE
from sandbox.errors import InvalidInput
from sandbox.plain_text import is_text

MOST_ROWS = 1000
MOST_BYTES = 48 * 1024
"""Of all rows together as compact JSON: a body of the vault has 64 KiB."""
LONGEST_TEXT = 1000

ModelColumn = Mapping[str, Any]
"""name, type, required."""


def typed_rows(columns: Sequence[ModelColumn], rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """The rows as a table. Raises `InvalidInput`: which row (from 1), which field, and what to send."""
    if not 1 <= len(rows) <= MOST_ROWS:
        raise InvalidInput(
            f"{len(rows)} rows were sent.",
            code="wrong_number_of_rows",
            remedy=f"Send 1 to {MOST_ROWS} rows in a call.",
            zh=f"发来了 {len(rows)} 行。",
            remedy_zh=f"每次调用请发送 1 至 {MOST_ROWS} 行。",
        )
    size = len(json.dumps(rows, ensure_ascii=False, separators=(",", ":")).encode(errors="replace"))
    if size > MOST_BYTES:
        raise InvalidInput(
            f"The rows are {size} bytes, and a call takes {MOST_BYTES}.",
            code="rows_too_large",
            remedy="Send fewer rows in each call.",
            zh=f"各行共 {size} 字节，每次调用至多 {MOST_BYTES} 字节。",
            remedy_zh="请减少每次调用的行数。",
        )
    names = [str(column["name"]) for column in columns]
    for number, row in enumerate(rows, 1):
        if strange := sorted(set(row) - set(names)):
            raise _refused(
                f"Row {number} has a field {strange[0][:60]!r}, which the model does not take.",
                f"第 {number} 行的字段 {strange[0][:60]!r} 不是该模型的输入。",
                f"Send {', '.join(names)}.",
                f"请发送：{'、'.join(names)}。",
            )
    made = {str(column["name"]): _column(column, rows) for column in columns}
    types = pa.schema([(str(column["name"]), ARROW_TYPE[Type(column["type"])]) for column in columns])
    return pa.table(made, schema=types)


def _column(column: ModelColumn, rows: Sequence[Mapping[str, Any]]) -> list[Any]:
    name, type = str(column["name"]), Type(column["type"])
    read, what, what_zh = READERS[type]
    values = []
    for number, row in enumerate(rows, 1):
        if name not in row or (row[name] is None and column["required"]):
            raise _refused(
                f"Row {number} has no {name}.",
                f"第 {number} 行缺少 {name}。",
                f"Send {name} in each row: {what}{'' if column['required'] else ', or null'}.",
                f"每行都须有 {name}：{what_zh}{'' if column['required'] else '，或 null'}。",
            )
        given = row[name]
        value = None if given is None else read(given)
        if value is None and given is not None:
            raise _refused(
                f"Row {number}: {name} is {shown(given)}.",
                f"第 {number} 行的 {name} 为 {shown(given)}。",
                f"Send {what}.",
                f"请发送{what_zh}。",
            )
        values.append(value)
    return values


def shown(given: Any) -> str:
    """A value as it can stand in a message."""
    text = json.dumps(given, ensure_ascii=False)
    return (text if is_text(text) else json.dumps(given))[:60]


def _integer(given: Any) -> int | None:
    whole = isinstance(given, int) and not isinstance(given, bool) and abs(given) <= LARGEST_EXACT
    return given if whole else None


def _number(given: Any) -> float | None:
    if isinstance(given, bool) or not isinstance(given, int | float):
        return None
    try:
        value = float(given)
    except OverflowError:
        return None
    return value if math.isfinite(value) else None


def _text(given: Any) -> str | None:
    good = isinstance(given, str) and len(given) <= LONGEST_TEXT and is_text(given)
    return given if good else None


def _boolean(given: Any) -> bool | None:
    return given if isinstance(given, bool) else None


def _date(given: Any) -> date | None:
    try:
        return date.fromisoformat(given) if isinstance(given, str) and len(given) == 10 else None
    except ValueError:
        return None


def _timestamp(given: Any) -> datetime | None:
    try:
        value = datetime.fromisoformat(given) if isinstance(given, str) and len(given) <= 30 else None
    except ValueError:
        return None
    return value if value is not None and value.tzinfo is None else None


READERS: dict[Type, tuple[Callable[[Any], Any], str, str]] = {
    Type.INTEGER: (_integer, "a whole number", "整数"),
    Type.NUMBER: (_number, "a finite number", "有限的数字"),
    Type.TEXT: (_text, f"a text of at most {LONGEST_TEXT} characters", f"至多 {LONGEST_TEXT} 个字符的文本"),
    Type.BOOLEAN: (_boolean, "true or false", " true 或 false"),
    Type.DATE: (_date, "a day such as 2026-12-01", "日期，例如 2026-12-01"),
    Type.TIMESTAMP: (
        _timestamp,
        "a moment without a zone, such as 2026-12-01T08:00:00",
        "不带时区的时刻，例如 2026-12-01T08:00:00",
    ),
}


def _refused(message: str, zh: str, remedy: str, remedy_zh: str) -> InvalidInput:
    return InvalidInput(message, code="bad_model_row", remedy=remedy, zh=zh, remedy_zh=remedy_zh)
