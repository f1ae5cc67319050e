"""Chooses further cells to suppress, so that a suppressed cell does not follow from the cells that are shown
and from margins that are known from elsewhere.

Every margin with enough units counts as known, an empty cell as known to be empty. A suppressed cell is
found out if the equations of the margins leave it one value, or if all that is suppressed in a margin has too
few units. As long as that is so, the cell with the fewest units in one of its margins is suppressed too
(Hundepool et al., Statistical Disclosure Control, 2012, chapter 4).
"""

from itertools import combinations, product
from typing import Any

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.int64]
Marks = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]
ZERO = 1e-9
MOST_HIDDEN = 400
"""Cells with units whose equations are solved; beyond it nothing of the table is shown."""


def protected(counts: Counts, shown: Marks, sensitive: Marks, least: int) -> Marks:
    """Which cells may be shown after all. `counts` has a dimension for each key.
    `sensitive`: which of the cells that are not `shown` must not be found out. Where one cannot be hidden,
    nothing is shown."""
    flat, open_cells = counts.reshape(-1), shown.reshape(-1).copy()
    guarded = sensitive.reshape(-1) & ~open_cells & (flat > 0)
    margins = [margin for margin in _margins(counts) if flat[margin].sum() >= least]
    while guarded.any():
        hidden = np.flatnonzero(~open_cells & (flat > 0))
        if len(hidden) > MOST_HIDDEN:
            return np.zeros_like(shown)
        exposed = _exposed(flat, hidden, guarded, margins, least)
        if not exposed:
            break
        for cell in exposed:
            beside = [
                other
                for margin in margins
                if cell in margin
                for other in margin
                if open_cells[other] and flat[other] > 0
            ]
            if not beside:
                return np.zeros_like(shown)
            open_cells[min(beside, key=lambda other: (flat[other], other))] = False
    return open_cells.reshape(shown.shape)


def _margins(counts: Counts) -> list[Places]:
    """The cells of every margin: one or more keys summed up, the others fixed. The smallest margins first."""
    places = np.arange(counts.size).reshape(counts.shape)
    found = []
    for many in range(1, counts.ndim + 1):
        for summed in combinations(range(counts.ndim), many):
            fixed: list[Any] = [
                [slice(None)] if axis in summed else range(size) for axis, size in enumerate(counts.shape)
            ]
            found += [places[where].reshape(-1) for where in product(*fixed)]
    return found


def _exposed(counts: Counts, hidden: Places, guarded: Marks, margins: list[Places], least: int) -> list[int]:
    """The guarded cells that can be found out."""
    found: set[int] = set()
    rows = []
    for margin in margins:
        inside = np.isin(hidden, margin)
        if not inside.any():
            continue
        rows.append(inside)
        if counts[hidden[inside]].sum() < least:
            found |= {int(cell) for cell in hidden[inside] if guarded[cell]}
    if rows:
        _, sizes, basis = np.linalg.svd(np.array(rows, dtype=float), full_matrices=True)
        free = basis[int((sizes > ZERO).sum()) :]  # combinations of cells that no margin tells of
        fixed = np.abs(free).max(axis=0, initial=0.0) < ZERO**0.5
        found |= {int(cell) for cell in hidden[fixed] if guarded[cell]}
    return sorted(found)
