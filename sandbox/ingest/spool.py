"""Blocks of rows that wait while a file is read: packed, in memory up to a limit, the rest elsewhere.

Nothing here writes a file. Where more waits than memory may hold, an `Overflow` takes the blocks: the
catalogue's is the encrypted bucket.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import pyarrow as pa

MEMORY_BYTES = 48 * 1024**2
"""So many packed bytes of one file wait in memory."""
PACKING = pa.ipc.IpcWriteOptions(compression=pa.Codec("zstd", compression_level=1), use_threads=False)

Packed = Callable[[], pa.RecordBatch]
"""Unpacks a block. It is called once: what lay in memory is gone then."""


class SpoolClosed(Exception):
    """Nobody waits for these rows any more."""


class Overflow(Protocol):
    """Takes packed blocks that memory has no room for."""

    def keep(self, packed: pa.Buffer) -> Callable[[], pa.Buffer]:
        """Keep a block; what is returned fetches it."""


class InMemoryOverflow:
    """Where there is no other place: for files that are small, and for rows that the caller wants whole."""

    def keep(self, packed: pa.Buffer) -> Callable[[], pa.Buffer]:
        return lambda: packed


@dataclass
class Spool:
    """Packs batches, counts their bytes, and unpacks them once. Several threads may put batches; once it is
    closed, none puts anything elsewhere any more."""

    overflow: Overflow
    limit: int = MEMORY_BYTES
    waiting: int = 0
    _closed: bool = False
    _keeping: threading.Lock = field(default_factory=threading.Lock)

    def put(self, batch: pa.RecordBatch) -> Packed:
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, batch.schema, options=PACKING) as writer:
            writer.write_batch(batch)
        packed = sink.getvalue()
        if self.waiting + packed.size > self.limit:
            with self._keeping:
                if self._closed:
                    raise SpoolClosed
                fetch = self.overflow.keep(packed)
            return lambda: _unpacked(fetch())
        self.waiting += packed.size
        held = [packed]

        def taken() -> pa.RecordBatch:
            mine = held.pop()
            self.waiting -= mine.size
            return _unpacked(mine)

        return taken

    def close(self) -> None:
        """Wait until a block that is being put is there; any later one raises `SpoolClosed`. Whoever removes
        what lies elsewhere closes first: a run may still be packed in a thread of its own."""
        with self._keeping:
            self._closed = True


def _unpacked(packed: pa.Buffer) -> pa.RecordBatch:
    with pa.ipc.open_stream(packed) as reader:
        return reader.read_next_batch()
