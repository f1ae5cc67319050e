"""Weighs units whose rows must be counted first: as arrays, some units at a time (claim and proof:
weights.md).

The engine filters, codes and passes the rows of some units. Counting them by unit and cell is then adding
into an array, several times as fast as the engine's own grouping, which has as many groups as there are units
and more. Where the arrays would be mostly empty, or 53 bits may be too few for a sum, the statement's own SQL
computes the same (compile/totals.py).
"""

from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

from sandbox.queries import Plan
from sandbox.queries.compile.totals import compile_rows, most_steps
from sandbox.queries.plan.plan import Total, TotalKind
from sandbox.queries.weights import weights_of

ROWS_AT_ONCE, CELLS_AT_ONCE = 1_000_000, 4_000_000
MOST_CELLS_A_ROW = 4
# times a weight, whole numbers up to here are exact as DOUBLE, in which arrays are added up
MOST_WEIGHED = 2**43
# their square is below 2**53
MOST_ROWS_BY_ROW = 2**26

Sums = npt.NDArray[np.float64]


@dataclass(frozen=True)
class WeighedWork:
    """The rows of some units at a time, and how each unit's rows are weighed."""

    pieces: tuple[tuple[str, int], ...]  # the SELECT of the rows (compile_rows), and of how many units it is
    cells: int  # bins included
    max_rows: int
    counted: tuple[bool, ...]  # for each total, whether it counts rows; else it adds up the column q<place>

    def perform(self, connection: duckdb.DuckDBPyConnection) -> list[list[int]]:
        """The totals over rows, by cell (and bin).

        All of it is exact: below 2**31 rows have a sum of n**2 below 2**62, and below `MOST_WEIGHED` / most
        rows no sum of weighed numbers, in whatever order, comes to 2**53.
        """
        sums = [np.zeros(self.cells) for _ in self.counted]
        for sql, units in self.pieces:
            found = connection.execute(sql).fetchnumpy()
            rows = len(found["cell"])
            if rows < units * self.cells and rows < MOST_ROWS_BY_ROW:
                self._add_by_row(sums, found, units)
            else:
                self._add_by_cell(sums, found, units)
        return [[int(value) for value in total] for total in sums]

    def _add_by_cell(self, sums: list[Sums], found: dict[str, Any], units: int) -> None:
        """Where rows are many: an array of all cells of all units, for each total."""
        size = units * self.cells
        counts = np.bincount(found["cell"], minlength=size).reshape((units, self.cells))
        weights = weights_of(np.einsum("uc,uc->u", counts, counts), self.max_rows).astype(np.float64)
        for place, counted in enumerate(self.counted):
            if counted:
                sums[place] += weights @ counts.astype(np.float64)
            else:
                parts = np.bincount(found["cell"], weights=found[f"q{place}"], minlength=size)
                sums[place] += weights @ parts.reshape((units, self.cells))

    def _add_by_row(self, sums: list[Sums], found: dict[str, Any], units: int) -> None:
        """Where rows are few: each brings its own weight. The sum of n**2 over a unit's cells is that of n
        over its rows, and below `MOST_ROWS_BY_ROW` rows it is exact as DOUBLE."""
        cell = np.asarray(found["cell"]).astype(np.intp)
        unit = cell // self.cells
        alike = np.bincount(cell, minlength=units * self.cells)[cell]  # rows of the same unit and cell
        norms = np.bincount(unit, weights=alike, minlength=units).astype(np.int64)
        weights = weights_of(norms, self.max_rows).astype(np.float64)[unit]
        among = cell - unit * self.cells
        for place, counted in enumerate(self.counted):
            brought = weights if counted else weights * found[f"q{place}"]
            sums[place] += np.bincount(among, weights=brought, minlength=self.cells)


def fits_weighing(plan: Plan, totals: tuple[Total, ...], *, count: int, units: int) -> bool:
    """Whether arrays are the better way, for a table of `count` rows of `units` units.
    Both ways give the same integers."""
    most = max(map(most_steps, totals))
    return (
        most < 2**31
        and count < 2**31
        and most * count < MOST_WEIGHED
        and plan.max_rows < 2**21
        and units * _cells(plan, totals) <= max(MOST_CELLS_A_ROW * count, CELLS_AT_ONCE)
    )


def weighed_work(plan: Plan, totals: tuple[Total, ...], *, count: int, units: int) -> WeighedWork:
    cells = _cells(plan, totals)
    parts = max(count // ROWS_AT_ONCE, units * cells // CELLS_AT_ONCE) + 1
    pieces = [range(units * place // parts, units * (place + 1) // parts) for place in range(parts)]
    return WeighedWork(
        tuple((compile_rows(plan, totals, among), len(among)) for among in pieces),
        cells,
        plan.max_rows,
        tuple(total.kind in (TotalKind.ROWS, TotalKind.BINS) for total in totals),
    )


def _cells(plan: Plan, totals: tuple[Total, ...]) -> int:
    return plan.cells * totals[0].bins
