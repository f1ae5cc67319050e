"""Writes the entries that a search found as a file that proves itself: every line is a receipt.

All receipts of a file have the same checkpoint. As NDJSON each line is what `verify_receipt` takes. As CSV
each row has the same parts in columns, after what people read; cells are guarded against spreadsheets, and
none of the parts that are verified begins like a formula.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any, Literal

from sandbox.audit.log import Log
from sandbox.audit.made_receipts import receipts_of
from sandbox.audit.model import canonical, parse_content, parse_entry
from sandbox.audit.note import PublicKey, open_checkpoint
from sandbox.audit.search import LogFilter, all_indexes
from sandbox.spreadsheet_cells import guarded_csv

Format = Literal["ndjson", "csv"]
MOST_EXPORTED = 20_000
CHUNK = 200
CSV_COLUMNS = (
    "index", "time", "kind", "actor", "subject", "payload", "entry", "salt", "content", "proof", "checkpoint",
)  # fmt: skip


def export_log(log: Log, wanted: LogFilter, *, format: Format, most: int = MOST_EXPORTED) -> Iterator[bytes]:
    """The newest `most` entries that fit, in pieces. The checkpoint is signed before the first piece, so what
    can fail fails before anything is sent."""
    note = log.checkpoint()
    size = open_checkpoint(note, PublicKey.parse(log.public_key)).size
    with log.database.transaction() as tx:
        indexes = list(all_indexes(tx, wanted, size=size, most=most))
    return _pieces(log, indexes, note, size, format)


def _pieces(log: Log, indexes: Sequence[int], note: str, size: int, format: Format) -> Iterator[bytes]:
    if format == "csv":
        yield b"\xef\xbb\xbf" + guarded_csv([CSV_COLUMNS]).encode()  # spreadsheets need the mark for Chinese
    for start in range(0, len(indexes), CHUNK):
        with log.database.transaction() as tx:
            receipts = receipts_of(tx, indexes[start : start + CHUNK], note=note, size=size)
        if format == "csv":
            yield guarded_csv([_row(receipt) for receipt in receipts]).encode()
        else:
            yield "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in receipts).encode()


def _row(receipt: dict[str, Any]) -> list[object]:
    stated, opening = parse_entry(receipt["entry"]), receipt["opening"]
    content = parse_content(opening["content"]) if opening else None
    return [
        receipt["index"],
        stated.time,
        stated.kind,
        content.actor if content else "",
        content.subject if content else "",
        canonical(content.payload) if content else "",
        receipt["entry"],
        opening["salt"] if opening else "",
        opening["content"] if opening else "",
        json.dumps(receipt["proof"]),
        receipt["checkpoint"],
    ]
