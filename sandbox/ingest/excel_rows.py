"""A sheet of a workbook (xlsx, xlsm, xlsb, xls, ods) becomes batches of text.

Cells are read as they were last computed, in a process of its own (`excel_worker.py`). A number becomes its
shortest decimal, a day or a moment the form `2024-01-31 08:00:00`, so the same spellings are read as in a CSV
file. A merged area has its text in each of its cells.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from sandbox.errors import InvalidInput
from sandbox.ingest.ending_rows import NONE, EndingRows, ending_rows, most_notes
from sandbox.ingest.file_format import FileFormat
from sandbox.ingest.header import HEAD_ROWS, Header, Span, find_header, notes_below
from sandbox.ingest.limits import Limits
from sandbox.ingest.model import FieldRules
from sandbox.ingest.source import Source

ROWS_AT_ONCE = 16 * 1024
WORKER = Path(__file__).with_name("excel_worker.py")


class ExcelFile:
    """A sheet of a workbook that can be read. Raises `InvalidInput`.

    `sheet` is the one that was named, or the first visible one with rows; `sheets` are all of them.
    `ending` and `most_notes`: the least and the most rows at the end that are no data (`ending_rows.py`).
    """

    def __init__(self, source: Source, limits: Limits, given: FileFormat) -> None:
        self.sheet, self.sheets, merged, self._rows = _read(source, given.sheet, limits)
        self.rows_at_most = len(self._rows)
        head = [list(row) for row in self._rows[:HEAD_ROWS]]
        width = max(map(len, head), default=0)
        for row in head:
            row.extend([""] * (width - len(row)))
        self.header: Header = find_header(
            head, given, merged=[span for span in merged if span[0] < HEAD_ROWS]
        )
        if len(self.header.labels) > limits.columns:
            raise InvalidInput(
                f"The sheet has more than {limits.columns} columns.",
                zh=f"工作表超过 {limits.columns} 列。",
                remedy="Leave out what nobody needs.",
                remedy_zh="请去掉无人需要的列。",
            )
        end = len(self._rows) - (given.notes or 0)
        self.ending: EndingRows = NONE
        if given.notes is None:
            self.ending = ending_rows(self._rows[self.header.data :], whole=True)
        self.most_notes = most_notes(self._rows[self.header.data :], self.ending, len(self.header.labels))
        self._end = end - notes_below(self._rows[self.header.data : end], len(self.header.labels))
        self._fill(merged)

    @property
    def names(self) -> tuple[str, ...]:
        return self.header.labels

    def batches(self, fields: Mapping[str, FieldRules]) -> Iterator[pa.RecordBatch]:
        """The columns of these labels, as text; a cell without characters is null. Empty rows are none."""
        places = [self.names.index(label) for label in fields]
        kept = [row for row in self._rows[self.header.data : self._end] if any(row)]
        for start in range(0, len(kept), ROWS_AT_ONCE):
            part = kept[start : start + ROWS_AT_ONCE]
            yield pa.RecordBatch.from_arrays(
                [
                    pa.array([(row[place] if place < len(row) else "") or None for row in part], pa.string())
                    for place in places
                ],
                names=list(fields),
            )

    def _fill(self, merged: list[Span]) -> None:
        """The text of a merged area in each of its cells."""
        width = len(self.header.labels)
        for top, left, bottom, right in merged:
            if bottom < self.header.data or top >= len(self._rows) or left >= len(self._rows[top]):
                continue
            value = self._rows[top][left]
            filled = range(left, min(right + 1, width))
            for row in self._rows[max(top, self.header.data) : min(bottom + 1, self._end)]:
                row.extend([""] * (filled.stop - len(row)))
                row[filled.start : filled.stop] = [value] * len(filled)


def _read(
    source: Source, sheet: str | None, limits: Limits
) -> tuple[str, list[str], list[Span], list[list[str]]]:
    """The sheet's name, all sheets, merged areas and rows."""
    worker = subprocess.Popen(
        [sys.executable, "-I", str(WORKER), json.dumps(sheet)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # a backtrace can quote what was read
        env={},
    )
    with worker:
        assert worker.stdin is not None and worker.stdout is not None, "both are pipes"
        try:
            with source.open() as stream, worker.stdin as target:
                shutil.copyfileobj(stream, target, 1 << 20)
        except BrokenPipeError:
            pass  # it ended early: its answer says why
        rows: list[list[str]] = []
        size = 0
        first: dict[str, Any] = {}
        try:
            for line in worker.stdout:
                size += len(line)
                if size > limits.unpacked_bytes or len(rows) > limits.rows:
                    worker.kill()
                    raise _unreadable("large")
                document = json.loads(line)
                if isinstance(document, dict):
                    first = document
                else:
                    rows += document
        except ValueError:
            first = {}
        except BaseException:
            worker.kill()
            raise
    if worker.returncode or not first or "fault" in first:
        raise _unreadable(str(first.get("fault", "damaged")))
    return first["sheet"], first["sheets"], [tuple(span) for span in first["merged"]], rows


WORDS = {
    "locked": (
        "The workbook is locked with a password.",
        "Save it without a password.",
        "工作簿设有密码。",
        "请去掉密码后保存。",
    ),
    "large": (
        "The sheet is too large, or has a cell far away from the others.",
        "Copy the table to a new sheet, or save it as CSV.",
        "工作表过大，或有远离数据的单元格。",
        "请把表格复制到新工作表，或另存为 CSV。",
    ),
    "no such sheet": (
        "The workbook has no sheet of that name.",
        "Correct `file.sheet` in the policy, or leave it out: the first sheet is read.",
        "工作簿中没有该名称的工作表。",
        "请改正策略中的 file.sheet；不写则读第一张表。",
    ),
    "no rows": (
        "The workbook has no sheet with rows.",
        "Send a workbook with a table in it.",
        "工作簿中没有带数据的工作表。",
        "请提供含有数据表的工作簿。",
    ),
    "damaged": (
        "The file is not a readable workbook, or is too large for one.",
        "Save it again as xlsx, or as CSV.",
        "文件不是可读的工作簿，或过大。",
        "请重新另存为 xlsx 或 CSV。",
    ),
}


def _unreadable(fault: str) -> InvalidInput:
    message, remedy, zh, remedy_zh = WORDS[fault]
    return InvalidInput(message, remedy=remedy, zh=zh, remedy_zh=remedy_zh, internal=fault)
