"""Ids of units that no column of the file has: made of several columns together, or of the row itself.

Where each row is somebody else, the id is a hash of the row's values, and of how many equal rows came before.
So the same row has the same id in the next version, in whatever order the rows come. Two of n rows get one id
by chance with a probability of n^2 / 2^64 at most: 1.4e-5 for sixteen million. They would be one unit then,
which loses one of the two rows and protects both.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from sandbox.ingest.identifiers import normalise

COMPOUND_ID = "unit_id"
ROW_ID = "row_id"
BETWEEN = "\N{INFORMATION SEPARATOR ONE}"  # normalised ids have no control characters, so it parts them
SPREAD = np.uint64(0x9E3779B97F4A7C15)  # 2^64 divided by the golden ratio: Knuth's multiplicative hashing
EMPTY = np.uint64(0xD1B54A32D192ED03)  # of an empty cell: pandas gives the number 0 the hash 0

Hashes = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class UnitIds:
    """`of`: the columns whose values name the unit together. None: each row is a unit."""

    of: tuple[str, ...] | None

    @property
    def column(self) -> str:
        return COMPOUND_ID if self.of else ROW_ID

    def of_table(self, table: pa.Table) -> pa.Array:
        """The ids of a table's rows, empty where one of the columns is."""
        return _row_ids(table) if self.of is None else _compound(table, self.of)


def _compound(table: pa.Table, names: tuple[str, ...]) -> pa.Array:
    parts = []
    for name in names:
        texts = pc.cast(table.column(name).combine_chunks(), pa.string())
        parts.append(normalise(texts))
    return pc.binary_join_element_wise(*parts, BETWEEN)


def _row_ids(table: pa.Table) -> pa.Array:
    hashes: Hashes = np.zeros(len(table), np.uint64)
    for name in sorted(table.column_names):
        hashes = _mixed(hashes * SPREAD ^ _hashed(table.column(name).combine_chunks()))
    order = np.argsort(hashes, kind="stable")
    grouped = hashes[order]
    begins = np.concatenate(([True], grouped[1:] != grouped[:-1]))
    place = np.arange(len(grouped))
    nth = place - np.maximum.accumulate(np.where(begins, place, 0))
    counted = np.empty(len(hashes), np.uint64)
    counted[order] = nth
    return pa.array((_mixed(hashes * SPREAD ^ counted) >> np.uint64(1)).astype(np.int64))


def _hashed(column: pa.Array) -> Hashes:
    if pa.types.is_string(column.type):
        coded = column.dictionary_encode()
        known = pd.util.hash_array(np.array(coded.dictionary.to_pylist(), dtype=object))
        values: Any = known[coded.indices.fill_null(0).to_numpy()] if len(known) else np.zeros(len(column))
    else:
        numbers = column.cast(pa.float64()) if pa.types.is_floating(column.type) else _whole(column)
        values = pd.util.hash_array(numbers.fill_null(0).to_numpy(zero_copy_only=False))
    there = pc.is_valid(column).to_numpy(zero_copy_only=False)
    hashes: Hashes = np.where(there, values, EMPTY).astype(np.uint64)
    return hashes


def _whole(column: pa.Array) -> pa.Array:
    if pa.types.is_date32(column.type):
        column = column.cast(pa.int32())
    return column.cast(pa.int64())


def _mixed(values: Hashes) -> Hashes:
    """Every bit of the result depends on every bit of the values (the finaliser of SplitMix64)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
