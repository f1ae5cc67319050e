"""How are units weighed whose rows must be counted first? As arrays, some units at a time (claim and proof: weights.md).

The engine filters, codes and hands over the rows of some units; counting them by unit and cell is then adding into an array,
several times as fast as the engine's own grouping, which has as many groups as there are units and more. Where the arrays would
be mostly empty, or 53 bits may be too few for a sum, the statement's own SQL says the same (compile.py).
"""

import duckdb
import numpy as np

from sandbox.engines.rows_in_memory import RowsInMemory
from sandbox.queries import Plan
from sandbox.queries.compile import compile_rows, most_steps
from sandbox.queries.plan import Total, TotalKind
from sandbox.queries.weights import weights_of

ROWS_AT_ONCE, CELLS_AT_ONCE = 1_000_000, 4_000_000
MOST_CELLS_A_ROW = 4
MOST_WEIGHED = 2**43  # times a weight, whole numbers up to here are exact as DOUBLE, in which arrays are added up


def fits_weighing(plan: Plan, totals: tuple[Total, ...], rows: RowsInMemory) -> bool:
    """Whether arrays are the better way. Both ways give the same integers."""
    most = max(map(most_steps, totals))
    return (most < 2**31 and rows.count < 2**31 and most * rows.count < MOST_WEIGHED and plan.max_rows < 2**21
            and rows.units * _cells(plan, totals) <= max(MOST_CELLS_A_ROW * rows.count, CELLS_AT_ONCE))


def weighed(plan: Plan, totals: tuple[Total, ...], rows: RowsInMemory, connection: duckdb.DuckDBPyConnection) -> list[list[int]]:
    """The totals over rows, by cell (and bin).

    All of it is exact: below 2**31 rows have a sum of n**2 below 2**62, and below `MOST_WEIGHED` / most rows no sum of weighed
    numbers, in whatever order, comes to 2**53.
    """
    cells = _cells(plan, totals)
    sums = [np.zeros(cells) for _ in totals]
    for among in rows.pieces(max(rows.count // ROWS_AT_ONCE, rows.units * cells // CELLS_AT_ONCE) + 1):
        found = connection.execute(compile_rows(plan, totals, among)).fetchnumpy()
        shape = (len(among), cells)
        counts = np.bincount(found["cell"], minlength=len(among) * cells).reshape(shape)
        weights = weights_of(np.einsum("uc,uc->u", counts, counts), plan.max_rows).astype(np.float64)
        for place, total in enumerate(totals):
            if total.kind in (TotalKind.ROWS, TotalKind.BINS):
                sums[place] += weights @ counts.astype(np.float64)
            else:
                parts = np.bincount(found["cell"], weights=found[f"q{place}"], minlength=len(among) * cells)
                sums[place] += weights @ parts.reshape(shape)
    return [[int(value) for value in total] for total in sums]


def _cells(plan: Plan, totals: tuple[Total, ...]) -> int:
    return plan.cells * totals[0].bins
