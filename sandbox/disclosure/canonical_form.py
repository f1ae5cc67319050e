"""Writes tables, JSON and texts in their canonical form: one content, one spelling.

What an author could hide beside the content does not leave: digits that no sample justifies, the order of
rows, spaces and line ends, ways to write a number or a letter. The form depends on the content alone, and the
canonical form of a canonical form is itself.

Numbers. A count of units is whole and stays as it is, as does a whole label (a year, a code). Any other
number leaves with four significant digits, or three where a count in its row says that fewer than a hundred
units stand behind it: the standard error of a mean of n is about 1/sqrt(n) of the values' spread, so the
digits after these say nothing. Rounding is to even at ties, in decimal, so it can be repeated.

Rows stand in the order of their cells, totals last. Columns keep their order.
"""

import csv
import io
import json
import re
import unicodedata
from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from math import isfinite
from typing import Any

import pyarrow as pa
import pyarrow.parquet

from sandbox.disclosure.checks.column_roles import Roles, is_total, names_count, names_label
from sandbox.disclosure.checks.numbers import number_of
from sandbox.disclosure.files.csv_table import read_csv
from sandbox.disclosure.files.json_text import Numeral, load_json
from sandbox.disclosure.files.notebook import is_notebook
from sandbox.disclosure.files.opened import Grid
from sandbox.disclosure.files.parquet_table import decoded

VERSION = 1
"""Of the form: it is written into the receipt of each release."""

DIGITS, DIGITS_OF_FEW, FEW = 4, 3, 100
MOST_ZEROS, LONGEST_PLAIN = 5, 15  # behind the point, and digits before it; else there is an exponent
NUMBER = re.compile(r"[+-]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d*)?(?:[eE][+-]?\d{1,3})?")
POINTED = re.compile(r"(?<![\d.])[+-]?\d*\.\d+(?:[eE][+-]?\d{1,3})?(?![\d.])")


def canonical_csv(text: str, *, counting: bool, delimiter: str = ",") -> str:
    """`counting`: declared as counts of units. Raises `Unfit` for what is no table."""
    grid = read_csv(text)
    sink = io.StringIO()
    writer = csv.writer(sink, delimiter=delimiter, lineterminator="\n")
    writer.writerow([plain_text(name) for name in grid.header])
    writer.writerows(canonical_rows(grid, counting=counting))
    return sink.getvalue()


def canonical_rows(grid: Grid, *, counting: bool) -> list[tuple[str, ...]]:
    """The rows of a table, each number at its digits, in their order."""
    roles = Roles(grid, frozenset(), counting)
    kept = whole_columns(roles)
    rows = []
    for number, row in enumerate(grid.rows):
        digits = digits_of([roles.numbers[place][number] for place in roles.counts])
        rows.append(
            tuple(canonical_cell(cell, None if place in kept else digits) for place, cell in enumerate(row))
        )
    return sorted(rows, key=_place_of)


def whole_columns(roles: Roles) -> set[int]:
    """Columns whose whole numbers keep their digits: counts of units, and labels by their name or place."""
    named = {
        place for place, name in enumerate(roles.grid.header) if names_label(name) and not names_count(name)
    }
    return {*roles.counts, *named, *(place for place in roles.labels if place in roles.numeric)}


def canonical_json(text: str, *, counting: bool) -> str:
    """Names in their order, rows of a table in theirs; other lists keep theirs.
    Raises `ValueError` for what is no JSON, `Unfit` for what hides in it."""
    node = load_json(text)
    if is_notebook(node):
        return text
    return json.dumps(_node(node, counting), ensure_ascii=False, indent=1) + "\n"


def canonical_text(text: str) -> str:
    """Lines without spaces at their ends, single empty lines, one line end, one spelling of letters."""
    lines = [unicodedata.normalize("NFC", line).rstrip() for line in re.split(r"\r\n|\r|\n", text)]
    kept = [line for number, line in enumerate(lines) if line or (number and lines[number - 1])]
    return "\n".join(kept).strip("\n") + "\n"


