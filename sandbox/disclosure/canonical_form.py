"""Writes tables, JSON, notebooks and texts in their canonical form: one content, one spelling.

What an author could hide beside the content does not leave: digits that no sample justifies, the order of
rows, spaces and line ends, ways to write a number or a letter. The form depends on the content alone, and the
canonical form of a canonical form is itself.

Numbers. A count of units keeps its digits, and so do a label (a year, a code) and a whole number below
10,000. Any other number leaves with as many significant digits as the units justify that stand behind it
(`Form.digits_of`, from policies/disclosure.yaml): the standard error of a mean of n is about 1/sqrt(n) of the
values' spread, so the digits after these say nothing. Where the vault counted these units, a count in the
number's row says how many there are. Where an author did, it says nothing, and the fewest that the grade
allows count. Rounding is to even at ties, in decimal, so it can be repeated.

Rows stand in the order of their cells, totals last. Columns keep their order, which says which are labels.
What that order can carry is counted (`capacity.py` counts the header as it stands).
"""

import csv
import io
import json
import re
import unicodedata
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from functools import lru_cache
from math import inf, isfinite
from typing import Any

from sandbox.disclosure.checks.column_roles import (
    Roles,
    is_total,
    names_count,
    names_label,
    names_statistic,
)
from sandbox.disclosure.checks.numbers import number_of
from sandbox.disclosure.files.csv_table import read_csv
from sandbox.disclosure.files.json_text import Numeral, load_json
from sandbox.disclosure.files.notebook import is_notebook
from sandbox.disclosure.files.opened import Grid
from sandbox.disclosure.finding import Unfit, blocks
from sandbox.disclosure.form import Form

VERSION = 5
"""Of the form: it is written into the receipt of each release."""

DIGITS = 4
"""A whole number with so many digits or fewer keeps them."""
MOST_ZEROS, LONGEST_PLAIN = 5, 15  # behind the point, and digits before it; else there is an exponent
LONGEST_NUMBER = 60
TIMES = 6  # a rounded count may change what its row is rounded to; after so many times nothing changes
NUMBER = re.compile(r"[+-]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d*)?(?:[eE][+-]?\d{1,3})?")
POINTED = re.compile(r"(?<![\w.:])[+-]?\d*\.\d+(?:[eE][+-]?\d{1,3})?(?![\d.])")
WIDE_GAP, NARROW_GAP = re.compile(r"\S\s{3,}\S|\S\t"), re.compile(r"(?<=\S) {2}(?=\S)")
MONTH = re.compile(r"(?:19|20)\d\d\.(?:0?[1-9]|1[0-2])")
LETTERS_AND_DIGITS = (*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B))
POINT_PERCENT_PLUS = (0xFF0E, 0xFF05, 0xFF0B)
WIDE = {code: chr(code - 0xFEE0) for code in (*LETTERS_AND_DIGITS, *POINT_PERCENT_PLUS)} | {
    0xFF0D: "-",
    0x2212: "-",
}
"""Letters, digits and signs of numbers in full width. Chinese punctuation is not among them."""


# --- tables


def canonical_csv(text: str, form: Form, *, delimiter: str = ",") -> str:
    """Raises `Unfit` for what is no table."""
    grid = canonical_grid(read_csv(text), form)
    # who reads it finds the delimiter in the first line
    mixed = delimiter == "\t" or len(grid.header) == 1
    header = [re.sub(r"[,;|]", " ", name) if mixed else name for name in grid.header]
    sink = io.StringIO()
    writer = csv.writer(sink, delimiter=delimiter, lineterminator="\n")
    writer.writerow([plain_text(name) for name in header])
    writer.writerows(grid.rows)
    return sink.getvalue()


def canonical_grid(grid: Grid, form: Form) -> Grid:
    """Its names and cells in their one spelling, each number at its digits, its rows in their order."""
    for _ in range(TIMES):
        made = _written_anew(grid, form)
        if made == grid:
            return made
        grid = made
    raise Unfit(_not_canonical())


