"""Answers a call with rows of the open copy whose key columns equal what was asked, a page at a time."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow
import pyarrow.compute

from marketplace.products.model import RowsDefinition, Scalar
from marketplace.products.parameters import read_value
from sandbox.api_schema import exact_in_json
from sandbox.errors import InvalidInput

LIMIT, AFTER = "_limit", "_after"  # no column begins with an underscore
SAMPLE_ROWS = 5
LARGEST_OFFSET = 10**12


@dataclass(frozen=True)
class Wish:
    """What a caller asked for: equalities on keys, and which page."""

    equal: Mapping[str, Scalar]
    limit: int
    after: int


def read_wish(definition: RowsDefinition, given: Mapping[str, str]) -> Wish:
    """The wish in a call's parameters. Raises `InvalidInput`."""
    equal = {name: value for name, value in given.items() if name not in (LIMIT, AFTER)}
    if strange := sorted(equal.keys() - set(definition.keys)):
        raise InvalidInput(
            f"{strange[0][:70]!r} is not a key of this product.",
            code="bad_parameter",
            remedy=f"Look up by: {', '.join(definition.keys)}; pages by {LIMIT} and {AFTER}.",
        )
    if not equal:
        raise InvalidInput(
            "No key was given.", code="bad_parameter", remedy=f"Look up by: {', '.join(definition.keys)}."
        )
    typed = {name: read_value(text, definition.keys[name], name=name) for name, text in equal.items()}
    return Wish(
        typed,
        whole(given.get(LIMIT), definition.page_rows, 1, definition.page_rows, LIMIT),
        whole(given.get(AFTER), 0, 0, LARGEST_OFFSET, AFTER),
    )


def whole(text: str | None, default: int, low: int, high: int, name: str) -> int:
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 13 and low <= int(text) <= high):
        raise InvalidInput(f"{name} is not a whole number from {low} to {high}.", code="bad_parameter")
    return int(text)


def look_up(table: pyarrow.Table, definition: RowsDefinition, wish: Wish) -> dict[str, Any]:
    """The page: columns, rows in the copy's order, and where the next page begins (None at the end)."""
    found = table.select(list(definition.columns))
    for name, value in wish.equal.items():
        found = found.filter(pyarrow.compute.equal(found[name], fitting(value, found.schema.field(name))))
    page = found.slice(wish.after, wish.limit)
    end = wish.after + page.num_rows
    return {
        "columns": list(definition.columns),
        "rows": plain_rows(page),
        "next": end if end < found.num_rows else None,
    }


def sample(table: pyarrow.Table, definition: RowsDefinition) -> dict[str, Any]:
    """The first rows, for a look before buying."""
    page = table.select(list(definition.columns)).slice(0, SAMPLE_ROWS)
    return {"columns": list(definition.columns), "rows": plain_rows(page), "next": None}


def fitting(value: Scalar, field: pyarrow.Field) -> pyarrow.Scalar:
    """The value in the column's own type; null, which equals nothing, if the column could never hold it."""
    try:
        return pyarrow.scalar(value, type=field.type)
    except (pyarrow.ArrowInvalid, OverflowError):
        return pyarrow.scalar(None, type=field.type)


def plain_rows(page: pyarrow.Table) -> list[list[Any]]:
    columns = [column.to_pylist() for column in page.columns]
    return [[plain(value) for value in row] for row in zip(*columns, strict=True)]


def plain(value: object) -> object:
    """A value as JSON has it. Decimals, moments and integers that a reader could lose become text, exactly;
    what is not a number becomes null."""
    match value:
        case float() if not math.isfinite(value):
            return None
        case Decimal():
            return format(value, "f")
        case date() | datetime():
            return value.isoformat()
        case bytes():
            return value.hex()
        case _:
            return exact_in_json(value)
