"""How a file is built: its format, encoding, separator, sheet and header.
What the policy leaves open is detected."""

from dataclasses import dataclass
from enum import StrEnum

from sandbox.ingest.source import Source, first_bytes

PARQUET = b"PAR1"
ZIP = b"PK\x03\x04"
GZIP = b"\x1f\x8b"
COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # [MS-CFB]: Excel 97 to 2003
UTF8_MARK = b"\xef\xbb\xbf"


class Format(StrEnum):
    CSV = "csv"
    EXCEL = "excel"  # xlsx, xlsm, xlsb, xls, ods
    PARQUET = "parquet"
    JSON = "json"  # one object a line, or one array of objects


@dataclass(frozen=True)
class FileFormat:
    """What the policy says of the file; None: detect it.

    `header_row`: the row of the column names, counted from 1; 0: there is none, and columns are numbered.
    `header_rows`: how many rows the names take, where titles stand above several columns. `notes`: rows after
    the last row of data, such as "Source: ..." or sums; None: only notes of one cell are left out.
    """

    format: Format | None = None
    encoding: str | None = None
    separator: str | None = None
    sheet: str | None = None
    header_row: int | None = None
    header_rows: int | None = None
    notes: int | None = None


DETECTED = FileFormat()


def format_of(source: Source) -> Format:
    """The format by the file's first bytes; a text that does not begin as JSON is CSV."""
    head = first_bytes(source, 4096)
    if head.startswith(PARQUET):
        return Format.PARQUET
    if head.startswith((ZIP, COMPOUND)):
        return Format.EXCEL
    text = head.removeprefix(UTF8_MARK).lstrip()
    objects = text[:1] == b"{" or (text[:1] == b"[" and text[1:64].lstrip()[:1] == b"{")
    return Format.JSON if objects else Format.CSV
