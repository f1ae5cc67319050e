"""Sorts rows by unit within a fixed memory: an external merge sort (Knuth, TAOCP 3, 5.4).

Rows come in the file's order. Each run of about `RUN_BYTES` is sorted when it is full and cut into blocks,
which wait packed (`spool.py`). At the end the units' order is cut into ranges of about as many bytes: the
blocks that reach into a range are unpacked, merged and given on. The rows of one unit stay in the file's
order, because runs are merged in it and each sort is stable. So the result is that of one stable sort of the
whole, and the same whatever the size of runs, blocks and ranges.

In memory are one run or one range, and a block of each run. A unit with more rows than a range has is given
on without being sorted, a block at a time.
"""

from bisect import bisect_right
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from sandbox.ingest.spool import InMemoryOverflow, Packed, Spool
from sandbox.memory_release import release_memory

RUN_BYTES = 12 * 1024**2
BLOCK_BYTES = 512 * 1024
RANGE_BYTES = 12 * 1024**2


@dataclass(frozen=True)
class _Block:
    """Sorted rows of one run. `low`, `high`: its first and its last unit. Python orders texts by their
    characters, which for Unicode is the order of their bytes in UTF-8."""

    packed: Packed
    bytes: int
    low: Any
    high: Any


@dataclass
class _Run:
    """`carried`: rows of blocks that were unpacked for a range before, and lie beyond it."""

    blocks: list[_Block]
    next: int = 0
    carried: pa.RecordBatch | None = None


@dataclass(frozen=True, order=True)
class _End:
    """The end of a range: all units below `unit`, and the unit itself if `included`."""

    unit: Any
    included: bool

    def rows(self, batch: pa.RecordBatch, unit: str) -> int:
        """How many rows of a sorted batch lie before it."""
        side = "right" if self.included else "left"
        return int(pc.search_sorted(batch.column(unit), self.unit, side=side).as_py())

    def reaches(self, block: _Block) -> bool:
        return bool(block.low < self.unit or (self.included and block.low == self.unit))


