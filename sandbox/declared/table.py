"""Defines a computed declared table: its keys and their values, its measures, the units behind each number,
and what is shown."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix, vstack

from sandbox.declared.contributions import Behind, Shown


@dataclass(frozen=True)
class Key:
    name: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Numbers:
    """Some numbers of a table: a row each over the table's units, and how each is called."""

    rows: csr_matrix
    names: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    keys: tuple[Key, ...]
    measures: tuple[str, ...]
    behind: Behind
    shown: Shown

    def told(self) -> Numbers:
        """The numbers that it shows."""
        rows, names = [], []
        for measure in range(self.behind.measures):
            cells = np.flatnonzero(self.shown[:, measure])
            rows.append(self.behind.by_cell(measure)[cells])
            names += [self.name(measure, self.fixed(int(cell))) for cell in cells]
        return self._numbers(rows, names)

    def totals(self, *, hidden: bool, least: int) -> Numbers:
        """Its margins with at least this number of units: those over cells of which one is `hidden` (they
        are shown nowhere here, and may be known all the same), or those that follow from what is shown."""
        rows, names = [], []
        margins = list(self.behind.margins())
        for measure in range(self.behind.measures):
            by_cell = self.behind.by_cell(measure)
            for margin in margins:
                if bool(self.shown[margin.cells, measure].all()) is hidden or (
                    not hidden and self.behind.once[measure]
                ):
                    continue
                row = self.behind.of_margin(by_cell, margin, measure)
                if row.nnz >= least:
                    rows.append(row)
                    names.append(self.name(measure, margin.fixed))
        return self._numbers(rows, names)

    def fixed(self, cell: int) -> tuple[tuple[int, int], ...]:
        places = np.unravel_index(cell, self.behind.shape) if self.behind.shape else ()
        return tuple((key, int(place)) for key, place in enumerate(places))

    def name(self, measure: int, fixed: tuple[tuple[int, int], ...]) -> str:
        """Such as `n (district = north, year = 2)`."""
        said = ", ".join(f"{self.keys[key].name} = {self.keys[key].values[place]}" for key, place in fixed)
        return self.measures[measure] + (f" ({said})" if said else "")

    def _numbers(self, rows: list[csr_matrix], names: list[str]) -> Numbers:
        empty = csr_matrix((0, len(self.behind.units)), dtype=np.int64)
        return Numbers(vstack([empty, *rows]).tocsr(), tuple(names))
