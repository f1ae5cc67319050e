"""What an officer says of a file may be wrong in any way: then it is refused in words."""

import io
import itertools

import openpyxl
import pytest

from sandbox.errors import InvalidInput
from sandbox.ingest import InMemory, open_file
from sandbox.ingest.file_format import FileFormat, Format
from sandbox.ingest.inference import ColumnShape, inspect


def workbook() -> bytes:
    book, body = openpyxl.Workbook(), io.BytesIO()
    assert book.active is not None
    book.active.append(["a", "b"])
    book.active.append([1, 2])
    book.save(body)
    return body.getvalue()


FILES = {
    "three rows": b"a,b\n1,2\n3,4\n",
    "one row": b"a\n",
    "empty lines": b"\n\n",
    "blank cells": b",,\n,,\n",
    "no text": b"\xff\x00\x81",
    "an open quote": b'a,b\n"1,2\n',
    "json": b'{"a": 1}\n',
    "no objects": b"[{}]",
    "a workbook": workbook(),
    "no archive": b"PK\x03\x04 broken",
    "no parquet": b"PAR1 broken PAR1",
    "no gzip": b"\x1f\x8b broken",
}
GIVEN = [
    FileFormat(**parts)
    for parts in (
        *(
            {"header_row": row, "header_rows": rows}
            for row, rows in itertools.product((None, 0, 2, 30), (None, 1, 5))
        ),
        *({"notes": notes} for notes in (1, 1000)),
        *({"separator": sign} for sign in ";|\t"),
        *({"encoding": name} for name in ("utf-16", "gb18030", "shift-jis", "latin-1")),
        *({"format": kind} for kind in Format),
        {"sheet": "no such sheet"},
    )
]


def read(body: bytes, given: FileFormat) -> list[ColumnShape] | InvalidInput:
    try:
        return inspect(open_file(InMemory(body), given))
    except InvalidInput as refused:
        return refused


@pytest.mark.parametrize("name", FILES)
def test_it_is_read_or_refused_in_words(name: str) -> None:
    for given in GIVEN:
        found = read(FILES[name], given)
        if isinstance(found, InvalidInput):
            assert found.message and found.remedy and found.zh and found.remedy_zh, (given, found)
        else:
            assert found, given


def test_a_row_of_names_below_the_file_is_told_with_the_files_rows() -> None:
    with pytest.raises(InvalidInput, match="only 3 rows"):
        open_file(InMemory(FILES["three rows"]), FileFormat(header_row=25))
