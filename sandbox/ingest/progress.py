"""How far the reading of a file is: bytes and rows, for whoever's file it is."""

import io
from dataclasses import dataclass
from typing import BinaryIO, Protocol, cast

from sandbox.ingest.source import Opened, Source


class Progress(Protocol):
    """Is told how far a reading is. It may be called from several threads."""

    def step(self, name: str, bytes: int = 0) -> None:
        """A step has begun; `bytes`: how many it will read, 0 where that is not known."""

    def bytes(self, count: int) -> None:
        """So many more bytes were read."""

    def rows(self, count: int) -> None:
        """So many rows are through the step."""


class _Quiet:
    def step(self, name: str, bytes: int = 0) -> None:
        pass

    def bytes(self, count: int) -> None:
        pass

    def rows(self, count: int) -> None:
        pass


QUIET: Progress = _Quiet()


@dataclass(frozen=True)
class CountedSource:
    """A file whose reading is counted."""

    source: Source
    progress: Progress

    @property
    def size(self) -> int:
        return self.source.size

    @property
    def opened(self) -> Opened | None:
        return getattr(self.source, "opened", None)

    def open(self) -> BinaryIO:
        return cast("BinaryIO", _CountedStream(self.source.open(), self.progress))


class _CountedStream(io.RawIOBase):
    def __init__(self, stream: BinaryIO, progress: Progress) -> None:
        self._stream, self._progress = stream, progress

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def read(self, count: int = -1) -> bytes:
        part = self._stream.read(count)
        self._progress.bytes(len(part))
        return part

    def readinto(self, target: object) -> int:
        view = memoryview(target).cast("B")  # type: ignore[arg-type]
        part = self.read(len(view))
        view[: len(part)] = part
        return len(part)

    def close(self) -> None:
        self._stream.close()
        super().close()
