"""Reads one sheet of a workbook in a process of its own, and prints it as lines of JSON.

A workbook of a few kilobytes can have a cell in the last row and column. calamine then asks for 512 GiB, and
Rust ends the process. Here that is the end of a child, within limits of memory and time; the vault goes on.
It imports nothing of ours, so that it starts fast.

The first line is the sheet (`{"sheet", "sheets", "merged"}`), or `{"fault"}`. Each further line is a list of
rows, each a list of texts without the empty ones at its end.
"""

import datetime as dt
import io
import json
import posixpath
import re
import resource
import sys
import zipfile
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree as ET

from python_calamine import (
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
)

MEMORY_BYTES = 3 * 1024**3
CPU_SECONDS = 300
MOST_CELLS = 40_000_000
ROWS_AT_ONCE = 2000
WHOLE = 2**53
Errors = dict[tuple[int, int], str]

ERROR_CELL = re.compile(
    rb'<c\s(?=[^>]*\bt="e")[^>]*\br="([A-Z]{1,3})([0-9]{1,7})"[^>]*>'
    rb"(?:<f[^>]*/>|<f[^>]*>[^<]*</f>)?<v>(#[A-Z0-9/!?_]{2,20})</v>"
)
LONGEST_CELL_TAG = 64 * 1024


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    wanted = json.loads(sys.argv[1])
    body = sys.stdin.buffer.read()
    try:
        for line in _lines(body, wanted):
            _write(line)
    except PasswordError:
        _write({"fault": "locked"})
    except MemoryError:
        _write({"fault": "large"})
    sys.stdout.buffer.flush()


def _write(line: object) -> None:
    document = json.dumps(line, ensure_ascii=False, separators=(",", ":"))
    sys.stdout.buffer.write(document.encode("utf-8", "replace") + b"\n")


def _lines(body: bytes, wanted: str | None) -> Iterator[Any]:
    book = CalamineWorkbook.from_filelike(io.BytesIO(body))
    sheets = [
        sheet.name
        for sheet in book.sheets_metadata
        if sheet.typ is SheetTypeEnum.WorkSheet and sheet.visible is SheetVisibleEnum.Visible
    ]
    if wanted is not None and wanted not in book.sheet_names:
        yield {"fault": "no such sheet"}
        return
    sheet = _chosen(book, sheets) if wanted is None else book.get_sheet_by_name(wanted)
    if sheet is None or not sheet.height:
        yield {"fault": "no rows"}
        return
    if sheet.total_height * sheet.total_width > MOST_CELLS:
        yield {"fault": "large"}
        return
    merged = [(top, left, bottom, right) for (top, left), (bottom, right) in sheet.merged_cell_ranges or ()]
    yield {"sheet": sheet.name, "sheets": sheets, "merged": merged}
    yield from _rows(sheet, _errors(body, sheet.name))


def _chosen(book: CalamineWorkbook, names: list[str]) -> CalamineSheet | None:
    """The first sheet with rows of several columns, which a cover or a list of contents has not; where none
    has them, the first with rows."""
    with_rows = None
    for name in names:
        sheet = book.get_sheet_by_name(name)
        if sheet.height > 1 and sheet.width > 1:
            return sheet
        if sheet.height and with_rows is None:
            with_rows = sheet
    return with_rows


def _rows(sheet: CalamineSheet, errors: Errors) -> Iterator[list[list[str]]]:
    faulty: dict[int, dict[int, str]] = {}
    for (place, column), said in errors.items():
        faulty.setdefault(place, {})[column] = said
    rows: list[list[str]] = []
    for place, cells in enumerate(sheet.to_python(skip_empty_area=False)):
        row = [text(cell) for cell in cells]
        for column, said in faulty.get(place, {}).items():
            if column < len(row) and not row[column]:
                row[column] = said
        while row and not row[-1]:
            row.pop()
        rows.append(row)
        if len(rows) == ROWS_AT_ONCE:
            yield rows
            rows = []
    if rows:
        yield rows


def text(cell: object) -> str:
    """A cell as a CSV file would have it: one way for each type."""
    match cell:
        case bool():
            return "true" if cell else "false"
        case int() | str():
            return str(cell)
        case float():
            return str(int(cell)) if cell.is_integer() and abs(cell) <= WHOLE else repr(cell)
        case dt.datetime():
            return str(cell)
        case dt.date() | dt.time():
            return cell.isoformat()
        case dt.timedelta():
            minutes, seconds = divmod(int(cell.total_seconds()), 60)
            return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
    return ""


def _errors(body: bytes, name: str) -> Errors:
    """Cells of an xlsx sheet whose formula failed (#DIV/0!): calamine gives nothing for them."""
    found: Errors = {}
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive, archive.open(_member(archive, name)) as stream:
            rest = b""
            while piece := stream.read(1 << 20):
                for match in ERROR_CELL.finditer(rest + piece):
                    column = 0
                    for letter in match[1]:
                        column = column * 26 + letter - 64
                    found[int(match[2]) - 1, column - 1] = match[3].decode()
                rest = (rest + piece)[-LONGEST_CELL_TAG:] if b'"e"' in rest + piece else b""
    except (zipfile.BadZipFile, KeyError, ET.ParseError, StopIteration):
        return {}  # not an xlsx file
    return found


def _member(archive: zipfile.ZipFile, name: str) -> str:
    """The part of the package that holds this sheet (ECMA-376-1, 18.2.19 and 15.2)."""
    sheets = ET.fromstring(archive.read("xl/workbook.xml"))  # noqa: S314  # expat bounds what entities become
    links = ET.fromstring(archive.read("xl/_rels/workbook.xml.rels"))  # noqa: S314
    id = next(
        value
        for sheet in sheets.iter()
        if sheet.tag.endswith("}sheet") and sheet.get("name") == name
        for key, value in sheet.attrib.items()
        if key.endswith("}id")
    )
    target = next(str(link.get("Target")) for link in links if link.get("Id") == id)
    return target.lstrip("/") if target.startswith("/") else posixpath.normpath(f"xl/{target}")


if __name__ == "__main__":
    main()
