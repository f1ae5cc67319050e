"""A CSV file in any usual encoding becomes batches of text.
Every row has the header's columns, and every quote is closed, or the file is refused."""

from __future__ import annotations

import csv
import io
import itertools
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv

from sandbox.errors import InvalidInput
from sandbox.ingest.ending_rows import NONE, EndingRows, ending_rows, most_notes
from sandbox.ingest.file_format import FileFormat
from sandbox.ingest.header import HEAD_ROWS, Header, find_header, notes_below
from sandbox.ingest.limits import Limits
from sandbox.ingest.model import FieldRules, Type
from sandbox.ingest.source import Source, read_up_to
from sandbox.ingest.text_encoding import ENCODINGS, Encoding, encoding_of, opened_text

SEPARATORS = (",", "\t", ";", "|")
HEAD_BYTES = 1 << 20
BLOCK_BYTES = 2 * 1024**2  # a row, with its line breaks in quotes, must fit into a block
LONGEST_ROW = 64 * 1024**2
SCANNED_AT_ONCE = 1024**2  # its arrays of signs stay in the processor's cache
TAIL_BYTES = 64 * 1024
ROWS_AT_ONCE = 32 * 1024
QUOTE, NEWLINE, RETURN = b'"\n\r'
AS_TEXT = frozenset({Type.NUMBER, Type.TIMESTAMP})
"""Types with many different values: these are not looked up in a dictionary first."""
UNREADABLE = (pa.ArrowException, OSError, UnicodeDecodeError)
"""What Arrow raises for a damaged file. Its words can quote a value, so they are shown to nobody."""

csv.field_size_limit(LONGEST_ROW)