def _written_anew(grid: Grid, form: Form) -> Grid:
    roles = Roles(grid, frozenset(), form.counting)
    named = {place for place, name in enumerate(grid.header) if names_count(name)}  # also beside a text
    whole, labels = named | set(roles.counts), _labels(roles)
    rows = []
    for number, row in enumerate(grid.rows):
        digits = form.digits_of([roles.numbers[place][number] for place in roles.counts])
        # the row `count` of what describes a column
        counted = form.counting or (row and number_of(row[0]) is None and names_count(row[0]))
        rows.append(
            tuple(
                canonical_label(cell)
                if place in labels
                else canonical_cell(cell, None if counted or place in whole else digits)
                for place, cell in enumerate(row)
            )
        )
    header = tuple(plain_text(name) for name in grid.header)
    return Grid("", header, tuple(sorted(rows, key=_place_of)))


def _labels(roles: Roles) -> set[int]:
    """Columns that say of whom a row is, by their name or their place."""
    names = enumerate(roles.grid.header)
    named = {place for place, name in names if _names_label(name)}
    return (named - set(roles.counts)) | {place for place in roles.labels if place in roles.numeric}


def _names_label(name: str) -> bool:
    return names_label(name) and not names_count(name) and not names_statistic(name)


def _place_of(row: tuple[str, ...]) -> tuple[Any, ...]:
    totals = any(is_total(cell) for cell in row)
    return (totals, [_place_of_cell(cell) for cell in row], row)


@lru_cache(maxsize=2**18)
def _place_of_cell(cell: str) -> tuple[int, float, str]:
    """As floats, which compare quickly: those that these cannot tell apart stand as their text does."""
    number = number_of(cell)
    if number is None:
        return (1, 0.0, cell)
    try:
        return (0, float(number), "")
    except OverflowError:
        return (0, inf if number > 0 else -inf, "")


# --- cells


@lru_cache(maxsize=2**18)
def canonical_cell(cell: str, digits: int | None) -> str:
    """`digits`: significant ones; None: whole numbers keep all of theirs."""
    text = plain_text(cell)
    percent = "%" if text.endswith("%") else ""
    number = text.removesuffix("%").strip().replace("_", "")
    if len(number) <= LONGEST_NUMBER and number_of(text) is not None and NUMBER.fullmatch(number):
        return rounded(number.replace(",", ""), digits) + percent
    return POINTED.sub(lambda found: rounded(found.group(), digits), text)


@lru_cache(maxsize=2**17)
def canonical_label(cell: str) -> str:
    """As it is (010 is another area than 10), but for digits behind a point that no label needs."""
    text = plain_text(cell)
    if MONTH.fullmatch(text) or "." not in text:
        return text
    return canonical_cell(text, None)


@lru_cache(maxsize=2**18)
def rounded(number: str, digits: int | None) -> str:
    """A number in its one spelling. Whole ones keep all their digits where `digits` is None, or below
    10,000."""
    try:
        value = Decimal(number)
    except InvalidOperation:
        return number
    whole = value == value.to_integral_value()
    if value and not (whole and (digits is None or value.adjusted() < DIGITS)):
        last = value.adjusted() - (digits or DIGITS) + 1
        value = value.quantize(Decimal(1).scaleb(last), rounding=ROUND_HALF_EVEN)
    value = value.normalize()
    if not value:
        return "0"
    plain = -MOST_ZEROS <= value.adjusted() <= LONGEST_PLAIN
    return f"{value:f}" if plain else f"{value:E}".replace("E+", "e").replace("E", "e")


def plain_text(text: str) -> str:
    """One spelling of letters, digits in their common width, and single spaces."""
    return " ".join(unicodedata.normalize("NFC", text).translate(WIDE).split())


# --- JSON, notebooks, texts


def canonical_json(text: str, form: Form) -> str:
    """Names in their order, rows of a table in theirs; other lists keep theirs.
    Raises `ValueError` for what is no JSON, `Unfit` for what hides in it."""
    node = load_json(text)
    if is_notebook(node):
        return json.dumps(canonical_notebook(node), ensure_ascii=False, indent=1) + "\n"
    for _ in range(TIMES):
        made = json.dumps(_node(node, form, keeps=form.counting), ensure_ascii=False, indent=1) + "\n"
        if made == text:
            return made
        text, node = made, load_json(made)
    raise Unfit(_not_canonical())


