"""Looks whether a file ends with the rows of totals or notes that its policy leaves out.

An officer was told of those of the first file. Left out by their number alone, a row of data is lost where
the next file has fewer of them, and a row of totals counts as a person where it has more.
"""

from dataclasses import dataclass, replace

from sandbox.errors import InvalidInput
from sandbox.ingest.csv_rows import CsvFile
from sandbox.ingest.excel_rows import ExcelFile
from sandbox.ingest.file_format import FileFormat
from sandbox.ingest.file_parts import FileParts
from sandbox.ingest.read import File, open_file
from sandbox.ingest.source import InMemory, Source


@dataclass(frozen=True)
class OtherEnding:
    """`found`: rows that look like totals or notes; `expected`: rows that are left out by their number."""

    found: int
    expected: int

    @property
    def told(self) -> str:
        return (
            f"file.notes leaves the last {self.expected} rows out, and {self.found} look like totals or "
            "notes: look at the file's last rows"
        )


def ending_allows(file: File, notes: int) -> bool:
    """Whether leaving `notes` rows out at the end keeps all rows of data, and no row of totals. `file`:
    opened without a number of them. A file without such rows, as Parquet is, allows any number."""
    if not isinstance(file, CsvFile | ExcelFile):
        return True
    return file.ending.allows(notes, file.most_notes)


def notes_of_next(file: File, before: int | None) -> int | None:
    """How many rows of a dataset's next file are left out at its end, of which `before` many were in the last
    one: as many, where that keeps all rows of data; else those that look like totals or notes."""
    if not isinstance(file, CsvFile | ExcelFile):
        return None
    return before if before and ending_allows(file, before) else file.ending.count or None


def other_ending(body: bytes | Source, given: FileFormat) -> OtherEnding | None:
    """How the end of a file differs from what `given.notes` says; 0 says that all rows are data. Batches of a
    push leave no row out; their totals are found by what they are called."""
    if given.notes == 0:
        return None
    if isinstance(body, FileParts):
        return next(filter(None, (_of_batch(part, built) for part, built in body.parts)), None)
    file = open_file(InMemory(body) if isinstance(body, bytes) else body, replace(given, notes=None))
    if ending_allows(file, given.notes or 0):
        return None
    assert isinstance(file, CsvFile | ExcelFile), "other files allow any number"
    return OtherEnding(file.ending.count or file.most_notes, given.notes or 0)


def _of_batch(part: Source, built: FileFormat) -> OtherEnding | None:
    file = open_file(part, built)
    named = isinstance(file, CsvFile | ExcelFile) and file.ending.count and file.ending.why != "sum"
    return OtherEnding(file.ending.count, 0) if named else None  # type: ignore[union-attr]


def require_known_ending(body: bytes | Source, given: FileFormat) -> None:
    """For a file that comes by itself. Raises `InvalidInput` (`ending_changed`)."""
    other = other_ending(body, given)
    if other is None:
        return
    raise InvalidInput(
        f"At the file's end, {other.found} rows look like totals or notes; the policy leaves "
        f"{other.expected} out.",
        code="ending_changed",
        remedy="Look at the file's last rows, and publish it from a draft as the next version; or have the "
        "source leave such rows out. `file.notes: 0` says that all rows are data.",
        zh=f"文件末尾有 {other.found} 行像是合计或备注，而策略去掉 {other.expected} 行。",
        remedy_zh="请查看文件的末尾各行，并由草稿发布为下一版本；或请数据来源去掉这些行。"
        "file.notes 为 0 表示所有行都是数据。",
    )