class CsvFile:
    """A CSV file that can be read. Raises `InvalidInput`.

    `encoding`, `separator` and `header` are what was given or detected; `rows_at_most` counts records.
    `ending` and `most_notes`: the least and the most rows at the end that are no data (`ending_rows.py`).
    """

    def __init__(self, source: Source, limits: Limits, given: FileFormat) -> None:
        self._source = source
        self.encoding = Encoding(given.encoding) if given.encoding else encoding_of(source)
        if self.encoding.name not in ENCODINGS:
            raise unknown_encoding()
        head = self._head()
        self.separator = given.separator or separator_of(head)
        rows, ends = self._head_rows(head)
        self.header: Header = find_header(rows, given)
        self._begin = ends[self.header.data - 1] if self.header.data else 0
        self._notes = given.notes or 0
        if len(self.header.labels) > limits.columns:
            raise InvalidInput(
                f"The file has more than {limits.columns} columns.",
                zh=f"文件超过 {limits.columns} 列。",
                remedy="Leave out what nobody needs, or check the separator.",
                remedy_zh="请去掉无人需要的列，或检查分隔符。",
            )
        self._scan = self._scanned()
        last = self._last_rows()
        self.ending: EndingRows = NONE
        if given.notes is None:
            self.ending = ending_rows(last, whole=len(last) == self._scan.records)
        self.most_notes = most_notes(last, self.ending, len(self.names))
        self._notes += notes_below(last[: len(last) - self._notes], len(self.names))
        self._scan.tail = b""  # the file may be kept open for long
        self.rows_at_most = self._scan.records if self._scan.regular else self._scan.lines

    def of(self, source: Source) -> CsvFile:
        """The same file, read from another source of the same bytes."""
        again = copy(self)
        again._source = source
        return again

    @property
    def names(self) -> tuple[str, ...]:
        return self.header.labels

    def batches(self, fields: Mapping[str, FieldRules]) -> Iterator[pa.RecordBatch]:
        """The columns of these labels, as text or dictionaries of text. A cell of no characters is null."""
        if self._scan.regular and not self._notes:
            return self._fast(fields)
        return self._exact(fields)

    def _head(self) -> str:
        with self._text() as stream:
            head = read_up_to(stream, HEAD_BYTES)
        if len(head) == HEAD_BYTES:
            head = head[: head.rfind(b"\n") + 1] or head
        return head.decode("utf-8", "ignore")

    def _head_rows(self, head: str) -> tuple[list[list[str]], list[int]]:
        """The first rows, and where each ends in the text (in bytes of UTF-8)."""
        lines = _lines(head)
        reader = csv.reader(iter(lines), delimiter=self.separator)
        rows, ends, end, taken = [], [], 0, 0
        try:
            for row in reader:
                end += sum(len(line.encode()) for line in lines[taken : reader.line_num])
                taken = reader.line_num
                rows.append(row)
                ends.append(end)
                if len(rows) == HEAD_ROWS:
                    break
        except csv.Error as error:
            raise _unreadable(error) from None
        return rows, ends

    def _text(self) -> BinaryIO:
        return opened_text(self._source, self.encoding.name, tested=self.encoding.tested)

    def _opened(self) -> BinaryIO:
        """The text as UTF-8, from the first row of data."""
        stream = self._text()
        missing = self._begin
        while missing and (part := stream.read(min(missing, SCANNED_AT_ONCE))):
            missing -= len(part)
        return stream

    def _fast(self, fields: Mapping[str, FieldRules]) -> Iterator[pa.RecordBatch]:
        coded = pa.dictionary(pa.int32(), pa.string())
        types = {
            label: pa.string() if rules.unit or rules.type in AS_TEXT else coded
            for label, rules in fields.items()
        }
        if self._scan.hollow:  # whether a row is empty, all its cells tell
            types = dict.fromkeys(self.names, coded) | types
        options = pyarrow.csv.ConvertOptions(
            column_types=types, include_columns=list(types), strings_can_be_null=True, null_values=[""]
        )
        if not self._scan.records:
            return
        try:
            batches = pyarrow.csv.open_csv(
                self._opened(),
                read_options=pyarrow.csv.ReadOptions(
                    block_size=max(BLOCK_BYTES, 2 * self._scan.longest), column_names=list(self.names)
                ),
                parse_options=pyarrow.csv.ParseOptions(delimiter=self.separator, newlines_in_values=True),
                convert_options=options,
            )
            for batch in batches:
                yield _without_hollow(batch, list(fields)) if self._scan.hollow else batch
        except UNREADABLE as error:
            raise _unreadable(error) from None

    def _exact(self, fields: Mapping[str, FieldRules]) -> Iterator[pa.RecordBatch]:
        """Row by row: a quote within a cell that has none at its ends is a sign like another, and what a row
        has beyond the header's columns may be empty."""
        places = [self.names.index(label) for label in fields]
        width, waiting, ragged, first = len(self.names), deque[list[str]](), 0, 0
        before = self._lines_before()
        columns: list[list[str | None]] = [[] for _ in places]
        text = io.TextIOWrapper(self._opened(), "utf-8", errors="replace", newline="")
        reader = csv.reader(text, delimiter=self.separator, strict=True)
        try:
            for row in reader:
                if not row:  # an empty line
                    continue
                waiting.append(row)
                if len(waiting) <= self._notes:
                    continue
                row = waiting.popleft()  # noqa: PLW2901  # the notes at the end stay behind
                if not any(row):
                    continue
                if len(row) < width or any(row[width:]):
                    ragged, first = ragged + 1, first or before + reader.line_num
                    continue
                for column, place in zip(columns, places, strict=True):
                    column.append(row[place] or None)
                if len(columns[0]) == ROWS_AT_ONCE:
                    yield _batch(columns, fields)
                    columns = [[] for _ in places]
        except csv.Error as error:
            raise _quotes(before + reader.line_num, error) from None
        if ragged:
            raise _ragged(ragged, width, first)
        if columns[0]:
            yield _batch(columns, fields)

    def _lines_before(self) -> int:
        with self._text() as stream:
            head = read_up_to(stream, self._begin)
        return head.count(b"\n") or head.count(b"\r")

    def _last_rows(self) -> list[list[str]]:
        """The last records, as far as they are kept and lie on a line each."""
        lines = _lines(self._scan.tail.decode("utf-8", "ignore"))
        rows: list[list[str]] = []
        for line in reversed(lines[1:] if len(self._scan.tail) == TAIL_BYTES else lines):
            if line.count('"') % 2:
                break  # of a cell with line breaks
            row = next(csv.reader([line], delimiter=self.separator), [])
            rows.append(row)
        return [row for row in reversed(rows) if row]

    def _scanned(self) -> Scan:
        with self._opened() as stream:
            return scan(stream, self.separator.encode(), len(self.names))


def _lines(text: str) -> list[str]:
    """As a file has them: only CR, LF and both end a line."""
    return list(io.StringIO(text, newline=""))


def _batch(columns: Sequence[Sequence[str | None]], fields: Mapping[str, FieldRules]) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays(
        [pa.array(column, pa.string()) for column in columns], names=list(fields)
    )


