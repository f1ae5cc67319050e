"""Finds the column names in the first rows of a table, as people make tables: under a title,
over two rows, with names missing or given twice, or not at all."""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sandbox.errors import InvalidInput
from sandbox.ingest.file_format import FileFormat

HEAD_ROWS = 30
"""So many rows are looked at to find the names."""
LONGEST_NAME = 200
SPACES = re.compile(r"\s+")
NUMBER = re.compile(r"[-+(]?[¥￥$€]?\s*[0-9０-９][0-9０-９,.，．']*\s*[%％)]?")
YEAR = re.compile(r"(19|20)[0-9]{2}(\.0)?年?")
MONTH = re.compile(r"(19|20)[0-9]{2}\s*[-/.年]?\s*(0?[1-9]|1[0-2])月?")
NOTE = re.compile(
    r"[\s（(【\[]*(?:[*※]|(?:注释?|备注|附注|说明|数据说明|(?:数据|资料|信息)?来源(?:于)?|填表说明|统计口径|"
    r"notes?|sources?|data source|footnotes?)\s*[0-9一二三四五]?\s*(?:[:：.、)）\]】]|$))",
    re.IGNORECASE,
)
"""How a row after the data begins that explains the table."""
DAY = re.compile(r"[0-9]{1,4}\s*[-/.年]\s*[0-9]{1,2}\s*([-/.月]\s*[0-9]{1,4}.*)?")

Row = Sequence[str]
Span = tuple[int, int, int, int]
"""A merged area: first row, first column, last row, last column, counted from 0."""


@dataclass(frozen=True)
class Header:
    """`first` and `rows`: where the names stand, counted from 0; no rows: the file has no names.
    `labels`: one different label for each column, as a policy's `source` names it."""

    first: int
    rows: int
    labels: tuple[str, ...]
    guessed: bool = True

    @property
    def data(self) -> int:
        """The first row of data."""
        return self.first + self.rows


def find_header(rows: Sequence[Row], given: FileFormat, *, merged: Sequence[Span] = ()) -> Header:
    """The names of a table by its first rows. What `given` says is not guessed.
    Raises `InvalidInput` where the rows of the names are not there."""
    width = _usual_width(rows)
    filled = _filled(rows, merged)
    if (given.header_row or 1) + (given.header_rows or 1) - 1 > len(rows):
        raise InvalidInput(
            f"The file has only {len(rows)} rows, so the names of its columns cannot stand that far below.",
            remedy="Correct the row of the names, and how many rows they take.",
            zh=f"文件只有 {len(rows)} 行，列名不可能在更靠下的位置。",
            remedy_zh="请改正列名所在的行，以及列名占几行。",
        )
    if given.header_row == 0:
        return Header(0, 0, _numbered(width), guessed=False)
    first = (given.header_row - 1) if given.header_row else _first(rows)
    if given.header_row is None and _is_data(rows, first):
        return Header(first, 0, _numbered(width))
    count = min(given.header_rows or _height(rows, first, merged), len(rows) - first)
    named = max((len(row) for row in rows[first : first + count]), default=0)
    # R writes the names of rows without a name for their column; a last separator makes an empty cell
    more = not merged and width == named + 1
    shift = 1 if more and not _empty_below(rows, first + count, named) else 0
    width = named
    names = [
        "_".join(dict.fromkeys(name for row in filled[first : first + count] if (name := _name(row, column))))
        for column in range(width)
    ]
    while names and not names[-1] and _empty_below(rows, first + count, len(names) - 1):
        names.pop()  # what a spreadsheet or a last separator adds
    return Header(first, count, different_names([""] * shift + names), guessed=given.header_row is None)


def notes_below(rows: Sequence[Row], width: int) -> int:
    """How many of the last rows are no data: empty ones, and notes, which stand in one cell alone."""
    notes = 0
    for count, row in enumerate(reversed(rows), start=1):
        filled = [cell for cell in row if cell.strip()]
        if filled and (width < 2 or len(filled) > 1 or not NOTE.match(filled[0])):
            break
        if filled:
            notes = count
    return notes


