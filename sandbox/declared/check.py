"""Checks whether a new table, combined with all released tables about the same people, discloses a few units,
and by which numbers of which releases.

Rounded numbers count as known exactly. Two questions are asked: what follows from the numbers that were
released and would be released now, and what would follow if margins over suppressed cells, of any table, were
known from elsewhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix, vstack

from sandbox.declared.close_pairs import close_pairs
from sandbox.declared.equivalence_classes import Atoms, atoms_of
from sandbox.declared.small_unit_search import Few, TooMany, few_behind
from sandbox.declared.table import Numbers
from sandbox.declared.table_store import KeptTable

MOST_LINES = 50_000_000
MOST_OVERLAPS = 5


class How(StrEnum):
    DIFFERENCE = "difference"  # two numbers differ by few units
    COMBINATION = "combination"  # several, added and subtracted, leave few
    SUPPRESSION = "suppression"  # a suppressed number follows if a margin is known from elsewhere
    TOO_MANY = "too_many"  # there is too much to be tried
    OTHER_KEY = "other_key"  # units of a release cannot be compared


@dataclass(frozen=True)
class Number:
    """One of the numbers that give something away: what it is called, and with which release it left (None:
    it is new)."""

    name: str
    release: KeptTable | None


@dataclass(frozen=True)
class Overlap:
    how: How
    units: int
    numbers: tuple[Number, ...]

    @property
    def releases(self) -> list[KeptTable]:
        """Each once, in the order of the numbers."""
        found = [number.release for number in self.numbers if number.release is not None]
        return list({release.run: release for release in found}.values())


def overlaps(one: KeptTable, releases: Sequence[KeptTable], *, least: int) -> list[Overlap]:
    """What the table `one` would disclose about fewer than `least` units. Empty where all is well."""
    if least <= 1:
        return []
    foreign = [release for release in releases if release.key_id != one.key_id]
    if foreign:
        return [Overlap(How.OTHER_KEY, 0, tuple(Number("", release) for release in foreign[:MOST_OVERLAPS]))]
    if sum(len(kept.table.behind.unit) for kept in (one, *releases)) > MOST_LINES:
        return [Overlap(How.TOO_MANY, 0, ())]
    return _Beside(one, releases, least).overlaps()


class _Beside:
    """All known numbers over all units, by where they come from."""

    def __init__(self, one: KeptTable, releases: Sequence[KeptTable], least: int) -> None:
        self.least = least
        units = np.unique(np.concatenate([kept.table.behind.units for kept in (one, *releases)]))

        def known(kept: KeptTable, release: KeptTable | None) -> list["_Known"]:
            table, places = kept.table, np.searchsorted(units, kept.table.behind.units)
            return [
                _Known.of(numbers, release, places, len(units))
                for numbers in (
                    table.told(),
                    table.totals(hidden=True, least=least),
                    table.totals(hidden=False, least=least),
                )
            ]

        # newest releases first: if several say the same, the finding names the newest
        old = [known(release, release) for release in releases]
        new = known(one, None)
        parts = [_joined([each[place] for each in old], len(units)) for place in range(3)] + new
        every = atoms_of(_joined(parts, len(units)).rows)
        starts = np.cumsum([0, *(part.rows.shape[0] for part in parts)])
        self.sizes = every.sizes
        self.old, self.old_hidden, self.old_sums, self.new, self.new_hidden, self.new_sums = (
            _Known(every.numbers[start:end].tocsr(), part.numbers)
            for part, start, end in zip(parts, starts[:-1], starts[1:], strict=True)
        )

    def overlaps(self) -> list[Overlap]:
        too_many = False
        for how, before in (
            (How.COMBINATION, self.old),
            (How.SUPPRESSION, _joined([self.old, self.old_hidden, self.new_hidden], len(self.sizes))),
        ):
            if how is How.SUPPRESSION and before.rows.shape[0] == self.old.rows.shape[0]:
                continue
            every = _joined([before, self.new], len(self.sizes))
            try:
                found = few_behind(self._atoms(every.rows), self.least, already=before.rows.shape[0])
            except TooMany:
                too_many = True
                continue
            if found:
                pairs = self._pairs() if how is How.COMBINATION else []
                return pairs or [_overlap(how, found, every)]
        if too_many:
            return self._pairs() or [Overlap(How.TOO_MANY, 0, ())]
        return []

    def _pairs(self) -> list[Overlap]:
        """Two numbers that differ by few units, at least one of which is new;
        sums that follow from what is shown among them."""
        new = _joined([self.new, self.new_sums], len(self.sizes))
        every = _joined([self.old, self.old_sums, new], len(self.sizes))
        return [
            Overlap(How.DIFFERENCE, units, (new.numbers[mine], every.numbers[other]))
            for mine, other, units in close_pairs(
                new.rows, every.rows, self.sizes, self.least, most=MOST_OVERLAPS
            )
        ]

    def _atoms(self, rows: csr_matrix) -> Atoms:
        return atoms_of(rows, self.sizes)


@dataclass(frozen=True)
class _Known:
    rows: csr_matrix
    numbers: tuple[Number, ...]

    @staticmethod
    def of(numbers: Numbers, release: KeptTable | None, places: npt.NDArray[np.intp], units: int) -> "_Known":
        rows = numbers.rows
        return _Known(
            csr_matrix((rows.data, places[rows.indices], rows.indptr), shape=(rows.shape[0], units)),
            tuple(Number(name, release) for name in numbers.names),
        )


def _joined(parts: Sequence[_Known], columns: int) -> _Known:
    empty = csr_matrix((0, columns), dtype=np.int64)
    return _Known(
        vstack([empty, *(part.rows for part in parts)]).tocsr(),
        tuple(number for part in parts for number in part.numbers),
    )


def _overlap(how: How, few: Few, every: _Known) -> Overlap:
    return Overlap(how, few.units, tuple(every.numbers[row] for row in few.numbers))