def _without_hollow(batch: pa.RecordBatch, labels: list[str]) -> pa.RecordBatch:
    """The rows that have a value in any column; of these columns."""
    kept = np.zeros(len(batch), np.bool_)
    for column in batch.columns:
        kept |= column.is_valid().to_numpy(zero_copy_only=False)
    return batch.select(labels).filter(pa.array(kept))


def separator_of(head: str) -> str:
    """The separator that parts most of the first rows alike; a comma where none does."""
    best, score = ",", (0.0, 0)
    for separator in SEPARATORS:
        counts: Counter[int] = Counter()
        try:
            for row in itertools.islice(csv.reader(iter(_lines(head)), delimiter=separator), 200):
                if row:
                    counts[len(row)] += 1
        except csv.Error:
            continue
        width, rows = max(counts.items(), key=lambda item: (item[0] > 1, item[1]), default=(1, 0))
        alike = rows / max(1, counts.total())
        if width > 1 and alike >= 0.5 and (alike, width) > score:
            best, score = separator, (alike, width)
    return best


Signs = npt.NDArray[np.uint8]


@dataclass
class Scan:
    """What one look at all bytes shows. `longest`: bytes of the longest record. `regular`: each record has
    the header's columns, and each quote opens or closes a cell or stands twice in one (RFC 4180). `tail`: the
    last `TAIL_BYTES`. `hollow`: a record has separators and quotes and nothing else, as a spreadsheet
    writes an empty row."""

    records: int = 0
    lines: int = 0
    longest: int = 0
    regular: bool = True
    hollow: bool = False
    tail: bytes = b""

    def see_plain(
        self, signs: Signs, separator: bytes, width: int, length: int, parts: int
    ) -> tuple[int, int, int]:
        """Look at a piece without quotes and carriage returns. `length` bytes and `parts` separators are of a
        record that began before it; returned are those of the one that is open at its end, and the last
        sign."""
        places = np.flatnonzero((signs == separator[0]) | (signs == NEWLINE))
        ends = np.flatnonzero(signs[places] == NEWLINE)
        self.lines += len(ends)
        if not len(ends):
            return length + len(signs), parts + len(places), int(signs[-1])
        lengths = np.diff(places[ends], prepend=-1 - length)
        blank = lengths == 1
        separators = np.diff(ends, prepend=-1 - parts) - 1
        self.longest = max(self.longest, int(lengths.max()))
        self.records += int(len(ends) - np.count_nonzero(blank))
        self.regular &= bool((blank | (separators == width - 1)).all())
        self.hollow |= bool((~blank & (lengths - 1 == separators)).any())
        return len(signs) - 1 - int(places[ends[-1]]), len(places) - 1 - int(ends[-1]), int(signs[-1])


def _is_plain(signs: Signs) -> bool:
    """Whether each line feed ends a record, and each separator parts cells."""
    text = signs.tobytes()
    return QUOTE not in text and RETURN not in text


