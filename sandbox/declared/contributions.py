"""Computes the contributions behind the numbers of a table: for each cell the units, by their digests, and
what each contributes to each number."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from math import prod

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from sandbox.declared.unit_digests import Digests

Whole = npt.NDArray[np.int64]
Shown = npt.NDArray[np.bool_]
"""cells x measures: whether a number is shown."""


@dataclass(frozen=True)
class Behind:
    """`shape`: how many values each key has; cells are numbered with the last key fastest. `unit`, `cell`
    and `brought` (a column for each measure) say, line by line, what a unit contributes to a cell. `once`:
    measures to which a unit contributes one, however many of its rows or cells are put together."""

    shape: tuple[int, ...]
    once: tuple[bool, ...]
    units: Digests  # sorted, each once
    unit: Whole  # places in `units`
    cell: Whole
    brought: Whole

    @property
    def cells(self) -> int:
        return prod(self.shape)

    @property
    def measures(self) -> int:
        return len(self.once)

    def by_cell(self, measure: int) -> csr_matrix:
        """cells x units."""
        made = csr_matrix(
            (self.brought[:, measure], (self.cell, self.unit)),
            shape=(self.cells, len(self.units)),
            dtype=np.int64,
        )
        made.eliminate_zeros()
        return made

    def units_behind(self) -> Whole:
        """cells x measures: the units behind each number."""
        return np.stack([np.diff(self.by_cell(measure).indptr) for measure in range(self.measures)], axis=1)

    def counts(self) -> Whole:
        """cells x measures: the exact numbers."""
        made = np.zeros((self.cells, self.measures), dtype=np.int64)
        np.add.at(made, self.cell, self.brought)
        return made

    def margins(self) -> Iterator["Margin"]:
        """Every union of cells over some of the keys: of all of them the grand total."""
        coordinates = np.unravel_index(np.arange(self.cells), self.shape) if self.shape else ()
        for kept in range(len(self.shape)):
            for keys in combinations(range(len(self.shape)), kept):
                sizes = [self.shape[key] for key in keys]
                groups = (
                    np.ravel_multi_index([coordinates[key] for key in keys], sizes)
                    if keys
                    else np.zeros(self.cells, dtype=np.int64)
                )
                for group in range(prod(sizes)):
                    values = [int(place) for place in np.unravel_index(group, sizes)] if keys else []
                    yield Margin(tuple(zip(keys, values, strict=True)), np.flatnonzero(groups == group))

    def of_margin(self, by_cell: csr_matrix, margin: "Margin", measure: int) -> csr_matrix:
        """One row: what each column of `by_cell` contributes to all of the margin's cells together."""
        chosen = csr_matrix(
            (np.ones(len(margin.cells), np.int64), (np.zeros(len(margin.cells), np.int64), margin.cells)),
            shape=(1, self.cells),
        )
        together = (chosen @ by_cell).tocsr()
        if self.once[measure]:
            together.data = np.minimum(together.data, 1)
        return together

    def to_bytes(self) -> bytes:
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer,
            shape=np.array(self.shape, np.int64),
            once=np.array(self.once),
            units=self.units,
            unit=self.unit.astype(np.uint32),
            cell=self.cell.astype(np.uint32),
            brought=self.brought.astype(np.uint32),
        )
        return buffer.getvalue()

    @staticmethod
    def from_bytes(content: bytes) -> "Behind":
        with np.load(io.BytesIO(content), allow_pickle=False) as said:
            return Behind(
                tuple(said["shape"].tolist()),
                tuple(said["once"].tolist()),
                said["units"],
                said["unit"].astype(np.int64),
                said["cell"].astype(np.int64),
                said["brought"].astype(np.int64),
            )


@dataclass(frozen=True)
class Margin:
    """`fixed`: the keys that it is not over, each with the place of its value."""

    fixed: tuple[tuple[int, int], ...]
    cells: npt.NDArray[np.intp]
