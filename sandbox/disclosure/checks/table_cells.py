"""Reads the counts that a table holds, each under its labels.
Wide and long tables are read alike, so that totals can be told from parts."""

from dataclasses import dataclass
from fractions import Fraction

from sandbox.disclosure.checks.column_roles import Roles, folded, is_total
from sandbox.disclosure.checks.numbers import is_suppressed

TOTAL = "\x00total"
"""The label of a margin. No file holds it: control characters are refused."""
ACROSS = "\x00across"
"""The dimension that a wide table's header stands for."""


@dataclass(frozen=True)
class Cell:
    """A count: `labels` by dimension, None for what was suppressed."""

    labels: tuple[tuple[str, str], ...]
    value: Fraction | None
    where: str


def cells_of(roles: Roles) -> list[Cell]:
    """Every cell of the counts' columns. A row without labels counts as the total of all."""
    parts = [place for place in roles.counts if not is_total(roles.grid.header[place])]
    wide = len(parts) > 1
    found = []
    labels = roles.labels
    names = [folded(roles.grid.header[place]) or f"column {place + 1}" for place in labels]
    for row, cells in enumerate(roles.grid.rows):
        under = tuple(
            (name, TOTAL if is_total(cells[place]) or not cells[place].strip() else folded(cells[place]))
            for name, place in zip(names, labels, strict=True)
        )
        for place in roles.counts:
            value = roles.numbers[place][row]
            if value is None and not is_suppressed(cells[place]):
                continue
            header = roles.grid.header[place]
            across = ((ACROSS, TOTAL if is_total(header) else folded(header)),) if wide else ()
            found.append(Cell((*under, *across), value, roles.grid.cell(row, place)))
    return found


@dataclass(frozen=True)
class Sum:
    """One equation: the cells at `parts` add up to the cell at `whole`."""

    whole: int
    parts: tuple[int, ...]


def sums_of(cells: list[Cell]) -> list[Sum]:
    """A cell with a total in one dimension is the sum of the cells that differ from it only there."""
    groups: dict[tuple[int, tuple[tuple[str, str], ...]], list[int]] = {}
    for place, cell in enumerate(cells):
        for dimension, (_name, label) in enumerate(cell.labels):
            if label != TOTAL:
                rest = cell.labels[:dimension] + cell.labels[dimension + 1 :]
                groups.setdefault((dimension, rest), []).append(place)
    found = []
    for place, cell in enumerate(cells):
        for dimension, (_name, label) in enumerate(cell.labels):
            if label == TOTAL:
                parts = groups.get((dimension, cell.labels[:dimension] + cell.labels[dimension + 1 :]), [])
                if len(parts) > 1:
                    found.append(Sum(place, tuple(parts)))
    return found
