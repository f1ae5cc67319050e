"""Chooses further cells to suppress, so that a suppressed count does not follow from its neighbours and a
margin that is known from elsewhere.

The hypercube method: each suppressed cell is made a corner of a cuboid of suppressed cells, so each line
through it has another one (Giessing and Repsilber, "Tools and Strategies to Protect Multiple Tables with the
GHQUAR Cell Suppression Engine", 2002). Of the cuboids that are possible, the one with the fewest units more.
"""

from itertools import product

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.int64]
Shown = npt.NDArray[np.bool_]


def protected(counts: Counts, shown: Shown) -> Shown:
    """`counts` has a dimension for each key; `shown` says which cells are. Returns fewer."""
    shown = shown.copy()
    if shown.all() or counts.size == 1:
        return shown
    for cell in map(tuple, np.argwhere(~shown)):
        corners = _cheapest(counts, shown, cell)
        if corners is None:  # no cuboid hides it: then nothing of the table may be shown
            return np.zeros_like(shown)
        for corner in corners:
            shown[corner] = False
    return shown


def _cheapest(counts: Counts, shown: Shown, cell: tuple[int, ...]) -> list[tuple[int, ...]] | None:
    """The corners of the cuboid with the fewest units in cells that are shown still.
    A corner that nobody is in protects nothing, unless it is suppressed already."""
    axes = [axis for axis, size in enumerate(counts.shape) if size > 1]
    best: tuple[float, list[tuple[int, ...]]] | None = None
    for other in product(
        *(
            [place for place in range(size) if place != cell[axis]] if axis in axes else [cell[axis]]
            for axis, size in enumerate(counts.shape)
        )
    ):
        corners = [
            tuple(other[axis] if axis in axes and bit else cell[axis] for axis, bit in enumerate(bits))
            for bits in product((0, 1), repeat=len(cell))
        ]
        corners = list(dict.fromkeys(corners))
        if any(shown[corner] and counts[corner] == 0 for corner in corners):
            continue
        cost = float(sum(counts[corner] for corner in corners if shown[corner]))
        if best is None or cost < best[0]:
            best = cost, corners
    return best[1] if best else None
