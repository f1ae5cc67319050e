"""Previews a file that a program wrote to a person who must judge it: as a table, a text or a picture, never
as a page.

What a reader could not see is made visible: a character that hides, or turns the direction of text, is
shown as its number.
"""

import csv
import io
import unicodedata
from base64 import b64encode
from dataclasses import dataclass
from typing import Literal

PNG = b"\x89PNG\r\n\x1a\n"
MOST_ROWS, MOST_COLUMNS, MOST_CELL, MOST_TEXT = 500, 60, 300, 100_000
LONGEST_CELL = 131_072
HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


@dataclass(frozen=True)
class Preview:
    """`whole`: nothing of the file is left out. `none`: it can only be downloaded."""

    kind: Literal["table", "text", "image", "none"]
    whole: bool = True
    rows: tuple[tuple[str, ...], ...] = ()
    text: str = ""
    address: str = ""


def preview_of(name: str, content: bytes, *, table: bool = False) -> Preview:
    """By what the content is; the name only tells tables from other texts. `table`: it is the CSV that the
    vault made of a file. Nothing is decoded here that a program could have made a decoder fail with."""
    if content.startswith(PNG):
        return Preview("image", address=f"data:image/png;base64,{b64encode(content).decode()}")
    if content.startswith(b"PAR1"):  # one that the vault could not decode
        return Preview("none", whole=False)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return Preview("none", whole=False)
    if "\0" in text:
        return Preview("none", whole=False)
    ending = name.rpartition(".")[2].lower()
    return (
        _table(text, "\t" if ending == "tsv" and not table else ",")
        if table or ending in ("csv", "tsv")
        else Preview("text", len(text) <= MOST_TEXT, text=visible(text[:MOST_TEXT]))
    )


def _table(text: str, delimiter: str) -> Preview:
    rows: list[tuple[str, ...]] = []
    whole = True
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            if any(len(cell) > LONGEST_CELL for cell in row):
                raise csv.Error  # a quote that is never closed; the module's own limit may be another's
            if len(rows) == MOST_ROWS:
                whole = False
                break
            whole = whole and len(row) <= MOST_COLUMNS and all(len(cell) <= MOST_CELL for cell in row)
            rows.append(tuple(visible(cell[:MOST_CELL]) for cell in row[:MOST_COLUMNS]))
    except csv.Error:
        return Preview("text", len(text) <= MOST_TEXT, text=visible(text[:MOST_TEXT]))
    return Preview("table", whole, rows=tuple(rows))


def visible(text: str) -> str:
    """The text, with what hides in it shown by its number in Unicode. Line ends and tabs stay."""
    return "".join(
        letter if letter in "\n\t" or unicodedata.category(letter) not in HIDDEN else f"\\u{ord(letter):04x}"
        for letter in text.replace("\r\n", "\n")
    )
