"""Computes the leverages of each unit on everything that is known of one column together.

A mean, a sum, or a coefficient of a regression is a weighted sum of a column's values: the weights are the
rows of a group, or the columns of the design. What all outputs together say of the column are the projections
of its values on the space that all their weights span. Of values that have nothing to do with each other, the
diagonal of that projection is the share of a row's variance that the outputs tell (its leverage: Belsley, Kuh
and Welsch, "Regression Diagnostics", 1980): 1 for a row whose own value follows from them, 1/n for a row of a
group of n.

A unit has several rows, and each combination of them is a value of that unit: its mean, the difference of two
months. The share that the outputs tell of a combination v is v'Av, where A is the unit's block of the
projection. So the eigenvalues of A are the leverages of the unit on its own combinations: the first is that
of the combination of which most is told, and 1 where one follows. The sum over its rows (the trace) is of no
combination: 24 means, one a month, of 40 people tell a fortieth of each person's month and of each
combination of months, and the trace is 24 fortieths.
"""

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

MOST_COLUMNS = 1000
"""Different ones: a column that is a multiple of another counts once."""
MOST_WORK = 20_000_000_000
"""Multiplications: some seconds. What would take more is not computed."""
CHUNK = 50_000
WELL_APART = 1e-6
"""Of the largest eigenvalue. Those below are computed anew from what is left of the columns without the
directions above, so that no size of a column hides a direction."""
NOTHING = 1e-11
"""Of a column's length: what is left of a combination of the others. Doubles hold no more of it."""
DIGITS = 12
DENSE = 0.2
"""From this part of entries on, a product of dense parts is faster."""
MOST_ALIKE = 1e6
"""Units that have the same value in all of their rows: it is one value."""
MOST_HALVINGS = 10
"""A thousandth is left: outputs have four digits at most."""
NOBODY = -1
LAST_DIGITS = 1e-12
TREND = 10
"""A trend that people share, as of age, leaves of each person's rows what is not of the trend. Of chance
alone, ten times that is above all of it."""
JUST = 1e-9
"""Beside one half: the last digits of a double decide nothing."""
Matrix = NDArray[np.float64]


class TooMuch(Exception):
    """There are too many weights to look at them together."""


@dataclass(frozen=True)
class Deadline:
    """Seconds of `time.thread_time` and of `time.monotonic`: other work of the machine takes none of the
    first."""

    computing: float = math.inf
    waiting: float = math.inf

    @property
    def passed(self) -> bool:
        return time.thread_time() >= self.computing or time.monotonic() >= self.waiting


NEVER = Deadline()


def joint_leverages(
    weights: Sequence[sparse.csr_matrix],
    units: NDArray[Any],
    alike: float = 0.0,
    above: float = 0.0,
    until: Deadline = NEVER,
    groups: NDArray[Any] | None = None,
) -> dict[int, Matrix]:
    """By the unit (codes from 0, one a row): its leverages over all these weights, the largest first. Those
    of at most `above` are left out, and so are units that have no other. Each matrix has a row for each row
    of the data and a column for each weighted sum. Raises `TooMuch`, also when `until` has
    passed.

    `alike`: how many times the variance within a unit the variance between units is. A value is then its
    unit's own level and what the row adds to it, and the level is one more unknown, whose weights are the
    sums over the unit's rows. With 0 rows are as different as people. `groups`: by the row, which of a unit's
    levels it has, where weights are on several columns one below the other; the unit's only one if None."""
    together = distinct_columns(weights, len(units))
    if together.shape[1] == 0:
        return {}
    if alike > 0:
        groups = units if groups is None else groups
        members = sparse.csr_matrix((np.ones(len(units)), (groups, np.arange(len(units)))))
        together = sparse.vstack([together, np.sqrt(alike) * (members @ together)]).tocsr()
        units = np.concatenate([units, _units_of(groups, units)])
    return _leverages(together, units, above, until)


