"""Finds pairs of numbers that differ by a few units: each new number beside each known one, by what every
equivalence class contributes to both."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

ROWS_AT_ONCE = 200


def close_pairs(
    new: csr_matrix, every: csr_matrix, sizes: npt.NDArray[np.int64], least: int, *, most: int
) -> list[tuple[int, int, int]]:
    """(row of `new`, row of `every`, units that bring something else to one than to the other),
    where these are 1 to `least` - 1: at most so many, the fewest units first. The last rows of
    `every` are those of `new`."""
    own = every.shape[0] - new.shape[0]
    found = [
        (mine, other, units)
        for mine, other, units in _differences(new, every, sizes, least)
        if other < own + mine
    ]
    return sorted(found, key=lambda pair: (pair[2], pair[1] >= own))[:most]


def _differences(
    new: csr_matrix, every: csr_matrix, sizes: npt.NDArray[np.int64], least: int
) -> Iterator[tuple[int, int, int]]:
    there, same = _there(every), _by_value(every)
    units = there @ sizes
    weighted, weighted_same = (
        there.multiply(sizes).tocsr(),
        same.multiply(np.tile(sizes, same.shape[1] // len(sizes))).tocsr(),
    )
    first = every.shape[0] - new.shape[0]
    for start in range(first, every.shape[0], ROWS_AT_ONCE):
        some = slice(start, start + ROWS_AT_ONCE)
        both = (weighted[some] @ there.T).toarray()
        alike = (weighted_same[some] @ same.T).toarray()
        apart = units[some][:, None] + units[None, :] - both - alike
        for mine, other in zip(*np.nonzero((apart > 0) & (apart < least)), strict=True):
            yield start - first + int(mine), int(other), int(apart[mine, other])


def _there(numbers: csr_matrix) -> csr_matrix:
    return csr_matrix(
        (np.ones(numbers.nnz, dtype=np.int64), numbers.indices, numbers.indptr), shape=numbers.shape
    )


def _by_value(numbers: csr_matrix) -> csr_matrix:
    """A column for each equivalence class and each contribution that it can make."""
    values, place = np.unique(numbers.data, return_inverse=True)
    columns = numbers.indices.astype(np.int64) + place.reshape(-1) * numbers.shape[1]
    return csr_matrix(
        (np.ones(numbers.nnz, dtype=np.int64), columns, numbers.indptr),
        shape=(numbers.shape[0], max(1, len(values)) * numbers.shape[1]),
    )
