"""Groups units that the known numbers never tell apart: units with equal contributions to every number form
one equivalence class."""

import secrets
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix


@dataclass(frozen=True)
class Atoms:
    """`numbers`: a row for each known number, a column for each equivalence class: what each of its units
    contributes. `sizes`: how many units."""

    numbers: csr_matrix
    sizes: npt.NDArray[np.int64]


def atoms_of(numbers: csr_matrix, sizes: npt.NDArray[np.int64] | None = None) -> Atoms:
    """Group the columns (units, or `sizes` of them each) by their contributions to each number (row).
    Units without a contribution are in no class.

    Equal columns are found by a sum of 64 bits with weights drawn for this once: that any two others agree
    has a chance of about one in ten million, for a million of them.
    """
    by_unit = numbers.tocsc()
    by_unit.eliminate_zeros()
    there = np.flatnonzero(np.diff(by_unit.indptr))
    if not len(there):
        return Atoms(csr_matrix((numbers.shape[0], 0), dtype=np.int64), np.zeros(0, dtype=np.int64))
    starts, draw = by_unit.indptr[there], np.random.default_rng(secrets.randbits(128))
    brought = by_unit.data.astype(np.uint64)
    weights = draw.integers(0, 2**64, size=numbers.shape[0], dtype=np.uint64)
    sums = np.add.reduceat(weights[by_unit.indices] * brought, starts)
    _, first, atom = np.unique(sums, return_index=True, return_inverse=True)
    many = np.bincount(atom, weights=None if sizes is None else sizes[there])
    return Atoms(by_unit[:, there[first]].tocsr().astype(np.int64), many.astype(np.int64))
