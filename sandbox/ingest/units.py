"""Ids of units that no column of the file has: made of several columns together, or of the row itself.

Where each row is somebody else, the id is a hash of the row's values, and of how many equal rows came before.
So the same row has the same id in the next version, in whatever order the rows come. Two of n rows get one id
by chance with a probability of n^2 / 2^64 at most: 1.4e-5 for sixteen million. They would be one unit then,
which loses one of the two rows and protects both.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sandbox.ingest.identifiers import normalise
from sandbox.ingest.spool import InMemoryOverflow, Spool
from sandbox.ingest.unit_order import UnitOrder
from sandbox.ingest.value_hashes import Hashes, mixed

COMPOUND_ID = "unit_id"
ROW_ID = "row_id"
BETWEEN = "\N{INFORMATION SEPARATOR ONE}"  # normalised ids have no control characters, so it parts them
SPREAD = np.uint64(0x9E3779B97F4A7C15)  # 2^64 divided by the golden ratio: Knuth's multiplicative hashing
EMPTY = np.uint64(0xD1B54A32D192ED03)  # of an empty cell: pandas gives the number 0 the hash 0


@dataclass(frozen=True)
class UnitIds:
    """`of`: the columns whose values name the unit together. None: each row is a unit."""

    of: tuple[str, ...] | None

    @property
    def column(self) -> str:
        return COMPOUND_ID if self.of else ROW_ID

    def of_table(self, table: pa.Table) -> pa.Array:
        """The ids of a table's rows."""
        schema, batches = self.added(table.schema, iter(table.to_batches()), Spool(InMemoryOverflow()))
        return pa.Table.from_batches(batches, schema).column(0).combine_chunks()

    def added(
        self, schema: pa.Schema, batches: Iterator[pa.RecordBatch], spool: Spool
    ) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
        """The rows with the ids as their first column, empty where one of the columns is. Rows that are units
        wait in `spool` until all were seen: an id counts the equal rows before it."""
        wider = schema.insert(0, pa.field(self.column, pa.int64() if self.of is None else pa.string()))
        if self.of is not None:
            names = self.of
            return wider, (_with(wider, _compound(batch, names), batch) for batch in batches)
        waiting, hashes = UnitOrder(schema, None, spool), [np.zeros(0, np.uint64)]
        for batch in batches:
            hashes.append(row_hashes(batch))
            waiting.add(batch)
        return wider, _numbered(wider, _row_ids(np.concatenate(hashes)), waiting)


def _numbered(schema: pa.Schema, ids: pa.Array, waiting: UnitOrder) -> Iterator[pa.RecordBatch]:
    place = 0
    for batch in waiting.batches():
        yield _with(schema, ids[place : place + len(batch)], batch)
        place += len(batch)


def _with(schema: pa.Schema, ids: pa.Array, batch: pa.RecordBatch) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([ids, *batch.columns], schema=schema)


def _compound(batch: pa.RecordBatch, names: tuple[str, ...]) -> pa.Array:
    parts = [normalise(pc.cast(batch.column(name), pa.string())) for name in names]
    return pc.binary_join_element_wise(*parts, BETWEEN)


def row_hashes(batch: pa.RecordBatch) -> Hashes:
    hashes: Hashes = np.zeros(len(batch), np.uint64)
    for name in sorted(batch.schema.names):
        hashes = mixed(hashes * SPREAD ^ _hashed(batch.column(name)))
    return hashes


def _row_ids(hashes: Hashes) -> pa.Array:
    """Of rows in the file's order: the hash, and how many equal ones came before. 24 bytes a row."""
    order = np.argsort(hashes, kind="stable")
    grouped = hashes[order]
    again = np.flatnonzero(grouped[1:] == grouped[:-1]) + 1  # places of rows that equal the one before
    hashes *= SPREAD
    if len(again):
        first = np.concatenate(([True], again[1:] != again[:-1] + 1))
        place = np.arange(len(again))
        nth = place - np.maximum.accumulate(np.where(first, place, 0)) + 1
        hashes[order[again]] ^= nth.astype(np.uint64)
    del grouped, order
    return pa.array((mixed(hashes) >> np.uint64(1)).astype(np.int64))


def _hashed(column: pa.Array) -> Hashes:
    from sandbox.ingest.pandas_hashes import hash_array

    if pa.types.is_string(column.type):
        coded = column.dictionary_encode()
        known = hash_array(np.array(coded.dictionary.to_pylist(), dtype=object))
        values: Any = known[coded.indices.fill_null(0).to_numpy()] if len(known) else np.zeros(len(column))
    else:
        numbers = column.cast(pa.float64()) if pa.types.is_floating(column.type) else _whole(column)
        values = hash_array(numbers.fill_null(0).to_numpy(zero_copy_only=False))
    there = pc.is_valid(column).to_numpy(zero_copy_only=False)
    hashes: Hashes = np.where(there, values, EMPTY).astype(np.uint64)
    return hashes


def _whole(column: pa.Array) -> pa.Array:
    if pa.types.is_date32(column.type):
        column = column.cast(pa.int32())
    return column.cast(pa.int64())
