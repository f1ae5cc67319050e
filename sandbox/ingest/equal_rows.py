"""Finds rows that are equal in some columns, within a fixed memory.

The columns' values are sorted by a hash of them (`unit_order.py`), so that equal rows come together, and are
then compared themselves: two values that share a hash are still two. What is kept of a row is its place.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sandbox.ingest.spool import Spool
from sandbox.ingest.unit_order import UnitOrder
from sandbox.ingest.units import row_hashes

HASH, PLACE, MARKED = "hash", "place", "marked"
FIRST, LAST, COUNT = "first", "last", "count"
SMALL_BYTES = 4 * 1024**2
"""Of a run and of a range: another sort is at work beside it."""


@dataclass
class EqualRows:
    """`schema`: of the columns that are compared; empty cells are equal."""

    schema: pa.Schema
    spool: Spool
    run_bytes: int = SMALL_BYTES
    rows: int = 0
    _order: UnitOrder = field(init=False)
    _names: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self._names = [f"value {place}" for place in range(len(self.schema))]
        fields = [(name, kind) for name, kind in zip(self._names, self.schema.types, strict=True)]
        whole = pa.schema([(HASH, pa.int64()), (PLACE, pa.int64()), (MARKED, pa.int64()), *fields])
        self._order = UnitOrder(whole, HASH, self.spool, self.run_bytes, self.run_bytes // 32, self.run_bytes)

    def add(self, values: pa.RecordBatch, *, marked: bool = False) -> None:
        """More rows, in their order: their places go on from those before. `marked` rows are counted by
        themselves."""
        # 0.0 and -0.0 are equal, and differ in their bits
        same = [pc.add(each, 0.0) if pa.types.is_floating(each.type) else each for each in values.columns]
        batch = pa.RecordBatch.from_arrays(same, names=self._names)
        count = len(batch)
        columns = [
            pa.array(row_hashes(batch).view(np.int64)),
            pa.array(np.arange(self.rows, self.rows + count)),
            pa.array(np.full(count, int(marked))),
            *batch.columns,
        ]
        self.rows += count
        self._order.add(pa.RecordBatch.from_arrays(columns, schema=self._order.schema))

    def groups(self) -> Iterator[pa.Table]:
        """For all rows that are equal, one row: the places of the first and the last of them, how many they
        are, and how many of them are marked. To be taken once."""
        by = [HASH, *self._names]
        open_groups: pa.Table | None = None  # of the hash with which the batch before ended
        for batch in self._order.batches():
            table = pa.table(
                {
                    **{name: batch.column(name) for name in by},
                    FIRST: batch.column(PLACE),
                    LAST: batch.column(PLACE),
                    COUNT: pa.array(np.ones(len(batch), np.int64)),
                    MARKED: batch.column(MARKED),
                }
            )
            if open_groups is not None:
                table = pa.concat_tables([open_groups, table])
            found = table.group_by(by, use_threads=False).aggregate(
                [(FIRST, "min"), (LAST, "max"), (COUNT, "sum"), (MARKED, "sum")]
            )
            found = found.rename_columns([*by, FIRST, LAST, COUNT, MARKED])
            still_open = pc.equal(found.column(HASH), batch.column(HASH)[-1])
            open_groups = found.filter(still_open)
            yield found.filter(pc.invert(still_open)).select([FIRST, LAST, COUNT, MARKED])
        if open_groups is not None:
            yield open_groups.select([FIRST, LAST, COUNT, MARKED])
