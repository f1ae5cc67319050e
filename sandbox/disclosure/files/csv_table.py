"""Reads a text as a table, if it is one, with its cells."""

import csv
import io

from sandbox.disclosure.files.opened import Grid
from sandbox.disclosure.finding import Unfit, blocks

DELIMITERS = (",", "\t", ";", "|")
ENOUGH_LINES = 2
MOST_COLUMNS = 500


def read_csv(text: str) -> Grid:
    """Raises `Unfit` when lines differ in their number of cells:
    what stands beyond the header is a place to hide."""
    delimiter = next((sign for sign in DELIMITERS if sign in text.split("\n", 1)[0]), ",")
    rows = _rows(text, delimiter)
    if not rows:
        raise Unfit(
            blocks(
                "empty_file",
                "hidden_content",
                "The table is empty.",
                "Leave it out, or write its rows.",
                "表格为空。",
                "请去掉该文件或写入内容。",
            )
        )
    if len(rows[0]) > MOST_COLUMNS:
        raise Unfit(
            blocks(
                "too_wide",
                "microdata",
                f"The table has {len(rows[0]):,} columns; at most {MOST_COLUMNS} may leave.",
                "Leave out what nobody needs.",
                f"表格有 {len(rows[0]):,} 列，最多允许 {MOST_COLUMNS} 列。",
                "请去掉不需要的列。",
            )
        )
    ragged = next((place for place, row in enumerate(rows) if len(row) != len(rows[0])), None)
    if ragged is not None:
        raise Unfit(
            blocks(
                "ragged_table",
                "hidden_content",
                f"Line {ragged + 1} has {len(rows[ragged])} cells, the header has {len(rows[0])}.",
                "Write one table per file, every line with as many cells as the header.",
                f"第 {ragged + 1} 行有 {len(rows[ragged])} 格，表头有 {len(rows[0])} 格。",
                "每个文件只放一张表，每行格数与表头一致。",
            )
        )
    return Grid(
        "",
        tuple(cell.strip() for cell in rows[0]),
        tuple(tuple(cell.strip() for cell in row) for row in rows[1:]),
    )


def looks_like_csv(text: str) -> bool:
    """Whether every line has the same number of cells, two or more, whatever the file is called."""
    lines = [line for line in text.split("\n") if line.strip()]
    if len(lines) < ENOUGH_LINES:
        return False
    for delimiter in DELIMITERS[:3]:
        if delimiter in lines[0]:
            widths = {len(row) for row in _rows(text, delimiter)}
            if len(widths) == 1 and widths.pop() > 1:
                return True
    return False


def _rows(text: str, delimiter: str) -> list[list[str]]:
    try:
        return [
            row
            for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
            if any(cell.strip() for cell in row)
        ]
    except csv.Error as error:
        raise Unfit(
            blocks(
                "ragged_table",
                "hidden_content",
                "The table's lines cannot be told apart.",
                "Write it again as CSV, cells shorter than 100,000 characters.",
                "无法识别表格的行。",
                "请重新存为 CSV，单元格不超过十万字符。",
            )
        ) from error
