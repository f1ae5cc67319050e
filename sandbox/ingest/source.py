"""An officer's file as readers see it: bytes that can be opened again and again, wherever they rest."""

import io
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, BinaryIO, Protocol


class Source(Protocol):
    """`size` in bytes. `open` gives a new seekable stream from the beginning."""

    @property
    def size(self) -> int: ...

    def open(self) -> BinaryIO: ...


Opened = dict[Hashable, Any]
"""What was found out about a file when it was opened, by how it was to be read. A source whose bytes never
change may have such an attribute, `opened`: then the file is looked through once, and not at each opening."""


@dataclass(frozen=True)
class InMemory:
    """A file whose bytes are here."""

    body: bytes

    @property
    def size(self) -> int:
        return len(self.body)

    def open(self) -> BinaryIO:
        return io.BytesIO(self.body)


def first_bytes(source: Source, count: int) -> bytes:
    with source.open() as stream:
        return read_up_to(stream, count)


def read_up_to(stream: BinaryIO, count: int) -> bytes:
    """`count` bytes, or fewer at the end: a raw stream may give fewer at a time."""
    parts, missing = [], count
    while missing and (part := stream.read(missing)):
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)
