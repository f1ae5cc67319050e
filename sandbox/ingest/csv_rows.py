"""CSV bytes become batches of text.
Every line has the header's columns, and every quote is closed, or the file is refused."""

import csv
import io
from collections.abc import Iterator, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.csv

from sandbox.errors import InvalidInput
from sandbox.ingest.limits import Limits
from sandbox.ingest.model import FieldRules, Type

BLOCK_BYTES = 4 * 1024**2  # a row, with its line breaks in quotes, must fit into a block
SCANNED_AT_ONCE = 16 * 1024**2
BOM = b"\xef\xbb\xbf"
QUOTE, COMMA, NEWLINE, RETURN = b'",\n\r'
BESIDE_A_QUOTE = np.isin(np.arange(256), (QUOTE, COMMA, NEWLINE, RETURN))
AS_TEXT = frozenset({Type.NUMBER, Type.TIMESTAMP})
"""Types with many different values: these are not looked up in a dictionary first."""
UNREADABLE = (pa.ArrowException, OSError, UnicodeDecodeError)
"""What Arrow raises for a damaged file. Its words can quote a value, so they are shown to nobody."""


class CsvFile:
    """A CSV file that can be read, in UTF-8 with or without a byte order mark. Raises `InvalidInput`."""

    def __init__(self, body: bytes, limits: Limits) -> None:
        self._body = body
        self.rows_at_most = body.count(b"\n") + body.count(b"\r") + 1
        _check_quotes(body)
        try:
            self.names: list[str] = pyarrow.csv.open_csv(
                io.BytesIO(_header(body)), parse_options=_parsing(lambda _row: "skip")
            ).schema.names
        except UNREADABLE as error:
            raise _unreadable(error) from None
        if len(self.names) > limits.columns:
            raise InvalidInput(
                f"The file has more than {limits.columns} columns.",
                zh=f"文件超过 {limits.columns} 列。",
                remedy="Leave out what nobody needs, or check the separator.",
                remedy_zh="请去掉无人需要的列，或检查分隔符。",
            )

    def batches(self, fields: Mapping[str, FieldRules]) -> Iterator[pa.RecordBatch]:
        """The named columns, as text or as dictionaries of text; a cell of no characters is null."""
        coded = pa.dictionary(pa.int32(), pa.string())
        types = {
            name: pa.string() if rules.unit or rules.type in AS_TEXT else coded
            for name, rules in fields.items()
        }
        options = pyarrow.csv.ConvertOptions(
            column_types=types, include_columns=list(types), strings_can_be_null=True, null_values=[""]
        )
        ragged = 0

        def count(_row: object) -> str:
            nonlocal ragged
            ragged += 1
            return "skip"

        try:
            yield from pyarrow.csv.open_csv(
                io.BytesIO(self._body),
                read_options=pyarrow.csv.ReadOptions(block_size=BLOCK_BYTES),
                parse_options=_parsing(count),
                convert_options=options,
            )
        except UNREADABLE as error:
            raise _unreadable(error) from None
        if ragged:
            line = _first_ragged(self._body, len(self.names))
            raise InvalidInput(
                f"The file is not readable CSV: {ragged} lines do not have the header's "
                f"{len(self.names)} columns{f' (the first ends at line {line})' if line else ''}.",
                remedy="Put quotes around cells with commas; give every line as many cells as the header.",
                zh=f"文件不是可读的 CSV：{ragged} 行的列数与表头的 {len(self.names)} 列不同"
                f"{f'（首个在第 {line} 行）' if line else ''}。",
                remedy_zh="含逗号的单元格请加引号；每行的列数须与表头相同。",
            )


def _parsing(handler: object = None) -> pyarrow.csv.ParseOptions:
    return pyarrow.csv.ParseOptions(newlines_in_values=True, invalid_row_handler=handler)


def _header(body: bytes) -> bytes:
    """The first line and a few more: Arrow looks at a block of rows for the names."""
    return body[:BLOCK_BYTES]


def _unreadable(error: Exception) -> InvalidInput:
    return InvalidInput(
        "The file is not readable CSV: its lines do not all have the header's columns, or it is not UTF-8.",
        remedy="Save it as UTF-8 CSV with a header line.",
        internal=type(error).__name__,
        zh="文件不是可读的 CSV：各行的列数与表头不同，或不是 UTF-8。",
        remedy_zh="请另存为带表头的 UTF-8 CSV。",
    )


def _check_quotes(body: bytes) -> None:
    """A quote opens a cell, closes one, or stands twice within one (RFC 4180).
    A quote that is never closed would take the following lines into its cell, and their rows would be
    missing without a warning."""
    if b'"' not in body:
        return
    wrong, first, seen, signs = 0, -1, 0, np.frombuffer(body, np.uint8)
    for start in range(0, len(body), SCANNED_AT_ONCE):
        quotes = np.flatnonzero(signs[start : start + SCANNED_AT_ONCE] == QUOTE) + start
        opening, closing = quotes[seen % 2 :: 2], quotes[1 - seen % 2 :: 2]
        before = np.where(opening > 0, signs[np.maximum(opening - 1, 0)], NEWLINE)
        after = np.where(closing + 1 < len(body), signs[np.minimum(closing + 1, len(body) - 1)], NEWLINE)
        unfit = np.concatenate([opening[~BESIDE_A_QUOTE[before]], closing[~BESIDE_A_QUOTE[after]]])
        if start == 0 and body.startswith(BOM):
            unfit = unfit[unfit != len(BOM)]
        if len(unfit) and not wrong:
            first = int(unfit.min())
        wrong, seen = wrong + len(unfit), seen + len(quotes)
    if seen % 2:
        wrong, first = wrong + 1, body.rindex(b'"') if first < 0 else first
    if wrong:
        line = body.count(b"\n", 0, first) + 1
        raise InvalidInput(
            f"The file is not readable CSV: {wrong} quotes neither open nor close a cell (the "
            f"first is on line {line}).",
            remedy='Put a cell that has a quote in quotes, and write its quote twice: "5"" pipe".',
            zh=f"文件不是可读的 CSV：{wrong} 个引号既不在单元格开头，也不在结尾（首个在第 {line} 行）。",
            remedy_zh='含引号的单元格请整体加引号，其中的引号写两次："5"" pipe"。',
        )


def _first_ragged(body: bytes, columns: int) -> int | None:
    """At which line of the file the first row of another width ends."""
    lines = csv.reader(io.TextIOWrapper(io.BytesIO(body), "utf-8-sig", errors="replace", newline=""))
    try:
        return next((lines.line_num for row in lines if row and len(row) != columns), None)
    except csv.Error:
        return None
