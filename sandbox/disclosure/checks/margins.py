"""Finds suppressed counts that can be derived from totals.

It solves the linear system of parts and totals for the bounds of each suppressed cell. Cells are whole
numbers from 0 on. Released counts that are rounded to a base b are known to within b/2, so each equation
holds to within the sum of its cells' deviations. HiGHS (scipy.optimize.linprog) finds the least and the
largest value that each suppressed cell can have. Bounds of a linear relaxation, made whole, are never
narrower than the true ones by more than integrality (Fischetti and Salazar, 2001).
"""

from collections.abc import Iterator
from math import ceil, floor

import numpy as np
from scipy.sparse import lil_matrix, vstack

from sandbox.disclosure.checks.subject import Subject
from sandbox.disclosure.checks.table_cells import Cell, Sum, cells_of, sums_of
from sandbox.disclosure.finding import Finding, asks, blocks

MOST_SUPPRESSED = 400
CLOSE = 1e-6
REMEDY = (
    "Suppress a second cell in its row and in its column, or leave the totals out.",
    "请在同一行和同一列再各隐去一格，或去掉合计。",
)


def margins(subject: Subject) -> Iterator[Finding]:
    cells = [cell for roles in subject.tables for cell in cells_of(roles)]
    yield from judge_margins(cells, subject.thresholds.margin_interval, subject.thresholds.rounding_base)


def judge_margins(cells: list[Cell], narrowest: int, base: int) -> Iterator[Finding]:
    """Findings for suppressed cells that are known to within less than `narrowest`."""
    suppressed = [place for place, cell in enumerate(cells) if cell.value is None]
    sums = [
        found
        for found in sums_of(cells)
        if any(cells[place].value is None for place in (found.whole, *found.parts))
    ]
    if not suppressed or not sums:
        return
    if len(suppressed) > MOST_SUPPRESSED:
        yield asks(
            "margins_too_many",
            "differencing",
            f"{len(suppressed)} suppressed cells are too many to check against their totals.",
            "Release a smaller table, or one without totals.",
            f"隐去单元格多达 {len(suppressed)} 个，无法与合计核对。",
            "请缩小表格或去掉合计。",
        )
        return
    rounded = base > 1 and all(cell.value is None or cell.value % base == 0 for cell in cells)
    bounds = bound_cells(cells, sums, off=base / 2 if rounded else 0.0)
    if bounds is None:
        yield asks(
            "totals_do_not_add_up",
            "unexplained",
            "The totals do not add up to their parts, whatever the suppressed cells are.",
            "Say how totals were made (before suppression, after rounding).",
            "无论隐去的单元格取何值，合计都与各部分之和不符。",
            "请说明合计的计算方式。",
        )
        return
    known = {place for place, (low, high) in bounds.items() if high - low < narrowest}
    for place in sorted(known):
        yield blocks(
            "suppressed_cell_revealed",
            "differencing",
            f"A suppressed cell follows from the totals: {_said(bounds[place])}.",
            REMEDY[0],
            f"由合计可推出被隐去的单元格：{_said(bounds[place])}。",
            REMEDY[1],
            where=cells[place].where,
        )
    if rounded:
        guesses = bound_cells(cells, sums, off=0.0) or {}
        for place in sorted(guesses.keys() - known):
            if guesses[place][1] - guesses[place][0] < narrowest:
                yield asks(
                    "suppressed_cell_estimated",
                    "differencing",
                    "Up to rounding, a suppressed cell follows from the totals: about "
                    f"{_said(guesses[place])}.",
                    REMEDY[0],
                    f"除取整误差外，由合计可推出被隐去的单元格：约 {_said(guesses[place])}。",
                    REMEDY[1],
                    where=cells[place].where,
                )


def _said(bounds: tuple[int, int]) -> str:
    return str(bounds[0]) if bounds[0] == bounds[1] else f"{bounds[0]} … {bounds[1]}"


def bound_cells(cells: list[Cell], sums: list[Sum], *, off: float) -> dict[int, tuple[int, int]] | None:
    """Place of a suppressed cell -> its least and largest value; None if no values fit.
    `off`: how far a released count may be from the truth.
    """
    involved = sorted(
        {place for found in sums for place in (found.whole, *found.parts) if cells[place].value is None}
    )
    column = {place: number for number, place in enumerate(involved)}
    matrix = lil_matrix((len(sums), len(involved)))
    right, slack = np.zeros(len(sums)), np.zeros(len(sums))
    for row, found in enumerate(sums):
        for place, sign in ((found.whole, -1.0), *((part, 1.0) for part in found.parts)):
            value = cells[place].value
            if value is None:
                matrix[row, column[place]] += sign
            else:
                right[row] -= sign * float(value)
                slack[row] += off
    from scipy.optimize import linprog  # a quarter of a second, which no service's start need wait for

    sparse = matrix.tocsr()
    rows = {"A_ub": vstack([sparse, -sparse]).tocsr(), "b_ub": np.concatenate([right + slack, slack - right])}
    found_bounds: dict[int, tuple[int, int]] = {}
    for place in involved:
        cost = np.zeros(len(involved))
        cost[column[place]] = 1.0
        low = linprog(cost, **rows, bounds=(0, None), method="highs")
        if low.status == 2:
            return None
        high = linprog(-cost, **rows, bounds=(0, None), method="highs")
        if low.status == 0 and high.status == 0:  # else it has no upper bound
            found_bounds[place] = (ceil(low.fun - CLOSE), floor(-high.fun + CLOSE))
    return found_bounds
