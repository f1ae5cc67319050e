"""Compares a table with one that left before: which rows, columns and cells are new or changed.

Rows are matched by their labels: the cells of columns that hold no number in either table, or that are named
as labels are. Rows with the same labels are matched in their order.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sandbox.disclosure.checks.column_roles import names_label
from sandbox.disclosure.checks.numbers import number_of
from sandbox.disclosure.files.opened import Grid

MOST_CELLS = 500
Key = tuple[tuple[str, ...], int]


@dataclass(frozen=True)
class ChangedCell:
    """A row's number, from 1, and the name of a column: as findings name a cell."""

    row: int
    column: str


@dataclass(frozen=True)
class TableDifference:
    """What `now` has and `before` has not: rows by their numbers, columns by their names, and cells that say
    something else (the first 500). `gone_rows` is a number, as there is no row to name."""

    new_rows: tuple[int, ...] = ()
    new_columns: tuple[str, ...] = ()
    changed: tuple[ChangedCell, ...] = ()
    gone_rows: int = 0
    gone_columns: tuple[str, ...] = ()


def table_difference(now: Grid, before: Grid) -> TableDifference:
    shared = [name for name in now.header if name in before.header]
    labels = [name for name in shared if _is_label(now, name) and _is_label(before, name)]
    earlier = dict(zip(_keys(before, labels), before.rows, strict=True))
    compared = [
        (now.header.index(name), before.header.index(name), name) for name in shared if name not in labels
    ]
    new, changed = [], []
    keys = _keys(now, labels)
    for number, (key, row) in enumerate(zip(keys, now.rows, strict=True), 1):
        other = earlier.get(key)
        if other is None:
            new.append(number)
            continue
        changed += [
            ChangedCell(number, name) for mine, theirs, name in compared if row[mine] != other[theirs]
        ]
    return TableDifference(
        tuple(new[:MOST_CELLS]),
        _but(now.header, shared),
        tuple(changed[:MOST_CELLS]),
        len(earlier.keys() - set(keys)),
        _but(before.header, shared),
    )


def _but(names: Sequence[str], shared: Collection[str]) -> tuple[str, ...]:
    return tuple(name for name in names if name not in shared)


def _is_label(grid: Grid, name: str) -> bool:
    cells = grid.column(grid.header.index(name))
    return names_label(name) or not any(number_of(cell) is not None for cell in cells)


def _keys(grid: Grid, labels: Sequence[str]) -> list[Key]:
    places = [grid.header.index(name) for name in labels]
    met: Counter[tuple[str, ...]] = Counter()
    keys = []
    for row in grid.rows:
        key = tuple(row[place] for place in places)
        keys.append((key, met[key]))
        met[key] += 1
    return keys
