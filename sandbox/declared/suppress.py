"""Chooses the numbers of a table that are not shown: those with few units, those that few units dominate, and
as many more as protect these.

Without the last, a suppressed cell follows from a total that is known from elsewhere and the cells beside it.
So margins count as known. As long as the shown cells then disclose a few units, one more cell is suppressed:
of the cells used to derive them, the one with the fewest units. (Complementary suppression: Hundepool et al.,
Statistical Disclosure Control, 2012.)
"""

import numpy as np
from scipy.sparse import vstack

from sandbox.declared.contributions import Behind, Shown, Whole
from sandbox.declared.equivalence_classes import atoms_of
from sandbox.declared.rules import CellRules
from sandbox.declared.small_unit_search import TooMany, few_behind


def shown_numbers(behind: Behind, rules: CellRules) -> Shown:
    """cells x measures. Where there is too much to try, all of a measure that has something to
    protect stays hidden."""
    units = behind.units_behind()
    shown: Shown = (units >= rules.minimum_count) | ((units == 0) & rules.zeros)
    for measure in range(behind.measures):
        if not behind.once[measure]:
            shown[:, measure] &= ~dominated(behind, measure, rules)
        if not shown[:, measure].all():
            shown[:, measure] = _protected(
                behind, measure, shown[:, measure], units[:, measure], rules.minimum_count
            )
    return shown


def dominated(behind: Behind, measure: int, rules: CellRules) -> Shown:
    """By cell: whether the n largest units make more than k percent of it,
    or the two largest leave the others too small to hide the largest to within p percent."""
    by_cell = behind.by_cell(measure)
    found = np.zeros(behind.cells, dtype=np.bool_)
    for cell in range(behind.cells):
        largest = np.sort(by_cell.data[by_cell.indptr[cell] : by_cell.indptr[cell + 1]])[::-1]
        if len(largest):
            whole = int(largest.sum())
            by_few = 100 * int(largest[: rules.dominance_units].sum()) > rules.dominance_percent * whole
            by_two = 100 * (whole - int(largest[:2].sum())) < rules.prior_percent * int(largest[0])
            found[cell] = by_few or by_two
    return found


def _protected(behind: Behind, measure: int, shown: Shown, units: Whole, least: int) -> Shown:
    alike = atoms_of(behind.by_cell(measure))  # units that are in the same cells are looked at together
    by_cell, shown = alike.numbers, shown.copy()
    margins = [(margin, behind.of_margin(by_cell, margin, measure)) for margin in behind.margins()]
    margins = [(margin, row) for margin, row in margins if alike.sizes[row.indices].sum() >= least]
    while shown.any():
        known = [row for margin, row in margins if not shown[margin.cells].all()]
        if not known:
            return shown
        cells = np.flatnonzero(shown)
        try:
            found = few_behind(
                atoms_of(vstack([*known, by_cell[cells]]).tocsr(), alike.sizes), least, already=len(known)
            )
        except TooMany:
            return np.zeros_like(shown)
        if found is None:
            return shown
        used = [int(cells[row - len(known)]) for row in found.numbers if row >= len(known)]
        # a cell that nobody is in hides nobody
        shown[min(used, key=lambda cell: (units[cell] < least, units[cell]))] = False
    return shown
