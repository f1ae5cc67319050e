"""Finds rows by a value without a scan: for each column that is asked for, the row numbers in the order of
its values.

Built once for a copy, which never changes, when a column is first looked up by. A look-up is two binary
searches.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow
import pyarrow.compute

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class SortedColumn:
    """`rows[i]` is the number of the row with the i-th smallest value; equal values are in the copy's order.
    Nulls are at the end, beyond `known`."""

    values: pyarrow.Array
    rows: Rows
    known: int

    def span(self, low: Any, high: Any, *, above: bool = False, below: bool = False) -> Rows:
        """The rows whose value lies between two (None: no limit), with them unless `above` or `below`."""
        seen = Values(self.values, self.known)
        start = 0 if low is None else (bisect_right if above else bisect_left)(seen, low)
        end = self.known if high is None else (bisect_left if below else bisect_right)(seen, high)
        return self.rows[start : max(start, end)]

    def beginning(self, text: str) -> slice:
        """Where the values are that begin with a text. Arrow sorts texts by their bytes in UTF-8, which is
        the order of their characters' numbers."""
        seen = Values(self.values, self.known)

        def begin(value: str) -> str:
            return value[: len(text)]

        return slice(bisect_left(seen, text, key=begin), bisect_right(seen, text, key=begin))


@dataclass(frozen=True)
class Values(Sequence[Any]):
    """An Arrow array as Python's binary search reads it: the few values that it looks at."""

    values: pyarrow.Array
    known: int

    def __len__(self) -> int:
        return self.known

    def __getitem__(self, place: Any) -> Any:
        return self.values[place].as_py()


@dataclass
class RowIndex:
    """The sorted columns of one copy, each made when it is first asked for."""

    table: pyarrow.Table
    columns: dict[str, SortedColumn] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    def is_made(self, names: Sequence[str]) -> bool:
        """Whether a look-up by these columns finds them sorted, and takes no time."""
        return all(name in self.columns for name in names)

    def column(self, name: str) -> SortedColumn:
        with self.lock:
            if name not in self.columns:
                self.columns[name] = sorted_column(self.table[name])
            return self.columns[name]


def sorted_column(column: pyarrow.ChunkedArray) -> SortedColumn:
    whole = column.combine_chunks()
    order = pyarrow.compute.sort_indices(whole)  # nulls come last
    return SortedColumn(whole.take(order), order.to_numpy().astype(np.int64), len(whole) - whole.null_count)
