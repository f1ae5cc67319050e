"""Searches whether known numbers disclose a sum over few units.
Every number is a sum over units of what each contributes, and so is every combination.

A combination discloses exactly those units for which it does not cancel out. So the question is whether a
combination of the known numbers cancels out for all but a few units, fewer than the least number that may be
disclosed. It must cancel out on every equivalence class (equivalence_classes.py) that has as many units by
itself: that leaves a system of equations. Often it has no solution. Then nothing is disclosed, by any
combination of any numbers. Where it has solutions, the search looks for the one with the fewest units, by
branching: on a class the combination cancels out, or it does not. Where there are many classes, it first
draws units at random on which the combination is to cancel out, and repeats this until an existing solution
would have been missed with a chance below 2**-30 (Prange, "The use of information sets in decoding cyclic
codes", 1962).

The exact statement, and that this finds the same: tests/declared/test_small_unit_search.py.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, log, log1p

import numpy as np
import numpy.typing as npt
from scipy.sparse import csc_matrix, csr_matrix

from sandbox.declared.equivalence_classes import Atoms
from sandbox.declared.modular_linear_algebra import Residues, drawn_prime, echelon, null_space, product

MOST_NUMBERS, MOST_LISTED = 800, 2000
"""So many numbers are combined at most, those left out that no combination can use or that follow from
others; and so many are looked at for that, equal ones once."""
MOST_TOLD = 30_000_000  # combinations x small classes
EXACTLY = 8
"""So many independent combinations are searched by branching alone."""
MOST_BRANCHES = 3000
MOST_LEFT = 30
MISSED = 2.0**-30
GOOD_CHANCE = 0.2
ALMOST = 1 - 1e-12
LEAST_CHANCE = 0.004  # that units are drawn on which the looked-for combination cancels out
MOST_STEPS = 2_000_000_000
EXTRA_EQUATIONS = 40
"""Where there are far more equations than unknowns, random sums of them stand for all:
so many more than unknowns."""

Sizes = npt.NDArray[np.int64]
Columns = npt.NDArray[np.intp]
Marks = npt.NDArray[np.bool_]


class TooMany(Exception):  # this is no error: nothing can be concluded
    """There are more numbers, or more ways to combine them, than can be tried."""


@dataclass(frozen=True)
class Few:
    """What gives so few units away: the combined numbers, by their rows."""

    numbers: tuple[int, ...]
    units: int


def few_behind(atoms: Atoms, least: int, already: int = 0) -> Few | None:
    """A combination of the numbers that discloses 1 to `least` - 1 units. None if there is none.

    What the first `already` numbers disclose by themselves does not count. Raises `TooMany`.
    """
    large, small = np.flatnonzero(atoms.sizes >= least), np.flatnonzero(atoms.sizes < least)
    kept = _usable(atoms.numbers[:, large].tocsr())
    if not atoms.numbers[kept][:, small].nnz:
        return None
    # old ones first: a new number that equals one of them, or follows from them, discloses nothing new
    kept = kept[_once(atoms.numbers[kept].tocsr())]
    if len(kept) > MOST_LISTED:
        raise TooMany
    prime = drawn_prime()
    kept = kept[echelon(_equations(atoms.numbers[kept], prime), prime)[1]]
    if len(kept) > MOST_NUMBERS:
        raise TooMany
    numbers, new = atoms.numbers[kept], kept >= already
    combinations = null_space(_equations(numbers[:, large], prime), prime)
    if not combinations[:, new].any():
        return None
    search, of_small = _Search(least, prime, new), numbers[:, small].tocsc()
    found = search.among(combinations, of_small, atoms.sizes[small])
    if found is None:
        return None
    found = found[: len(kept)]
    whole = _told(found[None, :], numbers, prime)[0]
    return Few(tuple(int(row) for row in kept[found != 0]), int(atoms.sizes[whole != 0].sum()))


def _usable(of_large: csr_matrix) -> npt.NDArray[np.intp]:
    """The numbers that a combination can use. A number that alone has some large class is left out,
    and so on without it."""
    there = (of_large != 0).astype(np.int64)
    kept = np.ones(of_large.shape[0], dtype=np.bool_)
    while True:
        alone = there.T @ kept.astype(np.int64) == 1
        useless = kept & (there @ alone.astype(np.int64) > 0)
        if not useless.any():
            return np.flatnonzero(kept)
        kept &= ~useless


def _once(numbers: csr_matrix) -> list[int]:
    """The first of each that are equal."""
    numbers.sum_duplicates()
    first: dict[tuple[bytes, bytes], int] = {}
    for place, (start, end) in enumerate(zip(numbers.indptr[:-1], numbers.indptr[1:], strict=True)):
        first.setdefault((numbers.indices[start:end].tobytes(), numbers.data[start:end].tobytes()), place)
    return list(first.values())


def _equations(numbers: csr_matrix, prime: int) -> Residues:
    """One equation for each class: the numbers' contributions together must be zero there."""
    unknowns = numbers.shape[0]
    if numbers.shape[1] <= unknowns + EXTRA_EQUATIONS:
        return np.asarray(numbers.T.todense(), dtype=np.int64) % prime
    draw = np.random.default_rng()
    mixed = np.zeros((unknowns + EXTRA_EQUATIONS, unknowns), dtype=np.int64)
    for start in range(0, numbers.shape[1], 1000):
        some = numbers[:, start : start + 1000].tocsr()
        factors = draw.integers(0, 2**20, size=(len(mixed), some.shape[1]), dtype=np.int64)
        mixed = (mixed + (some @ factors.T).T) % prime
    return mixed


