"""Defines a table that is being read: its columns' names, its rows as texts; and writes it as Parquet."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet

Cells = Sequence[str | None]
ROWS_AT_ONCE = 20_000
CHARACTERS_AT_ONCE = 8 * 1024**2


@dataclass(frozen=True)
class TableStream:
    """`rows`: each cell as the source writes it, None where there is no value. An empty text is a text."""

    names: tuple[str, ...]
    rows: Iterator[Cells]


@dataclass(frozen=True)
class TableChoice:
    """What is read of a database: a table, as `name` or `schema.name`, or a query."""

    table: str | None = None
    query: str | None = None


class _Pieces(io.RawIOBase):
    """A sink from which what was written is taken."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, part: object) -> int:
        piece = bytes(part)  # type: ignore[call-overload]  # Arrow gives buffers
        self._parts.append(piece)
        return len(piece)

    def take(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)


def parquet_pieces(table: TableStream) -> Iterator[bytes]:
    """The table as Parquet, all columns as texts. What is cut off in the middle has no footer, so it is
    never taken for a whole table."""
    schema = pa.schema([(name, pa.string()) for name in table.names])
    sink = _Pieces()
    with pyarrow.parquet.ParquetWriter(sink, schema, compression="zstd", store_schema=False) as writer:
        for rows in _groups(table.rows):
            columns = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
            writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=schema))
            if piece := sink.take():
                yield piece
    yield sink.take()


def _groups(rows: Iterator[Cells]) -> Iterator[list[Cells]]:
    group: list[Cells] = []
    characters = 0
    for row in rows:
        group.append(row)
        characters += sum(len(cell) for cell in row if cell is not None)
        if len(group) >= ROWS_AT_ONCE or characters >= CHARACTERS_AT_ONCE:
            yield group
            group, characters = [], 0
    if group:
        yield group
