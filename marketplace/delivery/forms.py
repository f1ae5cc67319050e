"""Writes rows in the form that the caller accepts: JSON, CSV or an Arrow stream, compressed where asked."""

import gzip
import io

import pyarrow
import pyarrow.ipc

from marketplace.delivery.rows import plain
from sandbox.api_schema import JSON
from sandbox.errors import NotAcceptable
from sandbox.http.accepted_types import accepts, weight_of

CSV = "text/csv"
ARROW = "application/vnd.apache.arrow.stream"
OF_ROWS = (JSON, CSV, ARROW)
COMPRESSED_FROM = 1024  # bytes; less is not worth a header
LEVEL = 5


def choose_form(accept: str | None, offered: tuple[str, ...] = OF_ROWS) -> str:
    """The form that is wanted most; of equal ones the first. Raises `NotAcceptable`."""
    if accept is None or accept == "*/*" or (accept == JSON and offered[0] == JSON):
        return offered[0]
    weighed = [(weight_of(accept, form), -nth, form) for nth, form in enumerate(offered)]
    weight, _, form = max(weighed)
    if weight <= 0:
        raise not_acceptable(offered)
    return form


def not_acceptable(offered: tuple[str, ...]) -> NotAcceptable:
    return NotAcceptable(
        "The Accept header excludes every form in which this operation answers.",
        remedy=f"Accept {', '.join(offered)}, or send no Accept header.",
        zh="请求的 Accept 头排除了此操作的所有应答格式。",
        remedy_zh=f"请接受 {'、'.join(offered)}，或不发送 Accept 头。",
    )


def written(table: pyarrow.Table, form: str) -> bytes:
    """The rows as CSV or as an Arrow stream."""
    return as_csv(table) if form == CSV else as_arrow(table)


def as_csv(table: pyarrow.Table) -> bytes:
    """RFC 4180, in UTF-8, with the columns' names first. A null is an empty field; an empty text is
    quoted."""
    columns = [column.to_pylist() for column in table.columns]
    lines = [table.column_names, *zip(*columns, strict=True)]
    return "".join(",".join(map(csv_field, line)) + "\r\n" for line in lines).encode()


def csv_field(value: object) -> str:
    shown = plain(value)
    if shown is None:
        return ""
    text = str(shown).lower() if isinstance(shown, bool) else str(shown)
    if text and not any(letter in text for letter in ',"\r\n'):
        return text
    return '"' + text.replace('"', '""') + '"'


def as_arrow(table: pyarrow.Table) -> bytes:
    body = io.BytesIO()
    with pyarrow.ipc.new_stream(body, table.schema) as stream:
        stream.write_table(table)
    return body.getvalue()


def takes_gzip(accept_encoding: str | None) -> bool:
    """Whether the caller takes gzip (RFC 9110, section 12.5.3)."""
    if accept_encoding is None:
        return False
    codings = ",".join(f"coding/{part.strip()}" for part in accept_encoding.split(",") if part.strip() != "*")
    return "coding/gzip" in codings and accepts(codings, "coding/gzip")


def compressed(body: bytes) -> bytes:
    return gzip.compress(body, LEVEL, mtime=0)
