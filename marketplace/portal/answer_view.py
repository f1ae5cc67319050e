"""Lays out a private answer for a page: values at the digits that their errors allow, intervals, and bars."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import floor, isfinite, log10
from typing import Any

from marketplace.portal.bar_charts import cut
from marketplace.portal.rendering import plain, value_in
from sandbox.spreadsheet_cells import guarded_csv

BAR, ROW, LEFT, WIDE, RIGHT = 14, 24, 190, 340, 110
MOST_BARS = 40
"""A picture of more groups shows nothing that the table does not."""
LONGEST_LABEL = 26
DIGITS = 6


@dataclass(frozen=True)
class Cell:
    """A value as people read it. `low`, `high`: the ends of its 95 % interval, None where there is none."""

    text: str
    low: str | None = None
    high: str | None = None
    note: str = ""
    number: bool = False


@dataclass(frozen=True)
class AnswerBar:
    """A bar from zero to the value, and the line of its interval, in units of the picture."""

    label: str
    y: int
    x: float
    length: float
    value: str
    low: float | None
    high: float | None


@dataclass(frozen=True)
class AnswerChart:
    title: str
    bars: tuple[AnswerBar, ...]
    zero: float
    width: int
    height: int


@dataclass(frozen=True)
class AnswerView:
    names: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    charts: tuple[AnswerChart, ...]


def view_of(answer: Mapping[str, Any], language: str) -> AnswerView:
    """An answer as a page shows it: a table, and a picture of each column of estimates, if it has groups."""
    columns, rows, errors = answer["columns"], answer["rows"], answer["errors"]
    names = tuple(str(column["name"]) for column in columns)
    note = "note_zh" if language == "zh" else "note"
    cells = tuple(
        tuple(_cell(value, error.get(name), note, language) for name, value in zip(names, row, strict=True))
        for row, error in zip(rows, errors or [{}] * len(rows), strict=True)
    )
    keys = [place for place, column in enumerate(columns) if column["kind"] == "key"]
    charts = [
        _chart(answer, place, keys, cells)
        for place, column in enumerate(columns)
        if column["kind"] != "key" and keys and 1 < len(rows) <= MOST_BARS and _drawable(rows, place)
    ]
    return AnswerView(names, cells, tuple(charts))


def csv_of(answer: Mapping[str, Any]) -> str:
    """The answer as CSV: of each estimate its value, and the ends of its 95 % interval. Neither a name nor a
    value runs as a formula."""
    names = [str(column["name"]) for column in answer["columns"]]
    errors = answer["errors"] or [{}] * len(answer["rows"])
    estimated = {name for error in errors for name in error}
    header = [
        part
        for name in names
        for part in ([name, f"{name} low", f"{name} high"] if name in estimated else [name])
    ]
    lines: list[list[Any]] = [header]
    for row, error in zip(answer["rows"], errors, strict=True):
        line: list[Any] = []
        for name, value in zip(names, row, strict=True):
            line.append(value)
            if name in estimated:
                line += [error.get(name, {}).get("low"), error.get(name, {}).get("high")]
        lines.append(line)
    return guarded_csv(lines)


def _cell(value: Any, error: Mapping[str, Any] | None, note: str, language: str) -> Cell:
    if value is None or isinstance(value, bool | str) or error is None:
        shown = value_in(value, language) if isinstance(value, bool) else _plain(value)
        text = "–" if value is None else shown
        return Cell(text, note=str((error or {}).get(note) or ""), number=_is_number(value))
    wide = error.get("standard_error")
    low, high = (None if error.get(end) is None else rounded(error[end], wide) for end in ("low", "high"))
    return Cell(rounded(value, wide), low, high, str(error.get(note) or ""), number=True)


def rounded(value: float, standard_error: float | None) -> str:
    """A number at the second digit of its standard error, or at six digits where none is told."""
    if not isfinite(value):
        return str(value)
    if not standard_error or not isfinite(standard_error):
        return _plain(value)
    place = 1 - floor(log10(abs(standard_error)))
    number = round(value, place)
    return f"{number:,.{max(0, place)}f}"


def _plain(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.{DIGITS}g}" if value and not 1e-4 < abs(value) < 1e15 else plain(f"{value:,.4f}")
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _drawable(rows: Sequence[Sequence[Any]], place: int) -> bool:
    return all(row[place] is None or (_is_number(row[place]) and isfinite(row[place])) for row in rows)


def _chart(
    answer: Mapping[str, Any], place: int, keys: Sequence[int], cells: Sequence[Sequence[Cell]]
) -> AnswerChart:
    name = str(answer["columns"][place]["name"])
    errors = answer["errors"] or [{}] * len(answer["rows"])
    ends = [
        (row[place], *(error.get(name, {}).get(end) for end in ("low", "high")))
        for row, error in zip(answer["rows"], errors, strict=True)
    ]
    known = [0.0, *(float(end) for three in ends for end in three if end is not None)]
    least, most = min(known), max(known)
    scale = WIDE / (most - least or 1.0)

    def across(value: float | None) -> float | None:
        return None if value is None else round(LEFT + (float(value) - least) * scale, 1)

    zero = LEFT - least * scale
    bars = []
    for number, ((value, low, high), row) in enumerate(zip(ends, cells, strict=True)):
        at = across(value)
        label = " · ".join(row[key].text for key in keys)
        bars.append(
            AnswerBar(
                cut(label, LONGEST_LABEL),
                number * ROW,
                round(min(zero, zero if at is None else at), 1),
                round(0.0 if at is None else abs(at - zero), 1),
                row[place].text,
                across(low),
                across(high),
            )
        )
    return AnswerChart(name, tuple(bars), round(zero, 1), LEFT + WIDE + RIGHT, len(bars) * ROW + 4)