def canonical_parquet(content: bytes, *, counting: bool) -> bytes:
    """The table alone, its numbers at their digits and its rows in their order: no metadata, no pages that no
    reader shows, no entries of a dictionary that no row has."""
    table = pyarrow.parquet.ParquetFile(io.BytesIO(content)).read()
    columns = [decoded(column.combine_chunks()) for column in table.columns]
    values = [column.to_pylist() for column in columns]
    rows = tuple(
        tuple("" if value is None else str(value) for value in row) for row in zip(*values, strict=True)
    )
    roles = Roles(Grid("", tuple(map(str, table.column_names)), rows), frozenset(), counting)
    kept = whole_columns(roles)
    few = [digits_of([roles.numbers[place][row] for place in roles.counts]) for row in range(len(rows))]
    values = [
        [_native(value, None if place in kept else digits) for value, digits in zip(column, few, strict=True)]
        for place, column in enumerate(values)
    ]
    shown = [tuple("" if value is None else str(value) for value in row) for row in zip(*values, strict=True)]
    order = sorted(range(len(rows)), key=lambda row: _place_of(shown[row]))
    made = [
        pa.array([made[row] for row in order], column.type)
        for made, column in zip(values, columns, strict=True)
    ]
    bare = pa.schema(
        [
            pa.field(plain_text(field.name), column.type, field.nullable)
            for field, column in zip(table.schema, columns, strict=True)
        ]
    )
    sink = io.BytesIO()
    pyarrow.parquet.write_table(pa.Table.from_arrays(made, schema=bare), sink, store_schema=False)
    return sink.getvalue()


def _native(value: Any, digits: int | None) -> Any:
    match value:
        case bool() | None:
            return value
        case int():
            return int(Decimal(rounded(str(value), digits)))
        case float():
            return float(rounded(repr(value), digits)) if isfinite(value) else None
        case Decimal():
            return Decimal(rounded(str(value), digits))
        case str():
            return plain_text(value)
    return value


def digits_of(counts: Sequence[Any]) -> int:
    known = [count for count in counts if count is not None]
    return DIGITS_OF_FEW if known and min(known) < FEW else DIGITS


def canonical_cell(cell: str, digits: int | None) -> str:
    """`digits`: significant ones of a number with a point, or of a long one; None: whole numbers stay."""
    text = plain_text(cell)
    percent = "%" if text.endswith("%") else ""
    number = text.removesuffix("%").strip().replace("\u2212", "-")
    if number_of(text) is not None and NUMBER.fullmatch(number):
        return rounded(number.replace(",", ""), digits) + percent
    return POINTED.sub(lambda found: rounded(found.group(), digits), text)


def rounded(number: str, digits: int | None) -> str:
    """A number in its one spelling. Whole ones keep all their digits where `digits` is None."""
    try:
        value = Decimal(number)
    except InvalidOperation:
        return number
    if value and (digits is not None or value != value.to_integral_value()):
        last = value.adjusted() - (digits or DIGITS) + 1
        value = value.quantize(Decimal(1).scaleb(last), rounding=ROUND_HALF_EVEN)
    value = value.normalize()
    if not value:
        return "0"
    plain = -MOST_ZEROS <= value.adjusted() <= LONGEST_PLAIN
    return f"{value:f}" if plain else f"{value:E}".replace("E+", "e").replace("E", "e")


def plain_text(text: str) -> str:
    """One spelling of letters, and single spaces."""
    return " ".join(unicodedata.normalize("NFKC", text).split())


def _place_of(row: tuple[str, ...]) -> tuple[Any, ...]:
    totals = any(is_total(cell) for cell in row)
    cells = [(0, number, "") if (number := number_of(cell)) is not None else (1, 0, cell) for cell in row]
    return (totals, cells, row)


def _place_of_object(row: dict[str, Any]) -> tuple[Any, ...]:
    """Its texts first: they say what it is of."""
    texts = [value for value in row.values() if isinstance(value, str)]
    return (any(map(is_total, texts)), texts, json.dumps(row, ensure_ascii=False))


def _node(node: Any, counting: bool) -> Any:  # noqa: FBT001
    if isinstance(node, dict):
        digits = digits_of([number_of(str(value)) for name, value in node.items() if _counts(name, value)])
        return {
            plain_text(name): _node(value, counting)
            if isinstance(value, dict | list)
            else _value(value, digits, keeps=counting or names_count(name) or names_label(name))
            for name, value in sorted(node.items())
        }
    if isinstance(node, list):
        made = [
            _node(value, counting)
            if isinstance(value, dict | list)
            else _value(value, DIGITS, keeps=counting)
            for value in node
        ]
        is_table = len(made) > 1 and all(isinstance(value, dict) for value in made)
        return sorted(made, key=_place_of_object) if is_table else made
    return _value(node, DIGITS, keeps=counting)


def _counts(name: str, value: Any) -> bool:
    return isinstance(value, Numeral) and names_count(name) and value.isdecimal()


def _value(value: Any, digits: int, *, keeps: bool) -> Any:
    """`keeps`: a whole number keeps its digits."""
    if not isinstance(value, Numeral):
        return plain_text(value) if isinstance(value, str) else value
    if not NUMBER.fullmatch(value):
        return None  # NaN and the infinities are no JSON (RFC 8259 §6)
    return _number(rounded(value, None if keeps else digits))


def _number(text: str) -> int | float | None:
    if text.lstrip("-").isdecimal():
        return int(text)
    number = float(text)
    return (number or 0) if isfinite(number) else None  # a number too small for a float is nothing
