"""Several files that are one table: the rows of each follow those of the file before it."""

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import BinaryIO, Protocol, cast

import pyarrow as pa

from sandbox.errors import InvalidInput
from sandbox.ingest.file_format import FileFormat
from sandbox.ingest.header import Header
from sandbox.ingest.model import FieldRules
from sandbox.ingest.source import Source

CHUNK = 1 << 20


@dataclass(frozen=True)
class FileParts:
    """The files, each with how it is built; a `Source` for whoever takes a digest of all their bytes."""

    parts: tuple[tuple[Source, FileFormat], ...]

    @property
    def size(self) -> int:
        return sum(part.size for part, _ in self.parts)

    def open(self) -> BinaryIO:
        return cast("BinaryIO", io.BufferedReader(_Chained([part for part, _ in self.parts]), CHUNK))


class PartFile(Protocol):
    """A file that was opened by its reader."""

    header: Header
    rows_at_most: int

    @property
    def names(self) -> Sequence[str]: ...

    def batches(self, fields: Mapping[str, FieldRules]) -> Iterator[pa.RecordBatch]: ...


class PartFiles:
    """The files as one. Raises `InvalidInput` where one has not the columns of the first."""

    def __init__(self, files: Sequence[PartFile]) -> None:
        self._files = files
        self.header = replace(files[0].header, guessed=False)
        self.rows_at_most = sum(file.rows_at_most for file in files)
        if any({*file.names} != {*self.names} for file in files):
            raise InvalidInput(
                "The parts have different columns.",
                remedy="Send the same columns in each part.",
                zh="各部分的列不同。",
                remedy_zh="请在每一部分提供相同的列。",
            )

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._files[0].names)

    def batches(self, fields: Mapping[str, FieldRules]) -> Iterator[pa.RecordBatch]:
        for file in self._files:
            yield from file.batches(fields)


class _Chained(io.RawIOBase):
    """The bytes of all sources, one after the other."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._left = list(sources)
        self._open: BinaryIO | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, target: object) -> int:
        view = memoryview(target).cast("B")  # type: ignore[arg-type]
        while True:
            if self._open is None:
                if not self._left:
                    return 0
                self._open = self._left.pop(0).open()
            if part := self._open.read(len(view)):
                view[: len(part)] = part
                return len(part)
            self._open.close()
            self._open = None
