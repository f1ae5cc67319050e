"""A sheet of a workbook (xlsx, xlsm, xlsb, xls, ods) becomes batches of text.

Cells are read as they were last computed. A number becomes its shortest decimal, a day or a moment the form
`2024-01-31 08:00:00`, so the same spellings are read as in a CSV file. A merged area has its text in each of
its cells.
"""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa
from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from sandbox.errors import InvalidInput
from sandbox.ingest.file_format import FileFormat
from sandbox.ingest.header import HEAD_ROWS, Header, Span, find_header
from sandbox.ingest.limits import Limits
from sandbox.ingest.model import FieldRules
from sandbox.ingest.source import Source

ROWS_AT_ONCE = 16 * 1024
WHOLE = 2**53
Cell = object


class ExcelFile:
    """A sheet of a workbook that can be read. Raises `InvalidInput`.

    `sheet` is the one that was named, or the first visible one with rows; `sheets` are all of them.
    """

    def __init__(self, source: Source, limits: Limits, given: FileFormat) -> None:
        try:
            with source.open() as stream:
                book = CalamineWorkbook.from_filelike(stream)
            self.sheets = [
                sheet.name
                for sheet in book.sheets_metadata
                if sheet.typ is SheetTypeEnum.WorkSheet and sheet.visible is SheetVisibleEnum.Visible
            ]
            self.sheet, sheet = self._chosen(book, given)
            self._rows = sheet.to_python(skip_empty_area=False)
            self._merged = _spans(sheet)
        except (CalamineError, OSError, ValueError, RuntimeError, KeyError) as error:
            raise _unreadable(error) from None
        self.rows_at_most = len(self._rows)
        rows = [[text(cell) for cell in row] for row in self._rows[:HEAD_ROWS]]
        merged = [span for span in self._merged if span[0] < HEAD_ROWS]
        self.header: Header = find_header(rows, given, merged=merged)
        if len(self.header.labels) > limits.columns:
            raise InvalidInput(
                f"The sheet has more than {limits.columns} columns.",
                zh=f"工作表超过 {limits.columns} 列。",
                remedy="Leave out what nobody needs.",
                remedy_zh="请去掉无人需要的列。",
            )
        self._end = len(self._rows) - given.notes
        self._fill()

    @property
    def names(self) -> tuple[str, ...]:
        return self.header.labels

    def batches(self, fields: Mapping[str, FieldRules]) -> Iterator[pa.RecordBatch]:
        """The columns of these labels, as text; a cell without characters is null. Empty rows are none."""
        places = [self.names.index(label) for label in fields]
        kept = [row for row in self._rows[self.header.data : self._end] if any(cell != "" for cell in row)]
        for start in range(0, len(kept), ROWS_AT_ONCE):
            part = kept[start : start + ROWS_AT_ONCE]
            yield pa.RecordBatch.from_arrays(
                [
                    pa.array(
                        [(text(row[place]) if place < len(row) else "") or None for row in part], pa.string()
                    )
                    for place in places
                ],
                names=list(fields),
            )

    def _chosen(self, book: CalamineWorkbook, given: FileFormat) -> tuple[str, CalamineSheet]:
        if given.sheet is not None:
            if given.sheet not in book.sheet_names:
                raise InvalidInput(
                    "The workbook has no sheet of that name.",
                    remedy="Correct `file.sheet` in the policy, or leave it out: the first sheet is read.",
                    zh="工作簿中没有该名称的工作表。",
                    remedy_zh="请改正策略中的 file.sheet；不写则读第一张表。",
                )
            return given.sheet, book.get_sheet_by_name(given.sheet)
        for name in self.sheets:
            sheet = book.get_sheet_by_name(name)
            if sheet.height:
                return name, sheet
        raise InvalidInput(
            "The workbook has no sheet with rows.",
            remedy="Send a workbook with a table in it.",
            zh="工作簿中没有带数据的工作表。",
            remedy_zh="请提供含有数据表的工作簿。",
        )

    def _fill(self) -> None:
        """The text of a merged area in each of its cells."""
        for top, left, bottom, right in self._merged:
            if bottom < self.header.data or top >= len(self._rows) or left >= len(self._rows[top]):
                continue
            value = self._rows[top][left]
            for row in self._rows[max(top, self.header.data) : min(bottom + 1, self._end)]:
                row[left : right + 1] = [value] * min(right + 1 - left, len(row) - left)


def text(cell: Cell) -> str:  # one for each type of a cell
    """A cell as a CSV file would have it."""
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


def _spans(sheet: CalamineSheet) -> Sequence[Span]:
    return [(top, left, bottom, right) for (top, left), (bottom, right) in sheet.merged_cell_ranges or ()]


def _unreadable(error: Exception) -> InvalidInput:
    locked = "password" in str(error).lower() or "encrypt" in str(error).lower()
    return InvalidInput(
        "The workbook is locked with a password." if locked else "The file is not a readable workbook.",
        remedy="Save it without a password." if locked else "Save it again as xlsx, or as CSV.",
        zh="工作簿设有密码。" if locked else "文件不是可读的工作簿。",
        remedy_zh="请去掉密码后保存。" if locked else "请重新另存为 xlsx 或 CSV。",
        internal=type(error).__name__,
    )