def _told(combinations: Residues, numbers: csr_matrix, prime: int) -> Residues:
    """What each combination discloses about each class."""
    told = np.zeros((len(combinations), numbers.shape[1]), dtype=np.int64)
    for place in range(numbers.shape[0]):
        row = numbers[place]
        told[:, row.indices] = (told[:, row.indices] + combinations[:, place][:, None] * row.data) % prime
    return told


def first_limit(combinations: int) -> int:
    """So many units are drawn for so many combinations:
    some more than are needed where each is another equation."""
    return combinations + 2 + min(38, combinations // 4)


class _Search:
    """For a combination that discloses few units, with a number that is `new`."""

    def __init__(self, least: int, prime: int, new: Marks) -> None:
        self.least = least
        self.prime = prime
        self.new = new
        self.branches = 0

    def among(self, made: Residues, atoms: csc_matrix, sizes: Sizes) -> Residues | None:
        """A combination in the span of `made` (independent combinations of the numbers of `atoms`).
        Where there are many units beside the combinations, it is enough to draw some."""
        if len(made) > 1 and self._chance(first_limit(len(made)), sizes) > GOOD_CHANCE:
            return self._drawn(
                made, sizes, lambda some, columns: _told(some, atoms[:, columns].tocsr(), self.prime)
            )
        if len(made) * len(sizes) > MOST_TOLD:
            raise TooMany
        return self.fewest(
            _told(made, atoms.tocsr(), self.prime), made, sizes, np.zeros(len(sizes), dtype=np.bool_)
        )

    def fewest(self, told: Residues, made: Residues, sizes: Sizes, must: Marks) -> Residues | None:
        """A combination in the span of `made` (independent combinations).
        The columns of `told` are classes, or several that cancel out together. On those that `must`,
        nothing cancels out."""
        self.branches += 1
        if self.branches > MOST_BRANCHES:
            raise TooMany
        while True:
            if not self._anew(made).any():
                return None
            told, sizes, must = self._together(told, sizes, must)
            spent = int(sizes[must].sum())
            if spent >= self.least:
                return None
            too_many = np.flatnonzero(~must & (sizes + spent >= self.least))
            if not len(too_many):
                break
            told, made = self._cancelled(told, made, int(too_many[0]))
        for row in np.flatnonzero(self._anew(made)):
            if sizes[told[row] != 0].sum() < self.least:
                return np.asarray(made[row])
        few = self._chance(first_limit(len(made)), sizes) > GOOD_CHANCE and not must.any()
        if len(made) > 1 and (few or len(made) > EXACTLY):
            return self._drawn(
                np.hstack([made, told]), sizes, lambda some, columns: some[:, made.shape[1] :][:, columns]
            )
        return self._branched(told, made, sizes, must)

    def _anew(self, made: Residues) -> Marks:
        """Which of these use a number that is new. Behind its numbers a row may carry more."""
        return np.asarray(made[:, : len(self.new)][:, self.new].any(axis=1))

    def _branched(self, told: Residues, made: Residues, sizes: Sizes, must: Marks) -> Residues | None:
        open_ones = np.flatnonzero(~must)
        if not len(open_ones):
            return None
        chosen = int(open_ones[np.argmax(sizes[open_ones])])
        found = self.fewest(*self._cancelled(told, made, chosen), sizes, must)
        if found is None:
            must = must.copy()
            must[chosen] = True
            found = self.fewest(told, made, sizes, must)
        return found

    def _chance(self, draws: int, sizes: Sizes) -> float:
        """That so many drawn units, each from all, miss a combination's few."""
        return min(max(0.0, 1.0 - (self.least - 1) / int(sizes.sum())) ** draws, ALMOST)

    def _drawn(
        self, made: Residues, sizes: Sizes, told: Callable[[Residues, Columns], Residues]
    ) -> Residues | None:
        """Draw units on which a combination is to cancel out, until hardly any combination is left,
        look at what is left, and repeat. `told(combinations, columns)` is what they disclose
        about these classes.

        A combination about few units is left, and found, if none of at most `limit` draws is of its units.
        Where the limit is not enough once, all begins anew with a higher limit: what ends early must not
        count for more.
        """
        limit, steps = first_limit(len(made)), len(made) ** 3
        while True:
            chance = self._chance(limit, sizes)
            if chance < LEAST_CHANCE or log(MISSED) / log1p(-chance) * steps > MOST_STEPS:
                raise TooMany
            for _ in range(ceil(log(MISSED) / log1p(-chance))):
                left = self._left(made, sizes, told, limit)
                if left is None:
                    break
                self.branches = 0
                found = self.fewest(left[0], left[1], sizes, np.zeros(len(sizes), dtype=np.bool_))
                if found is not None:
                    return found
            else:
                return None
            limit += 2 + limit // 4

    def _left(
        self, made: Residues, sizes: Sizes, told: Callable[[Residues, Columns], Residues], limit: int
    ) -> tuple[Residues, Residues] | None:
        """Those that cancel out on drawn units, once they are none, one, or all of a few units;
        None if `limit` draws do not get there."""
        up_to = np.cumsum(sizes)
        drawn = np.searchsorted(up_to, np.random.default_rng().integers(0, up_to[-1], limit), side="right")
        for draws in sorted({min(len(made) + 2, limit), limit}):
            rest = null_space(told(made, np.unique(drawn[:draws])).T, self.prime)
            if len(rest) > MOST_LEFT:
                continue
            left = product(rest, made, self.prime)
            of_left = told(left, np.arange(len(sizes))) if len(left) else np.zeros((0, len(sizes)), np.int64)
            if len(left) <= 1 or of_left.any(axis=0).sum() <= len(left) * self.least:
                return of_left, left
        return None

    def _together(self, told: Residues, sizes: Sizes, must: Marks) -> tuple[Residues, Sizes, Marks]:
        """Columns that are multiples of each other are one:
        a combination cancels out on all of them or on none."""
        there = told.any(axis=0)
        told, sizes, must = told[:, there], sizes[there], must[there]
        first = told[np.argmax(told != 0, axis=0), np.arange(told.shape[1])]
        inverse = np.array([pow(int(value), -1, self.prime) for value in first], dtype=np.int64)
        alike = np.ascontiguousarray((told * inverse % self.prime).T)
        rows = alike.view(np.dtype((np.void, alike.dtype.itemsize * alike.shape[1]))).reshape(-1)
        _, where, place = np.unique(rows, return_index=True, return_inverse=True)
        together = np.bincount(place, weights=sizes, minlength=len(where)).astype(np.int64)
        return alike[where].T.copy(), together, np.bincount(place, weights=must, minlength=len(where)) > 0

    def _cancelled(self, told: Residues, made: Residues, column: int) -> tuple[Residues, Residues]:
        """Those combinations that cancel out there."""
        rows = np.flatnonzero(told[:, column])
        pivot, others = rows[0], rows[1:]
        factors = told[others, column] * pow(int(told[pivot, column]), -1, self.prime) % self.prime
        left = []
        for matrix in (told, made):
            changed = matrix.copy()
            changed[others] = (changed[others] - factors[:, None] * matrix[pivot]) % self.prime
            left.append(np.delete(changed, pivot, axis=0))
        return left[0], left[1]
