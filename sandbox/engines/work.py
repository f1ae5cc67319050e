"""The work of an engine process, as values: SQL text and numbers, made from a plan and public facts alone.

The vault makes the work (`totals_work` and its neighbours), a process of its own carries it out (`perform`),
and what comes back is bytes that the vault reads with `read_cells` or `read_table`. The same functions run in
this process in tests.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.ipc

from sandbox.engines.weighing import WeighedWork, fits_weighing, weighed_work
from sandbox.queries import Plan, compile_plan
from sandbox.queries.compile.totals import Statement, computed_together
from sandbox.queries.plan.plan import BINS_IN_ONE, Total, TotalKind

ROWS_SUMMED_AT_ONCE = 4_000_000

Cells = dict[Total, list[int]]


@dataclass(frozen=True)
class SummedWork:
    """A statement over some units at a time: the numbers of all pieces add up, cell by cell."""

    pieces: tuple[str, ...]
    key_sizes: tuple[int, ...]  # how many values each key has; the last key is the fastest
    bins: int  # 0: no histogram
    totals: int

    def perform(self, connection: duckdb.DuckDBPyConnection) -> list[list[int]]:
        """One exact integer for each total and cell (and bin), 0 where no row fell."""
        keys, cells = len(self.key_sizes), int(np.prod(self.key_sizes, dtype=np.int64)) * (self.bins or 1)
        sums = [[0] * cells for _ in range(self.totals)]
        for sql in self.pieces:
            for row in connection.execute(sql).fetchall():
                cell = 0
                for size, code in zip(self.key_sizes, row[:keys], strict=True):
                    cell = cell * size + int(code)
                if self.bins:
                    cell = cell * self.bins + int(row[keys])
                for place, value in enumerate(row[keys + bool(self.bins) :]):
                    sums[place][cell] += int(value or 0)
        return sums


@dataclass(frozen=True)
class TotalsWork:
    """The statements of a plan, in the order in which the plan compiles them."""

    statements: tuple[SummedWork | WeighedWork, ...]

    def perform(self, connection: duckdb.DuckDBPyConnection) -> bytes:
        return json.dumps([statement.perform(connection) for statement in self.statements]).encode()


@dataclass(frozen=True)
class TableWork:
    """One SELECT, whose table is the answer."""

    sql: str

    def perform(self, connection: duckdb.DuckDBPyConnection) -> bytes:
        table = connection.execute(self.sql).to_arrow_table()
        sink = pa.BufferOutputStream()
        with pyarrow.ipc.new_stream(sink, table.schema) as stream:
            stream.write_table(table)
        return bytes(sink.getvalue())


Work = TotalsWork | TableWork


def totals_work(plan: Plan, *, count: int, units: int) -> TotalsWork:
    """All of a plan's statements, for a table of `count` rows of `units` units."""
    return TotalsWork(
        tuple(
            weighed_work(plan, statement.totals, count=count, units=units)
            if statement.weighed and fits_weighing(plan, statement.totals, count=count, units=units)
            else _summed_work(plan, place, statement, count=count, units=units)
            for place, statement in enumerate(compile_plan(plan))
        )
    )


def _summed_work(plan: Plan, place: int, statement: Statement, *, count: int, units: int) -> SummedWork:
    """In several pieces where the engine would otherwise have to count all units at once."""
    pieces = count // ROWS_SUMMED_AT_ONCE + 1 if statement.additive and not plan.weights_stored else 1
    sql = (
        (statement.sql,)
        if pieces == 1
        else tuple(compile_plan(plan, among)[place].sql for among in pieces_of(units, pieces))
    )
    return SummedWork(sql, tuple(len(key.values) for key in plan.keys), statement.bins, len(statement.totals))


def pieces_of(units: int, count: int) -> list[range]:
    """The codes of all units, in this number of parts. The rows of a part lie together."""
    return [range(units * place // count, units * (place + 1) // count) for place in range(count)]


def read_cells(plan: Plan, answer: bytes) -> Cells:
    """What `TotalsWork.perform` gave: exact integers for every total of the plan;
    coarse histograms made of fine ones."""
    cells: Cells = {}
    for totals, numbers in zip(computed_together(plan), json.loads(answer), strict=True):
        cells |= dict(zip(totals, numbers, strict=True))
    for total in plan.totals:
        if total.kind is TotalKind.BINS and total not in cells:
            cells[total] = _added_up(plan, cells, total)
    return cells


def read_table(answer: bytes) -> pa.Table:
    """What `TableWork.perform` gave."""
    with pyarrow.ipc.open_stream(answer) as stream:
        return stream.read_all()


def _added_up(plan: Plan, cells: Cells, total: Total) -> list[int]:
    """A coarse histogram from the fine one: whole numbers add up exactly."""
    fine = next(other for other in cells if other.kind is TotalKind.BINS and other.of == total.of)
    return [
        _sum(
            cells[fine],
            cell * fine.bins + bin * BINS_IN_ONE,
            cell * fine.bins + min(fine.bins, (bin + 1) * BINS_IN_ONE),
        )
        for cell in range(plan.cells)
        for bin in range(total.bins)
    ]


def _sum(numbers: Sequence[int], start: int, stop: int) -> int:
    return sum(numbers[start:stop])
