"""Defines a table that is being read: its columns' names, its rows as texts; and writes it as Parquet."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

Cells = Sequence[str | None]
ROWS_AT_ONCE = 20_000
CHARACTERS_AT_ONCE = 8 * 1024**2


@dataclass(frozen=True)
class TableStream:
    """`rows`: each cell as the source writes it, None where there is no value. An empty text is a text."""

    names: tuple[str, ...]
    rows: Iterator[Cells]


SinceKind = Literal["integer", "date", "timestamp"]


@dataclass(frozen=True)
class Since:
    """Only rows whose `column` is at least `at_least`, or has no value. `kind` says how that is written: a
    whole number, `YYYY-MM-DD`, or `YYYY-MM-DD HH:MM:SS.ffffff` by the city's clock. The value is raw data:
    it stands in the question to the source, and nowhere else."""

    column: str
    kind: SinceKind
    at_least: str


@dataclass(frozen=True)
class TableChoice:
    """What is read of a database: a table, as `name` or `schema.name`, or a query."""

    table: str | None = None
    query: str | None = None
    since: Since | None = None


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
    # not at the top: the command line knows tables too, and each of its commands would wait for it
    import pyarrow as pa
    import pyarrow.parquet

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
