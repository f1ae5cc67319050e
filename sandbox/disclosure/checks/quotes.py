"""Finds values or rows of the raw data in the file.

The digests (`RawValues`) are asked, with the odds that a stranger's file would look the same.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import lru_cache
from math import exp, log

from sandbox.disclosure.checks.subject import Subject
from sandbox.disclosure.files.opened import Grid, Piece
from sandbox.disclosure.finding import Finding, Severity, asks, blocks
from sandbox.disclosure.raw_values.disguises import candidates_in, run_of
from sandbox.disclosure.raw_values.raw_index import RawIndex
from sandbox.disclosure.raw_values.written_forms import dates_in, number_form, number_in, text_form

ODDS = 1e-5
"""A file without any quote alarms about this often for each column or line group;
the densities are estimates, so not exactly."""
WEAK_ODDS = 1e-2
ASKED_ODDS = 1e-3
NUMBERS = re.compile(
    r"(?<![\w.])[+-]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:[eE][+-]?\d{1,2})?(?![\w])|(?<![\w.])[+-]?\.\d+"
)
WORDS = re.compile(
    r"[^\s,;:|\"'()\[\]{}<>\uff0c\u3002\uff1b\uff1a\u3001\uff08\uff09\u300a\u300b\u201c\u201d]+"
)
INNER = re.compile(r"[._/\\=-]+")
CHINESE = re.compile(r"[\u4e00-\u9fff]{2,}")
MOST_WORDS = 6
LONGEST = 100_000
MOST_JOINED, LEAST_JOINED = 12, 6
FRACTION = re.compile(r"[+-]?[\d,]*\.\d+(?:[eE][+-]?\d+)?%?")
CODE = re.compile(r"[^\W\d_]\d|#\s?\d|\d[^\W\d_.%]")
WHOLE_FILE, BESIDE = "the whole file", " + "
ROW_REMEDY = (
    "Release aggregates only: no row, no part of a row, in whatever order or format.",
    "只能输出汇总结果：不得输出任何行或行的一部分，无论顺序与格式。",
)
VALUE_REMEDY = (
    "Release no unit's own value; round percentiles and medians to what enough units share.",
    "不得输出个体自身的值；百分位数和中位数请取整到足够多个体共有的值。",
)


def quotes(subject: Subject) -> Iterator[Finding]:
    if subject.raw is None:
        return
    for index in subject.raw.indexes:
        yield from _rows(subject, index)
        yield from _values(subject, index)
        yield from _texts(subject, index)


@lru_cache(maxsize=2**18)
def forms_in(text: str) -> list[str]:
    """The number or dates that a cell is."""
    number = number_in(text)
    return [*([number_form(number)] if number is not None else []), *dates_in(text)]


def _groups(subject: Subject) -> Iterator[tuple[str, list[list[str]]]]:
    """Rows of forms, by table: the table's rows, its columns (it may be transposed), and lines of text.
    A model's arrays are tables too."""
    for grid in (*subject.opened.grids, *subject.opened.arrays):
        cells = [
            [forms_in(cell) or ([text_form(cell)] if cell else []) for cell in row]
            for row in (grid.header, *grid.rows)
        ]
        yield grid.where or "rows", [_flat(row) for row in cells]
        if len(cells) <= 60:
            yield grid.where or "columns", [_flat(list(column)) for column in zip(*cells, strict=True)]
    if subject.opened.texts:
        yield (
            "lines",
            [
                [_joined(match.group()) for match in NUMBERS.finditer(piece.text)] + dates_in(piece.text)
                for piece in subject.opened.texts
                if len(piece.text) < LONGEST
            ],
        )


def _joined(text: str) -> str:
    number = number_in(text)
    return "" if number is None else number_form(number)


def _flat(cells: list[list[str]]) -> list[str]:
    return [form for cell in cells for form in cell]


def _rows(subject: Subject, index: RawIndex) -> Iterator[Finding]:
    for where, rows in _groups(subject):
        told = [sorted({form for form in row if form}) for row in rows]
        told = [row for row in told if 2 <= len(row) <= 400]
        if not told:
            continue
        odds = [exp(-min(max(score, 0.0), 700.0)) for score in index.improbability(told)]
        weak = sum(chance < WEAK_ODDS for chance in odds)
        strong = sum(chance < ODDS / len(odds) for chance in odds)
        if strong or (weak > 2 and tail(weak, WEAK_ODDS * len(odds)) < ODDS):
            yield blocks(
                "raw_row",
                "microdata",
                f"{max(strong, weak)} rows or lines repeat raw rows.",
                ROW_REMEDY[0],
                f"有 {max(strong, weak)} 行重复了原始数据的行。",
                ROW_REMEDY[1],
                where=where,
            )
            return
        if min(odds) < ASKED_ODDS / len(odds):
            yield asks(
                "raw_row",
                "microdata",
                "A row or line looks like a raw row, more than chance makes likely.",
                ROW_REMEDY[0],
                "有一行与原始数据的某行相似，超出偶然的程度。",
                ROW_REMEDY[1],
                where=where,
            )


def _values(subject: Subject, index: RawIndex) -> Iterator[Finding]:
    for where, texts in _columns(subject):
        forms = {form: text for text in texts for form in forms_in(text)}
        found = [form for form in forms if index.holds(form)]
        if found and tail(len(found), sum(map(index.density, forms))) < ODDS:
            few = subject.statbarn.id == "position" and len(found) < 10
            yield (asks if few else blocks)(
                "raw_value",
                "single_unit",
                f"{len(found)} values are those of single units, such as {forms[found[0]][:40]}.",
                VALUE_REMEDY[0],
                f"有 {len(found)} 个值与个别个体的值相同，例如 {forms[found[0]][:40]}。",
                VALUE_REMEDY[1],
                where=where,
            )