def scan(stream: BinaryIO, separator: bytes, width: int) -> Scan:  # noqa: PLR0915  # one pass, one state
    """Look at a text, a piece at a time. Raises `InvalidInput` where a record is too long to be one."""
    found = Scan()
    beside = np.isin(np.arange(256), (QUOTE, NEWLINE, RETURN, separator[0]))
    within = False  # a quoted cell
    before, length, parts, quoted = NEWLINE, 0, 0, 0  # of the record that is not at its end yet
    rest = b""
    while True:
        piece = read_up_to(stream, SCANNED_AT_ONCE)
        found.tail = (found.tail + piece[-TAIL_BYTES:])[-TAIL_BYTES:]
        signs = np.frombuffer(rest + piece, np.uint8)
        if not len(signs):
            break
        after = signs[1:] if piece else np.append(signs[1:], NEWLINE)
        signs, rest = (signs[:-1], signs[-1:].tobytes()) if piece else (signs, b"")
        if not len(signs):
            continue
        if not within and _is_plain(signs):
            found.hollow |= bool(quoted) and length == parts + quoted
            quoted = 0
            length, parts, before = found.see_plain(signs, separator, width, length, parts)
            if max(length, found.longest) > LONGEST_ROW:
                raise _too_long()
            if not piece:
                break
            continue
        previous = np.concatenate(([before], signs[:-1])).astype(np.uint8)
        quotes = signs == QUOTE
        inside = None
        if quotes.any() or within:
            inside = np.logical_xor.accumulate(quotes) ^ within  # after each sign
            opens, closes = quotes & inside, quotes & ~inside
            if not (beside[previous[opens]].all() and beside[after[closes]].all()):
                found.regular = False
            within = bool(inside[-1])
        ends = (signs == NEWLINE) | ((signs == RETURN) & (after != NEWLINE))
        parting = signs == separator[0]
        if inside is not None:
            ends, parting = ends & ~inside, parting & ~inside
        found.lines += int(np.count_nonzero((signs == NEWLINE) | (signs == RETURN)))
        places = np.flatnonzero(ends)
        if len(places):
            bounds = np.concatenate(([-1 - length], places))
            lengths = np.diff(bounds)
            found.longest = max(found.longest, int(lengths.max()))
            before_ends = np.searchsorted(np.flatnonzero(parting), places)
            separators = np.diff(np.concatenate(([-parts], before_ends)))
            filled = lengths - 1 - ((previous[places] == RETURN) & (signs[places] == NEWLINE))
            blank = filled <= 0
            quotes_before = np.searchsorted(np.flatnonzero(quotes), places)
            signs_alone = separators + np.diff(np.concatenate(([-quoted], quotes_before)))
            found.hollow |= bool((~blank & (filled == signs_alone)).any())
            found.records += int((~blank).sum())
            found.regular &= bool((blank | (separators == width - 1)).all())
            length, parts = len(signs) - 1 - int(places[-1]), int(parting[places[-1] + 1 :].sum())
            quoted = int(quotes[places[-1] + 1 :].sum())
        else:
            length, parts = length + len(signs), parts + int(parting.sum())
            quoted += int(quotes.sum())
        before = int(signs[-1])
        if max(length, found.longest) > LONGEST_ROW:
            raise _too_long()
        if not piece:
            break
    found.lines += 1
    if length:
        found.records += 1
        found.longest = max(found.longest, length)
        found.regular &= parts == width - 1
        found.hollow |= length == parts + quoted
    found.regular &= not within
    return found


def unknown_encoding() -> InvalidInput:
    known = ", ".join(ENCODINGS)
    return InvalidInput(
        "The encoding is none that we read.",
        remedy=f"Use one of {known}.",
        zh="不支持该编码。",
        remedy_zh=f"可用：{known}。",
    )


def _too_long() -> InvalidInput:
    return InvalidInput(
        f"The file is not readable CSV: one row is longer than {LONGEST_ROW // 1024**2} MiB. A quote that "
        "is never closed takes all that follows into its cell.",
        remedy="Close every quote, or check the encoding.",
        zh=f"文件不是可读的 CSV：有一行超过 {LONGEST_ROW // 1024**2} MiB；"
        "未闭合的引号会把后面的内容并入同一格。",
        remedy_zh="请闭合引号，或检查编码。",
    )


def _unreadable(error: Exception) -> InvalidInput:
    return InvalidInput(
        "The file is not readable CSV: its lines do not all have the header's columns, or its quotes are "
        "wrong.",
        remedy="Save it as CSV with a header line.",
        internal=type(error).__name__,
        zh="文件不是可读的 CSV：各行的列数与表头不同，或引号有误。",
        remedy_zh="请另存为带表头的 CSV。",
    )


def _quotes(line: int, error: Exception) -> InvalidInput:
    return InvalidInput(
        "The file is not readable CSV: a quoted cell is not closed, or more follows after its last quote "
        f"(line {line}).",
        remedy='Put a cell that has a quote in quotes, and write its quote twice: "5"" pipe".',
        zh=f"文件不是可读的 CSV：有带引号的单元格未闭合，或引号后还有内容（第 {line} 行）。",
        remedy_zh='含引号的单元格请整体加引号，其中的引号写两次："5"" pipe"。',
        internal=type(error).__name__,
    )


def _ragged(count: int, width: int, line: int) -> InvalidInput:
    return InvalidInput(
        f"The file is not readable CSV: {count} lines do not have the header's {width} columns "
        f"(the first ends at line {line}).",
        remedy="Put quotes around cells with commas; give every line as many cells as the header. "
        "If these are notes after the data, say how many lines they take in `file.notes`.",
        zh=f"文件不是可读的 CSV：{count} 行的列数与表头的 {width} 列不同（首个在第 {line} 行）。",
        remedy_zh="含逗号的单元格请加引号；每行的列数须与表头相同。"
        "若是数据后的说明行，请在 file.notes 中写明行数。",
    )
