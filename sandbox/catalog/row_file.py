"""A version's object: its rows as Parquet, written into the encrypted bucket a group of rows at a time, and
what waits there while they are sorted."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import count as counted

import pyarrow as pa
import pyarrow.parquet

from sandbox.ingest import SortedRows, StoredRows
from sandbox.ingest.ahead import ahead
from sandbox.ingest.progress import QUIET, Progress
from sandbox.memory_release import release_memory
from sandbox.storage import ObjectVersion, RawStore

GROUP_ROWS = 1024**2
GROUP_BYTES = 32 * 1024**2
"""A group of rows ends where it has so many, or so many bytes: one is in memory while it is written."""
STEP_ROWS = 16 * 1024
"""Its rows are a multiple of this."""
PARTING = "sorting"
SMALL_PIECES = 64 * 1024


@dataclass
class BucketOverflow:
    """Packed rows that memory has no room for, in objects whose names begin with `prefix` (an `Overflow`).
    The prefix is recorded before, so that what a crash leaves is swept; `clear` removes them."""

    store: RawStore
    prefix: str
    _names: Iterator[int] = field(default_factory=counted)
    _kept: list[ObjectVersion] = field(default_factory=list)

    def keep(self, packed: pa.Buffer) -> Callable[[], pa.Buffer]:
        stored = self.store.put(f"{self.prefix}/{next(self._names)}", memoryview(packed).tobytes())
        self._kept.append(stored)
        return lambda: pa.py_buffer(self.store.get(stored.name, stored.version_id, stored.sha256))

    def clear(self) -> None:
        while self._kept:
            self.store.remove(self._kept.pop())


def sorting_prefix(object_name: str) -> str:
    """Where rows wait that are sorted for this object."""
    return f"{object_name.removesuffix('.parquet')}.{PARTING}"


def write_rows(
    store: RawStore, name: str, rows: SortedRows, *, progress: Progress = QUIET
) -> tuple[ObjectVersion, StoredRows]:
    """Store the rows, and give them back as what can be read again. Raises `Unavailable`."""
    with store.writer(name) as file:
        sink = pa.PythonFile(file, mode="w")
        with pyarrow.parquet.ParquetWriter(
            sink, rows.schema, compression="zstd", store_schema=False
        ) as writer:
            written = 0
            for group in row_groups(ahead(rows.batches)):
                writer.write_table(group, row_group_size=max(1, len(group)))
                written += len(group)
                progress.rows(written)
                del group  # the next one is made meanwhile
                release_memory()
        stored = file.finish()
    return stored, StoredRows(lambda: store.open(stored, SMALL_PIECES), rows.count, rows.unfit, rows.left_out)


def head_of(rows: SortedRows, count: int) -> tuple[pa.Table, SortedRows]:
    """The first rows, and all of them."""
    first: list[pa.RecordBatch] = []
    found = 0
    for batch in rows.batches:
        first.append(batch)
        found += len(batch)
        if found >= count:
            break
    head = pa.Table.from_batches(first, rows.schema).slice(0, count).combine_chunks()
    return head, replace(rows, batches=_given_back(first, rows.batches))


def _given_back(first: list[pa.RecordBatch], more: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    while first:
        yield first.pop(0)
    yield from more


def row_groups(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
    """The same rows in groups: as they come, but for where one batch ends and the next begins."""
    waiting: list[pa.RecordBatch] = []
    rows = bytes = 0
    for batch in batches:
        while len(batch):
            room = STEP_ROWS - rows % STEP_ROWS
            part, batch = batch.slice(0, room), batch.slice(room)  # noqa: PLW2901  # what is left of it
            waiting.append(part)
            rows, bytes = rows + len(part), bytes + part.nbytes
            if rows % STEP_ROWS == 0 and (rows == GROUP_ROWS or bytes >= GROUP_BYTES):
                rows = bytes = 0
                yield _combined(waiting)
    if waiting:
        yield _combined(waiting)


def _combined(waiting: list[pa.RecordBatch]) -> pa.Table:
    """One table of the batches. `waiting` is emptied: a group is in memory once while it is written."""
    whole = pa.Table.from_batches(waiting)
    waiting.clear()
    return whole.combine_chunks()