def canonical_notebook(node: dict[str, Any]) -> dict[str, Any]:
    """Its cells' kinds and sources, and nothing else that a notebook can hold."""
    cells: list[dict[str, Any]] = []
    for number, cell in enumerate(node["cells"], start=1):
        source = cell.get("source", "")
        text = source if isinstance(source, str) else "".join(str(part) for part in source)
        kind = str(cell.get("cell_type"))
        if kind not in ("code", "markdown", "raw"):
            raise Unfit(_not_canonical())
        extra: dict[str, Any] = {"execution_count": None, "outputs": []} if kind == "code" else {}
        lines = canonical_text(text).removesuffix("\n")
        cells.append({"cell_type": kind, "id": f"cell-{number}", "metadata": {}, "source": lines, **extra})
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


def canonical_text(text: str) -> str:
    """Lines without spaces at their ends, single empty lines and spaces, one line end, one spelling of
    letters.

    A line with a wide gap is of a printed table, and keeps its columns."""
    lines = [unicodedata.normalize("NFC", line).rstrip() for line in re.split(r"\r\n|\r|\n", text)]
    lines = [line if WIDE_GAP.search(line) else NARROW_GAP.sub(" ", line) for line in lines]
    kept = [line for number, line in enumerate(lines) if line or (number and lines[number - 1])]
    return "\n".join(kept).strip("\n") + "\n"


def _node(node: Any, form: Form, *, keeps: bool) -> Any:
    """`keeps`: whole numbers below keep their digits, as the name above says."""
    if isinstance(node, dict):
        digits = form.digits_of(
            [number_of(str(value)) for name, value in node.items() if _counts(name, value)]
        )
        made: dict[str, Any] = {}
        for name, value in node.items():
            # a row's number, as pandas writes it, says nothing of what stands there
            kept = form.counting or (keeps if name.isdecimal() else names_count(name) or _names_label(name))
            plain = plain_text(name)
            if plain in made:
                raise Unfit(_not_canonical())
            made[plain] = (
                _node(value, form, keeps=kept)
                if isinstance(value, dict | list)
                else _value(value, digits, keeps=kept)
            )
        return dict(sorted(made.items()))
    if isinstance(node, list):
        inner = [
            _node(value, form, keeps=keeps)
            if isinstance(value, dict | list)
            else _value(value, form.most_digits, keeps=keeps)
            for value in node
        ]
        is_table = len(inner) > 1 and all(isinstance(value, dict) for value in inner)
        return sorted(inner, key=_place_of_object) if is_table else inner
    return _value(node, form.most_digits, keeps=keeps)


def _place_of_object(row: dict[str, Any]) -> tuple[Any, ...]:
    """Its texts first: they say what it is of."""
    texts = [value for value in row.values() if isinstance(value, str)]
    return (any(map(is_total, texts)), texts, json.dumps(row, ensure_ascii=False))


def _counts(name: str, value: Any) -> bool:
    return isinstance(value, Numeral) and names_count(name) and value.isdecimal()


def _value(value: Any, digits: int, *, keeps: bool) -> Any:
    """`keeps`: a whole number keeps its digits."""
    if isinstance(value, Numeral):
        # NaN and the infinities are no JSON (RFC 8259 §6)
        fits = len(value) <= LONGEST_NUMBER and NUMBER.fullmatch(value)
        return _number(rounded(value, None if keeps else digits)) if fits else None
    return canonical_cell(value, None if keeps else digits) if isinstance(value, str) else value


def _number(text: str) -> int | float | None:
    if re.fullmatch(r"-?[0-9]+", text):
        return int(text)
    number = float(text)
    return (number or 0) if isfinite(number) else None  # a number too small for a float is nothing


def _not_canonical() -> Any:
    return blocks(
        "not_canonical",
        "hidden_content",
        "The file cannot be written in its canonical form.",
        "Write one plain table, with each name once and numbers as numbers.",
        "无法将该文件写成规范形式。",
        "请只写一张普通表格，每个名称只出现一次，数值写成数值。",
    )