def _columns(subject: Subject) -> Iterator[tuple[str, Iterable[str]]]:
    everything: list[str] = []
    for grid in subject.opened.arrays:
        yield grid.where, [cell for row in (grid.header, *grid.rows) for cell in row]
    for grid in subject.opened.grids:
        for place, name in enumerate(grid.header):
            cells = grid.column(place)
            everything += [*cells, name]
            yield name or f"column {place + 1}", cells
    if subject.opened.texts:
        found = [match.group() for piece in subject.opened.texts for match in NUMBERS.finditer(piece.text)]
        found += [form[2:] for piece in subject.opened.texts for form in dates_in(piece.text)]
        yield "text", found
    if everything:
        yield "table", everything


def _texts(subject: Subject, index: RawIndex) -> Iterator[Finding]:
    """Rare texts, as they are and disguised; in a table also where two or three cells beside each other make
    one.

    What is digits alone may be a number of the author's: such are counted by column, and alarm where a
    stranger's numbers would not hit so many.
    """
    if not index.texts:
        return
    met: set[str] = set()
    runs: dict[str, dict[str, str]] = defaultdict(dict)
    for column, piece in (*((_column_of(piece), piece) for piece in subject.words), *_joined_cells(subject)):
        for form, candidate in _looked_up(piece.text, index):
            if run := run_of(form):
                for place in (column, WHOLE_FILE):  # spread over columns they are no fewer
                    runs[place].setdefault(run, candidate)
            elif form not in met:
                met.add(form)
                if index.holds_text(form):
                    yield blocks(
                        "raw_text",
                        "single_unit",
                        f"The text {candidate[:60]!r} is a value that few units have, or one "
                        "written in another way.",
                        VALUE_REMEDY[0],
                        f"文本 {candidate[:60]!r} 是仅少数个体具有的值，或其变形。",
                        VALUE_REMEDY[1],
                        where=piece.where,
                    )
    together = runs.pop(WHOLE_FILE, {})
    findings = [finding for column, found in runs.items() for finding in _runs(column, found, index)]
    yield from findings
    if not any(finding.severity is Severity.BLOCKS for finding in findings):
        yield from _runs(WHOLE_FILE, together, index)


def _runs(column: str, found: dict[str, str], index: RawIndex) -> Iterator[Finding]:
    """Runs of digits that are texts of few units (or their digits), more of them than chance makes likely; or
    that stand beside a letter or a sign, as codes do and numbers do not."""
    held = [run for run in found if index.holds_text("c:" + run) or index.holds_text("t:" + run)]
    if not held:
        return
    chance = tail(len(held), sum(map(index.run_density, found)))
    codes = [run for run in held if CODE.search(found[run])]
    if chance < ASKED_ODDS or (codes and column != WHOLE_FILE and BESIDE not in column):
        shown = found[(codes or held)[0]][:60]
        yield (blocks if chance < ODDS else asks)(
            "raw_text",
            "single_unit",
            f"{len(held)} runs of digits are values that few units have, such as {shown!r}.",
            VALUE_REMEDY[0],
            f"有 {len(held)} 串数字是仅少数个体具有的值，例如 {shown!r}。",
            VALUE_REMEDY[1],
            where=column,
        )


def _column_of(piece: Piece) -> str:
    """The column of a cell; texts outside of tables stand together."""
    return piece.where.rpartition(", ")[2] if ", " in piece.where else "text"


def _looked_up(text: str, index: RawIndex) -> Iterator[tuple[str, str]]:
    for candidate in _phrases(text, index):
        yield text_form(candidate), candidate
    for form in candidates_in(text[:LONGEST]):
        yield form, text


def _joined_cells(subject: Subject) -> Iterator[tuple[str, Piece]]:
    for grid in subject.opened.grids:
        if len(grid.header) <= MOST_JOINED:
            yield from _joined_rows(grid)


def _joined_rows(grid: Grid) -> Iterator[tuple[str, Piece]]:
    """Whole numbers and texts that follow each other in a row, whatever stands between; a number with a point
    is part of no code."""
    for number, row in enumerate(grid.rows):
        parts = [
            (place, cell.lstrip("+-").rstrip("."))
            for place, cell in enumerate(row)
            if cell and not FRACTION.fullmatch(cell)
        ]
        for start in range(len(parts) - 1):
            for width in (2, 3):
                taken = parts[start : start + width]
                joined = "".join(text for _, text in taken)
                if len(taken) == width and LEAST_JOINED <= len(joined) <= 40:
                    column = BESIDE.join(grid.header[place] for place, _ in taken)
                    yield column, Piece(grid.cell(number, taken[0][0]), joined)


def _phrases(text: str, index: RawIndex) -> Iterator[str]:
    """The whole, runs of words, and runs of Chinese signs as long as the index's texts."""
    yield text
    words = WORDS.findall(text[:LONGEST])
    yield from (part for word in words for part in INNER.split(word) if part != word)
    for length in range(1, min(index.most_words, MOST_WORDS) + 1):
        for start in range(len(words) - length + 1):
            yield " ".join(words[start : start + length])
    lengths = sorted(length for length in index.text_lengths if 2 <= length <= 40)
    for run in CHINESE.findall(text[:LONGEST]):
        for read in (run, run[::-1]):
            for length in lengths:
                yield from (read[start : start + length] for start in range(len(read) - length + 1))


def tail(hits: int, expected: float) -> float:
    """The chance of this number of hits or more when `expected` come by chance:
    Chernoff's bound for a sum of independent trials."""
    if hits <= expected:
        return 1.0
    return (
        1.0
        if expected <= 0 and hits == 0
        else exp(hits - expected - hits * log(hits / max(expected, 1e-300)))
    )
