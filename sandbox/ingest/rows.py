"""Typed rows as they are looked at after they were read: in memory, or in a Parquet file that is read a piece
at a time."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, Protocol

import pyarrow as pa
import pyarrow.parquet

ROWS_AT_ONCE = 64 * 1024


class ReadableRows(Protocol):
    """Rows by unit, which can be read again and again, a few columns at a time. `unfit`: cells that did not
    fit, by column. `left_out`: rows of the file that are not here."""

    @property
    def count(self) -> int: ...

    @property
    def unfit(self) -> Mapping[str, int]: ...

    @property
    def left_out(self) -> int: ...

    def reader(self, columns: Sequence[str]) -> pa.RecordBatchReader:
        """These columns of all rows, in their order."""


@dataclass(frozen=True)
class Rows:
    """The typed rows, sorted by unit; and what the publishing officer should know of how they were read."""

    table: pa.Table
    told: tuple[str, ...]
    unfit: Mapping[str, int] = field(default_factory=dict)
    left_out: int = 0

    @property
    def count(self) -> int:
        return int(self.table.num_rows)

    def reader(self, columns: Sequence[str]) -> pa.RecordBatchReader:
        return self.table.select(list(columns)).to_reader(max_chunksize=ROWS_AT_ONCE)


@dataclass(frozen=True)
class StoredRows:
    """Rows in a Parquet file: `open` gives a new seekable stream of its bytes."""

    open: Callable[[], BinaryIO]
    count: int
    unfit: Mapping[str, int] = field(default_factory=dict)
    left_out: int = 0

    @property
    def names(self) -> list[str]:
        return list(pyarrow.parquet.read_schema(self.open()).names)

    def reader(self, columns: Sequence[str]) -> pa.RecordBatchReader:
        file = pyarrow.parquet.ParquetFile(self.open(), pre_buffer=False)
        schema = pa.schema([file.schema_arrow.field(name) for name in columns])
        batches = file.iter_batches(batch_size=ROWS_AT_ONCE, columns=list(columns))
        return pa.RecordBatchReader.from_batches(schema, (batch.select(list(columns)) for batch in batches))


def parts(rows: ReadableRows, column: str) -> Iterator[pa.Array]:
    """A column, a piece at a time."""
    for batch in rows.reader([column]):
        yield batch.column(0)
