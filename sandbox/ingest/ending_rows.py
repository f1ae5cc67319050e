"""Finds the rows at the end of a table that look like totals or notes, so that none counts as a person."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isclose
from typing import Literal

from sandbox.ingest.header import NOTE, Row

TOTAL = re.compile(
    r"[\s（(【\[]*(合\s*计|总\s*计|小\s*计|总\s*和|共\s*计|(?:grand\s+|sub-?\s?)?totals?|sum)\s*[)）\]】]?\s*[:：]?\s*",
    re.IGNORECASE,
)
"""How the first filled cell of a row of totals reads as a whole."""
REMARK = re.compile(r"\s*(备注\s*([:：]|$)|(?:附|说明)?注\s*[0-9一二三四五]?\s*[:：])")
"""How a note begins that has other cells beside it."""
LABELLED = re.compile(r"\s*[^\W\d][^\d:：]{1,20}[:：]")
"""How a note of one cell begins that names what it tells, such as who filled in the table."""
SIGNATURE = re.compile(
    r"\s*[^\d:：]{0,8}(制\s*表|填\s*[表报]|编\s*制|审\s*[核批]|复\s*[核查审]|校\s*对|核\s*对|批\s*准|经\s*办|负\s*责"
    r"|主\s*管|签\s*[字章名]|盖\s*章|报\s*送|(prepared|made|checked|reviewed|approved|signed)\s+by)[^\d:：]{0,8}[:：]",
    re.IGNORECASE,
)
"""How a cell begins that says who made, checked or sent a table."""
BESIDE = re.compile(r"\s*([^\d:：]{0,8}(日\s*期|时\s*间|电\s*话)|date|phone)\s*[:：]", re.IGNORECASE)
"""What may stand beside a signature."""
MOST = 20
"""So many rows at the end are looked at."""
FEW_ROWS, MANY_ROWS = 3, 10


@dataclass(frozen=True)
class EndingRows:
    """`count`: rows to leave out at the end, as `FileFormat.notes` counts them. `why`: what tells it."""

    count: int = 0
    why: Literal["total", "note", "sum"] = "total"

    def allows(self, notes: int, most: int) -> bool:
        """Whether leaving `notes` rows out keeps all rows of data, and no row of these.
        `most`: as `most_notes` counts."""
        return self.count <= notes <= most


NONE = EndingRows()


def most_notes(rows: Sequence[Row], found: EndingRows, width: int) -> int:
    """How many of the last rows are surely no data: those that were found, and the notes above them. A row
    that is merely short is none of these: it may be a row of data that was cut off."""
    most = found.count
    for place, row in enumerate(reversed(rows[: len(rows) - most]), start=found.count + 1):
        cells = [cell for cell in row if cell.strip()]
        above = rows[: len(rows) - place]
        if cells and not _is_note(cells, above, short=len(row) < width):
            break
        most = place if cells else most
    return most


def _is_note(cells: Sequence[str], above: Sequence[Row], *, short: bool) -> bool:
    """Whether a row with these filled cells explains the table. `short`: it has fewer cells than there are
    columns, as a note has whose commas part it."""
    if len(cells) == 1:
        return bool(NOTE.match(cells[0]) or LABELLED.match(cells[0]))
    return short and bool(NOTE.match(cells[0]) or _signed(cells, above))


def _signed(cells: Sequence[str], above: Sequence[Row]) -> bool:
    """Whether a row says who made and who checked the table, each in a cell, such as 制表人：张三.
    Cells of data may have labels, too, such as 区域：下陆, which then stand in the rows above as well."""
    if not any(map(SIGNATURE.match, cells)) or not all(
        SIGNATURE.match(cell) or BESIDE.match(cell) for cell in cells
    ):
        return False
    labels = set(map(_label, cells))
    return not any(_label(cell) in labels for row in above for cell in row)


def _label(cell: str) -> str | None:
    """What stands before the first colon; None without one."""
    label, *rest = re.split("[:：]", cell, maxsplit=1)
    return "".join(label.split()) if rest else None


def ending_rows(rows: Sequence[Row], *, whole: bool) -> EndingRows:
    """What the last rows look like. `rows`: those of data; `whole`: all of them, so that sums can be told."""
    found, width = NONE, max(map(len, rows), default=0)
    for count, row in enumerate(reversed(rows[-MOST:]), start=1):
        cells = [cell.strip() for cell in row if cell.strip()]
        if not cells:
            continue
        above = rows[: len(rows) - count]
        if TOTAL.fullmatch(cells[0]):
            found = EndingRows(count, "total")
        elif len(cells) > 1 and (REMARK.match(cells[0]) or (len(cells) < width and _signed(cells, above))):
            found = EndingRows(count, found.why if found.count else "note")
        elif len(cells) > 1 or not NOTE.match(cells[0]):  # notes of one cell are left out by themselves
            if not found.count and whole and _sums(row, above):
                return EndingRows(count, "sum")
            break
    return found


def _sums(row: Row, above: Sequence[Row]) -> bool:
    """Whether each number of the row is the sum of those above it: of two columns or more, or of one with
    many rows. A sum is larger than each of its parts, which a row of data hardly is in every column."""
    columns = [(place, number) for place, cell in enumerate(row) if (number := _number(cell)) is not None]
    data = [other for other in above if any(cell.strip() for cell in other)]
    if len(data) < (FEW_ROWS if len(columns) > 1 else MANY_ROWS) or not columns:
        return False
    for place, number in columns:
        parts = list(_column(data, place))
        if None in parts or not parts:
            return False
        numbers = [part for part in parts if part is not None]
        if number <= max(numbers) or not isclose(number, sum(numbers), rel_tol=1e-9, abs_tol=0.006):
            return False
    return True


def _column(rows: Sequence[Row], place: int) -> Iterator[float | None]:
    """The numbers of a column; None for a cell that is none, and nothing for an empty one."""
    for row in rows:
        if place < len(row) and row[place].strip():
            yield _number(row[place])


def _number(cell: str) -> float | None:
    text = cell.strip().replace(",", "").replace("，", "")
    if not text.isascii() or not text[-1:].isdigit() or len(text) > 30:
        return None
    try:
        return float(text)
    except ValueError:
        return None