def level_leverages(
    weights: Sequence[sparse.csr_matrix],
    units: NDArray[Any],
    noise: Matrix,
    above: float = 0.0,
    until: Deadline = NEVER,
    groups: NDArray[Any] | None = None,
) -> dict[int, Matrix]:
    """As `joint_leverages`, of each unit's own level alone, where what rows add to it differs by the unit:
    `noise` is its variance for each unit, as a part of the variance between units (`row_noise`). Rows of a
    unit that are the same hide no level, though those of others differ. Raises `TooMuch`."""
    together = distinct_columns(weights, len(units))
    if together.shape[1] == 0:
        return {}
    rows = sparse.diags(np.sqrt(noise)[units]) @ together
    groups = units if groups is None else groups
    of_levels = _units_of(groups, units)
    levels = _sums_over_units(together, groups, len(of_levels))
    both = distinct_columns([sparse.vstack([rows, levels]).tocsr()], len(units) + len(of_levels))
    of = np.concatenate([np.full(len(units), NOBODY), of_levels])
    return _leverages(both, of, above, until) if both.shape[1] else {}


def _units_of(groups: NDArray[Any], units: NDArray[Any]) -> NDArray[np.int64]:
    found = np.zeros(int(groups.max(initial=-1)) + 1, np.int64)
    found[groups] = units
    return found