@dataclass
class UnitOrder:
    """`unit`: the column to sort by, a text (by its bytes) or an integer; None: rows stay in their order."""

    schema: pa.Schema
    unit: str | None
    spool: Spool = field(default_factory=lambda: Spool(InMemoryOverflow()))
    run_bytes: int = RUN_BYTES
    block_bytes: int = BLOCK_BYTES
    range_bytes: int = RANGE_BYTES
    rows: int = 0
    _waiting: list[pa.RecordBatch] = field(default_factory=list)
    _waiting_bytes: int = 0
    _runs: list[_Run] = field(default_factory=list)
    _closer: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))
    _closing: "Future[list[_Block]] | None" = None

    def add(self, batch: pa.RecordBatch) -> None:
        if not len(batch):
            return
        self.rows += len(batch)
        self._waiting.append(batch)
        self._waiting_bytes += batch.nbytes
        if self._waiting_bytes >= self.run_bytes:
            self._close_run()

    def _close_run(self) -> None:
        """Sort and pack what waits, in a thread of its own; one run at a time."""
        waiting, self._waiting, self._waiting_bytes = self._waiting, [], 0
        self._await_run()
        self._closing = self._closer.submit(self._packed_run, waiting)

    def _await_run(self) -> None:
        if self._closing is not None:
            closing, self._closing = self._closing, None
            if blocks := closing.result():
                self._runs.append(_Run(blocks))
            if self.run_bytes >= RUN_BYTES:
                release_memory()  # what was unpacked lay in pieces between what stays

    def batches(self) -> Iterator[pa.RecordBatch]:
        """All rows, by unit. They can be taken once."""
        if not self._runs and self._closing is None:  # all of it is here: nothing needs to be packed
            yield from self._sorted_run(self._waiting)
            return
        self._close_run()
        self._await_run()
        self._closer.shutdown()
        runs, self._runs = self._runs, []
        if self.unit is None:
            for run in runs:
                for block in run.blocks:
                    yield block.packed()
            return
        for end, single in _ranges(runs, self.range_bytes):
            yield from self._range(runs, end, single=single)

    def _packed_run(self, waiting: list[pa.RecordBatch]) -> list[_Block]:
        blocks = []
        for batch in self._sorted_run(waiting):
            size = batch.nbytes
            rows = max(1, len(batch) * self.block_bytes // max(size, 1))
            for start in range(0, len(batch), rows):
                part = batch.slice(start, rows)
                ids = part.column(self.unit) if self.unit is not None else None
                low, high = (None, None) if ids is None else (ids[0].as_py(), ids[-1].as_py())
                blocks.append(_Block(self.spool.put(part), part.nbytes, low, high))
        return blocks

    def _sorted_run(self, waiting: list[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        if waiting and self.unit is not None:
            yield _sorted(waiting, self.unit)
        else:
            yield from waiting

    def _range(self, runs: list[_Run], end: _End | None, *, single: bool) -> Iterator[pa.RecordBatch]:
        """The rows before `end` that are left; `single`: all of them are of one unit."""
        assert self.unit is not None
        parts: list[pa.RecordBatch] = []
        for run in runs:
            for part in _taken(run, end, self.unit):
                if single:
                    yield part
                else:
                    parts.append(part)
        if len(parts) == 1:
            yield parts[0]
        elif parts:
            yield _sorted(parts, self.unit)


def _ranges(runs: list[_Run], size: int) -> Iterator[tuple[_End | None, bool]]:
    """The ends of ranges in their order, the last None; and whether all of a range is one unit, because it
    alone fills blocks of `size` bytes."""
    blocks = sorted((block for run in runs for block in run.blocks), key=lambda block: block.low)
    alone: dict[Any, int] = {}
    for block in blocks:
        if block.low == block.high:
            alone[block.low] = alone.get(block.low, 0) + block.bytes
    heavy = sorted(unit for unit, bytes in alone.items() if bytes >= size)
    ends = {_End(unit, included) for unit in heavy for included in (False, True)}
    taken = 0
    for block in blocks:
        if taken >= size:
            place = bisect_right(heavy, block.low)
            if not (place and heavy[place - 1] == block.low):
                ends.add(_End(block.low, included=False))
            taken = 0
        taken += block.bytes
    for end in sorted(ends):
        yield end, end.included
    yield None, False


def _taken(run: _Run, end: _End | None, unit: str) -> Iterator[pa.RecordBatch]:
    """The rows of a run before the end of a range. What is beyond is carried."""
    while True:
        if run.carried is None:
            if run.next == len(run.blocks) or (end is not None and not end.reaches(run.blocks[run.next])):
                return
            run.carried = run.blocks[run.next].packed()
            run.next += 1
        rows = len(run.carried) if end is None else end.rows(run.carried, unit)
        part, rest = run.carried.slice(0, rows), run.carried.slice(rows)
        run.carried = rest if len(rest) else None
        if len(part):
            yield part
        if run.carried is not None:
            return


def _sorted(parts: list[pa.RecordBatch], unit: str) -> pa.RecordBatch:
    """By unit, and rows of one unit as they came. `parts` is emptied."""
    whole = pa.concat_batches(parts) if len(parts) > 1 else parts[0]
    parts.clear()
    ids = whole.column(unit)
    if pc.all(pc.less_equal(ids[:-1], ids[1:])).as_py() is not False:
        return whole
    return whole.take(pc.array_sort_indices(ids))


def sorted_table(table: pa.Table, unit: str) -> pa.Table:
    """A table that is in memory, by unit; the rows of a unit stay in their order."""
    order = UnitOrder(table.schema, unit)
    for batch in table.to_batches():
        order.add(batch)
    return pa.Table.from_batches(order.batches(), order.schema)