def clean(text: str) -> str:
    """A name in one line, in the form NFC, without invisible characters."""
    text = SPACES.sub(" ", unicodedata.normalize("NFC", text)).strip()
    return "".join(sign for sign in text if unicodedata.category(sign) not in ("Cc", "Cf", "Cs"))[
        :LONGEST_NAME
    ]


def _usual_width(rows: Sequence[Row]) -> int:
    """How many cells most of the rows have."""
    counts = Counter(len(row) for row in rows if row)
    return max(counts, key=lambda width: (counts[width], width), default=0)


def _name(row: Row, column: int) -> str:
    return clean(row[column]) if column < len(row) else ""


def _numbered(width: int) -> tuple[str, ...]:
    return tuple(f"column {place}" for place in range(1, width + 1))


def different_names(names: Sequence[str]) -> tuple[str, ...]:
    """A name that came before gets its number: `x`, `x (2)`."""
    counts: Counter[str] = Counter()
    taken, labels = set(names), []
    for name in names:
        counts[name] += 1
        label = name
        while counts[name] > 1 and (label == name or label in taken):
            label = f"{name} ({counts[name]})".strip()
            if label in taken:
                counts[name] += 1
        taken.add(label)
        labels.append(label)
    return tuple(labels)


def _first(rows: Sequence[Row]) -> int:
    """The first row with a name for at least half of the columns: titles above have fewer."""
    counts = [sum(1 for cell in row if cell.strip()) for row in rows]
    usual = max(counts, default=0)
    return next((place for place, count in enumerate(counts) if count and 2 * count >= usual), 0)


def _height(rows: Sequence[Row], first: int, merged: Sequence[Span]) -> int:
    """Two rows or more where a title stands above several columns, and names below it."""
    last = first
    for top, left, bottom, right in merged:
        if top == first:
            last = max(last, bottom + (right > left and bottom == top))
    return min(last, max(len(rows) - 1, first)) - first + 1


def _is_data(rows: Sequence[Row], first: int) -> bool:
    """Whether the row that should hold the names holds values: numbers or days where the rows below have
    them, and not all years, which tables have as names."""
    if first >= len(rows):
        return False
    values = [column for column, cell in enumerate(rows[first]) if _is_value(cell)]
    below = rows[first + 1 : first + 11]
    if not values or _are_periods(rows[first], values, below) or _are_counted(rows[first], values):
        return False
    if len(values) < len([cell for cell in rows[first] if cell.strip()]) and not below:
        return False
    alike = sum(
        1
        for column in values
        if any(column < len(row) and _is_value(row[column]) for row in below) or not below
    )
    return alike == len(values)


def _are_periods(row: Row, values: Sequence[int], below: Sequence[Row]) -> bool:
    """Years or months, which tables have as names: the cells below them are others."""
    for period in (YEAR, MONTH):
        if all(period.fullmatch(row[column].strip()) for column in values):
            cells = [other[column].strip() for other in below for column in values if column < len(other)]
            return sum(1 for cell in cells if period.fullmatch(cell)) <= len(cells) / 2
    return False


def _are_counted(row: Row, values: Sequence[int]) -> bool:
    """0, 1, 2, ... as programs name columns without names."""
    numbers = [row[column].strip() for column in values]
    return len(values) > 2 and any(
        numbers == [str(start + place) for place in range(len(values))] for start in (0, 1)
    )


def _is_value(cell: str) -> bool:
    return bool(NUMBER.fullmatch(cell.strip()) or DAY.fullmatch(cell.strip()))


def _empty_below(rows: Sequence[Row], first: int, column: int) -> bool:
    return all(not (column < len(row) and row[column].strip()) for row in rows[first:])


def _filled(rows: Sequence[Row], merged: Sequence[Span]) -> list[list[str]]:
    """The rows, with the text of a merged area in each of its cells."""
    filled = [list(row) for row in rows]
    for top, left, bottom, right in merged:
        if top >= len(rows) or left >= len(rows[top]):
            continue
        for row in filled[top : bottom + 1]:
            row.extend([""] * (right + 1 - len(row)))
            row[left : right + 1] = [rows[top][left]] * (right + 1 - left)
    return filled