def _sums_over_units(columns: sparse.csr_matrix, units: NDArray[Any], many: int) -> sparse.csr_matrix:
    """The large ones first, so that they cancel before the small ones are added. A sum that is nothing beside
    the smallest weight of the unit is what the last digits of doubles leave."""
    entries = columns.tocoo()
    data, places = entries.data, units[entries.row].astype(np.int64) * columns.shape[1] + entries.col
    there = data != 0
    data, places = data[there], places[there]
    order = np.lexsort((data, -np.abs(data), places))
    data, places = data[order], places[order]
    starts = np.flatnonzero(np.r_[True, places[1:] != places[:-1]])
    sums = np.add.reduceat(data, starts)
    smallest = np.abs(data[np.r_[starts[1:], len(data)] - 1])
    sums[np.abs(sums) < LAST_DIGITS * smallest] = 0
    at = places[starts]
    made = sparse.csr_matrix(
        (sums, (at // columns.shape[1], at % columns.shape[1])), shape=(many, columns.shape[1])
    )
    made.eliminate_zeros()
    return made


def _leverages(
    together: sparse.csr_matrix, units: NDArray[Any], above: float, until: Deadline
) -> dict[int, Matrix]:
    """Rows of `NOBODY` are in the projection, and in nobody's block. Raises `TooMuch`."""
    merged, of, copies = _without_equal_rows(together)
    _require_work(merged, merged.shape[1], until)
    basis = _basis(merged, until)
    squares = np.concatenate([((part @ basis) ** 2).sum(axis=1) for part in _parts(merged)]) / copies
    # no eigenvalue is above their sum, and all sums together are the number of weights: few units are left
    codes = units + 1
    traces = np.bincount(codes, weights=squares[of])
    order = np.argsort(codes, kind="stable")
    ends = np.cumsum(np.bincount(codes))
    blocks = _Blocks(merged, basis, copies, until)
    found: dict[int, Matrix] = {}
    for code in np.flatnonzero(traces > above).tolist():
        if code == NOBODY + 1:
            continue
        leverages = blocks.leverages(of[order[ends[code - 1] if code else 0 : ends[code]]])
        if (leverages > above).any():
            found[code - 1] = leverages[leverages > above]
    return found


class _Blocks:
    """Units' blocks of the projection. Many units of a panel have the same rows: they are computed once."""

    def __init__(self, merged: sparse.csr_matrix, basis: Matrix, copies: Matrix, until: Deadline) -> None:
        self._merged, self._basis, self._copies = merged, basis, copies
        self._work, self._until = 0, until
        self._kept: dict[tuple[bytes, bytes], Matrix] = {}

    def leverages(self, rows: NDArray[np.int64]) -> Matrix:
        """The eigenvalues of the block of these rows, the largest first; an equal row counts each time.
        Raises `TooMuch`."""
        which, times = np.unique(rows, return_counts=True)
        key = which.tobytes(), times.tobytes()
        if key not in self._kept:
            small = min(len(which), self._basis.shape[1])
            self._work += small * len(which) * self._basis.shape[1]
            if self._work > MOST_WORK or self._until.passed:
                raise TooMuch
            block = np.asarray(self._merged[which] @ self._basis)
            block *= np.sqrt(times / self._copies[which])[:, None]
            products = block @ block.T if len(which) == small else block.T @ block
            self._kept[key] = np.linalg.eigvalsh(products)[::-1]
        return self._kept[key]


def variance_ratio(values: Matrix, units: NDArray[Any]) -> float:
    """How many times the variance within a unit the variance between units is, at most `MOST_ALIKE`; 0 if no
    unit has several rows (analysis of variance: Searle, Casella and McCulloch, "Variance Components", 1992,
    3.6). What is no finite number does not count."""
    there = np.isfinite(values)
    values, units = values[there], units[there]
    counts = np.bincount(units)
    counts = counts[counts > 0]
    many, rows = len(counts), len(values)
    if many < 2 or rows == many:
        return 0.0
    values = values / max(float(np.abs(values).max()), 1e-300)
    values = values - values.mean()
    sums = np.bincount(units, weights=values)[np.bincount(units) > 0]
    between = float((sums**2 / counts).sum())
    within = max(float((values**2).sum()) - between, 0.0) / (rows - many)
    usual = (rows - float((counts**2).sum()) / rows) / (many - 1)
    more = (between / (many - 1) - within) / usual
    return float(np.clip(more / max(within, more / MOST_ALIKE, 1e-300), 0, MOST_ALIKE))


def row_noise(values: Matrix, units: NDArray[Any]) -> Matrix:
    """By the unit: the variance of what its rows add to its level, as a part of the variance between units.
    It is at most that of all units, so that a few whose rows differ hide no others, and no more than is left
    of it without a trend that all share (`TREND`). 0 where a unit has one row; infinity if units do not
    differ."""
    many = int(units.max(initial=-1)) + 1
    there = np.isfinite(values)
    ratio = variance_ratio(values, units)
    if ratio <= 0:
        return np.full(many, np.inf)
    values, units = values[there], units[there]
    values = values / max(float(np.abs(values).max()), 1e-300)
    values = values - values.mean()
    counts = np.bincount(units, minlength=many)
    levels = np.bincount(units, weights=values, minlength=many) / np.maximum(counts, 1)
    free = np.maximum(counts - 1, 1)
    added = values - levels[units]
    own = np.bincount(units, weights=added**2, minlength=many) / free
    apart = np.bincount(units, weights=_without_trend(added, units, counts) ** 2, minlength=many) / free
    pooled = float((added**2).sum()) / max(len(values) - int((counts > 0).sum()), 1)
    between = max(ratio * pooled, 1e-300)
    noise = np.minimum(np.minimum(own, TREND**2 * apart), pooled) / between
    noise[noise < LAST_DIGITS] = 0
    return noise


def _without_trend(added: Matrix, units: NDArray[Any], counts: NDArray[np.int64]) -> Matrix:
    """Less the median of rows at the same place, in the order of their values, of units of as many rows."""
    order = np.lexsort((added, units))
    firsts = np.cumsum(counts) - counts
    place = np.empty(len(added), np.int64)
    place[order] = np.arange(len(added)) - firsts[units[order]]
    alike = counts[units] * (int(counts.max(initial=0)) + 1) + place
    by_place = np.lexsort((added, alike))
    _, starts, which, many = np.unique(
        alike[by_place], return_index=True, return_inverse=True, return_counts=True
    )
    medians = added[by_place][starts + many // 2]
    left = np.empty(len(added))
    left[by_place] = added[by_place] - medians[which.reshape(-1)]
    return left


def tells_more(after: Matrix, before: Matrix) -> bool:
    """Whether of any of a unit's combinations the half, or the half of what was not told yet, is told now
    and was not before. Both are its leverages, the largest first: more weights make none smaller (Weyl).

    A unit of which much was told is looked at again: the first half of what is unknown, the second, and so
    on to the last digit that an output has, and each for one combination more."""
    earlier = np.zeros(len(after))
    earlier[: len(before)] = before[: len(after)]
    return bool((_halvings(after) > _halvings(earlier)).any())


def _halvings(leverages: Matrix) -> Matrix:
    """How often what is unknown has been halved. Just one half, as of a group of two, is not above it."""
    left = np.clip(1 - leverages + JUST, 2.0**-MOST_HALVINGS, 1)
    return np.floor(-np.log2(left))


def distinct_columns(weights: Sequence[sparse.csr_matrix], rows: int) -> sparse.csr_matrix:
    """All columns at length 1, without those that are 0 or a multiple of an earlier one. Raises `TooMuch` if
    a weight is no finite number."""
    if not weights:
        return sparse.csr_matrix((rows, 0))
    together = sparse.csc_matrix(sparse.hstack(weights), dtype=np.float64, copy=True)
    together.eliminate_zeros()
    together.sort_indices()
    found: dict[tuple[bytes, bytes], tuple[int, float]] = {}
    for place in range(together.shape[1]):
        start, end = together.indptr[place : place + 2]
        if start == end:
            continue
        data = together.data[start:end]
        largest = float(np.abs(data).max())
        if not np.isfinite(largest):
            raise TooMuch
        data /= largest  # in place: one by the length of very small ones is infinite
        norm = float(np.linalg.norm(data)) * (1 if data[0] > 0 else -1)
        key = together.indices[start:end].tobytes(), np.round(data / norm, DIGITS).tobytes()
        found.setdefault(key, (place, norm))
    places = [place for place, _ in found.values()]
    scale = sparse.diags([1 / norm for _, norm in found.values()], shape=(len(places), len(places)))
    return sparse.csr_matrix(together[:, places] @ scale)


def nearest_columns(
    earlier: sparse.csr_matrix, new: sparse.csr_matrix, most: int = MOST_COLUMNS
) -> sparse.csr_matrix:
    """At most so many of the earlier columns (of length 1): those that have most in common with a new one,
    for each new one in turn. Two groups that differ by one unit are nearest of all."""
    if new.shape[1] == 0:
        return earlier[:, :0]
    like = np.abs(np.asarray((earlier.T @ new).todense()))
    in_turn = np.argsort(-like, axis=0, kind="stable").reshape(-1)
    return earlier[:, list(dict.fromkeys(in_turn.tolist()))[: max(most, 0)]]


def _basis(columns: sparse.csr_matrix, until: Deadline) -> Matrix:
    """Combinations of the columns that are orthonormal and span the same.

    The eigenvectors of the products of all columns give those that are well apart. What is left of the
    others is computed from the columns themselves, projected again, and treated in the same way: the
    products of columns alone lose half of the digits. Raises `TooMuch`."""
    basis = np.zeros((columns.shape[1], 0))
    left = np.eye(columns.shape[1])
    products = _products(columns)
    while True:
        sizes, directions = np.linalg.eigh(products)
        if sizes[-1] < NOTHING**2:
            return basis
        apart = sizes > WELL_APART * sizes[-1]
        if not (np.isfinite(sizes).all() and apart.any()):
            raise TooMuch
        basis = np.hstack([basis, left @ (directions[:, apart] / np.sqrt(sizes[apart]))])
        left = left @ directions[:, ~apart]
        if left.shape[1] == 0:
            return basis
        _require_work(columns, left.shape[1], until)
        for _ in range(2):  # twice is enough (Parlett, "The Symmetric Eigenvalue Problem", 1980, 6.9)
            shared = sum((part @ basis).T @ (part @ left) for part in _parts(columns))
            left = left - basis @ shared
        products = np.asarray(sum((part @ left).T @ (part @ left) for part in _parts(columns)))


def _products(columns: sparse.csr_matrix) -> Matrix:
    if columns.nnz < DENSE * columns.shape[0] * columns.shape[1]:
        return np.asarray((columns.T @ columns).todense(), dtype=np.float64)
    dense = (np.asarray(part.todense()) for part in _parts(columns))
    return np.asarray(sum(part.T @ part for part in dense), dtype=np.float64)


def _parts(columns: sparse.csr_matrix) -> Iterator[sparse.csr_matrix]:
    yield from (columns[start : start + CHUNK] for start in range(0, columns.shape[0], CHUNK))


def _without_equal_rows(columns: sparse.csr_matrix) -> tuple[sparse.csr_matrix, NDArray[np.int64], Matrix]:
    """Equal rows as one that is as long as all of them; which it is of each row; how many it stands for. Rows
    are told apart by two random combinations of their entries."""
    mixed = np.random.default_rng(1).normal(size=(columns.shape[1], 2))
    _, first, of, copies = np.unique(
        columns @ mixed, axis=0, return_index=True, return_inverse=True, return_counts=True
    )
    merged = sparse.diags(np.sqrt(copies)) @ columns[first]
    return sparse.csr_matrix(merged), of.reshape(-1), copies.astype(np.float64)


def _require_work(columns: sparse.csr_matrix, wide: int, until: Deadline) -> None:
    """Raises `TooMuch`."""
    if until.passed:
        raise TooMuch
    if columns.shape[1] > MOST_COLUMNS or columns.shape[0] * wide * wide > MOST_WORK:
        raise TooMuch
