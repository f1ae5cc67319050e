"""Compares a table with one that left before: which rows, columns and cells are new or changed.

Columns are matched by their names, and those whose names the other has not by what they hold. Rows are
matched by their labels: the cells of columns that hold no number in either table, or that are named as labels
are, whatever their case. Rows with the same labels are matched in their order.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Literal

from sandbox.disclosure.checks.numbers import number_of
from sandbox.disclosure.files.opened import Grid
from sandbox.disclosure.likeness import folded, is_label

MOST_CELLS = 500
MOST_RENAMED, MOST_LOOKED_AT = 20, 100
"""Columns of each table that are matched by what they hold, and rows in which that is looked at."""
MOST_TOLD = 10**15
"""A larger change is told as this one: a cell can hold a number that no float can."""
NEAR = 0.5
"""A renamed column holds half of the other's labels, or numbers that differ by less than half on average."""

Key = tuple[tuple[str, ...], int]
Pair = tuple[int, int]
"""The places of a column in the two tables."""


@dataclass(frozen=True)
class ChangedCell:
    """A row's number, from 1, and the name of a column: as findings name a cell."""

    row: int
    column: str


@dataclass(frozen=True)
class TableDifference:
    """What `now` has and `before` has not: rows by their numbers, columns by their names, and cells that say
    something else (the first 500). `gone_rows` is a number, as there is no row to name. `least_change`: the
    smallest by which a number changed; None where none did."""

    new_rows: tuple[int, ...] = ()
    new_columns: tuple[str, ...] = ()
    changed: tuple[ChangedCell, ...] = ()
    gone_rows: int = 0
    gone_columns: tuple[str, ...] = ()
    least_change: float | None = None


def table_difference(now: Grid, before: Grid) -> TableDifference:
    named = _namesakes(now, before)
    labels = [pair for pair in named if _are_labels(now, before, pair)]
    labels += _renamed(now, before, named, labels=True, distance=_label_distance(now, before))
    mine, theirs = _keys(now, [place for place, _ in labels]), _keys(before, [place for _, place in labels])
    earlier = dict(zip(theirs, before.rows, strict=True))
    beside = [(row, earlier.get(key)) for key, row in zip(mine, now.rows, strict=True)]
    matched = [(row, other) for row, other in beside if other is not None][:MOST_LOOKED_AT]
    compared = [pair for pair in named if pair not in labels]
    compared += _renamed(
        now, before, named, labels=False, distance=lambda pair: _number_distance(matched, pair)
    )
    new, changed, changes = [], [], []
    for number, (row, other) in enumerate(beside, 1):
        if other is None:
            new.append(number)
            continue
        for here, there in compared:
            if row[here] != other[there]:
                changed.append(ChangedCell(number, now.header[here]))
                changes.append(_change(row[here], other[there]))
    paired = [*labels, *compared]
    return TableDifference(
        tuple(new[:MOST_CELLS]),
        _but(now.header, {here for here, _ in paired}),
        tuple(changed[:MOST_CELLS]),
        len(earlier.keys() - set(mine)),
        _but(before.header, {there for _, there in paired}),
        _least(change for change in changes if change),
    )


def _namesakes(now: Grid, before: Grid) -> list[Pair]:
    """Columns of the same name, each once, in their order."""
    places: dict[str, list[int]] = {}
    for place in reversed(range(len(before.header))):
        places.setdefault(before.header[place], []).append(place)
    return [(place, places[name].pop()) for place, name in enumerate(now.header) if places.get(name)]


def _renamed(
    now: Grid, before: Grid, named: Sequence[Pair], *, labels: bool, distance: Callable[[Pair], float]
) -> list[Pair]:
    """Columns without a namesake that hold much the same, the nearest first, each once."""
    here = [
        place
        for place in range(len(now.header))
        if place not in {mine for mine, _ in named} and is_label(now, place) is labels
    ][:MOST_RENAMED]
    there = [
        place
        for place in range(len(before.header))
        if place not in {theirs for _, theirs in named} and is_label(before, place) is labels
    ][:MOST_RENAMED]
    found: list[Pair] = []
    for far, pair in sorted((distance((mine, theirs)), (mine, theirs)) for mine in here for theirs in there):
        if far <= NEAR and not any(pair[0] == one[0] or pair[1] == one[1] for one in found):
            found.append(pair)
    return found


def _label_distance(now: Grid, before: Grid) -> Callable[[Pair], float]:
    """The share of the smaller one's labels that the other has not. Each column is read once."""

    @cache
    def of(grid: Literal["now", "before"], place: int) -> set[str]:
        return set(map(folded, (now if grid == "now" else before).column(place)))

    def distance(pair: Pair) -> float:
        mine, theirs = of("now", pair[0]), of("before", pair[1])
        fewer = min(len(mine), len(theirs))
        return 1 - len(mine & theirs) / fewer if fewer else 1.0

    return distance


def _number_distance(matched: Sequence[tuple[Sequence[str], Sequence[str]]], pair: Pair) -> float:
    """By how much the numbers of the same rows differ on average, as a share of both: from 0 to 1."""
    told = [
        (mine, theirs)
        for row, other in matched
        if (mine := number_of(row[pair[0]])) is not None and (theirs := number_of(other[pair[1]])) is not None
    ]
    if not told:
        return 1.0
    apart = (float(abs(mine - theirs) / (abs(mine) + abs(theirs))) for mine, theirs in told if mine != theirs)
    return sum(apart) / len(told)


def _change(now: str, before: str) -> Fraction:
    mine, theirs = number_of(now), number_of(before)
    return abs(mine - theirs) if mine is not None and theirs is not None else Fraction(0)


def _least(changes: Iterable[Fraction]) -> float | None:
    least = min(changes, default=None)
    return None if least is None else float(min(least, Fraction(MOST_TOLD)))


def _but(names: Sequence[str], places: Collection[int]) -> tuple[str, ...]:
    return tuple(name for place, name in enumerate(names) if place not in places)


def _are_labels(now: Grid, before: Grid, pair: Pair) -> bool:
    return is_label(now, pair[0]) and is_label(before, pair[1])


def _keys(grid: Grid, places: Sequence[int]) -> list[Key]:
    met: Counter[tuple[str, ...]] = Counter()
    keys = []
    for row in grid.rows:
        key = tuple(folded(row[place]) for place in places)
        keys.append((key, met[key]))
        met[key] += 1
    return keys
