"""Holds the numbers of a dataset version's raw columns, to compare shapes with: a copy that was scaled,
shifted or rounded holds no raw value, and so no digest finds it.

What is kept here is as secret as the rows. It is made in the vault beside the rows, stays in the memory of
that process, and neither its text form nor any finding shows a value of it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from sandbox.catalog import DatasetPolicy
from sandbox.catalog.model import Role

Floats = NDArray[np.float64]

MOST_ROWS = 200_000
"""Of more rows so many are looked at, drawn at random with a fixed seed."""
MOST_COLUMNS = 6
"""Of so many columns pairwise sums, differences and ratios are compared, too."""
MOST_PARTS = 400
ENOUGH_VALUES = 40
"""A column with fewer different values (sex, visits a month) has no shape that is told from others."""
ENOUGH_ROWS = 20


@dataclass(frozen=True)
class Shape:
    """A column, or what two columns make: its different values in order. `direct`: as it stands in the
    rows, or a unit's sum or average."""

    name: str
    values: Floats = field(repr=False)
    direct: bool = True


class RawColumns:
    """One dataset version's numeric columns, row by row, and what follows from them."""

    def __init__(self, table: pa.Table, policy: DatasetPolicy) -> None:
        self.rows = table.num_rows
        self._keys = _parts_by(table, policy)
        unit = policy.unit.column if policy.unit and policy.unit.column in table.column_names else None
        codes = np.arange(self.rows) if unit is None else _codes(table.column(unit))
        self.units = len(np.unique(codes))
        named = [
            (column.name, numbers)
            for column in policy.columns
            if column.role not in (Role.KEY, Role.UNIT, Role.HIDDEN) and column.name in table.column_names
            if (numbers := _numbers(table.column(column.name))) is not None
        ]
        self._days = {name for name, _ in named if _is_day(table.column(name).type)}
        self._by_row = dict(named)
        self._bounds = {
            column.name: (float(column.bounds.low), float(column.bounds.high))
            for column in policy.columns
            if column.bounds is not None
        }
        if self.rows > MOST_ROWS:
            some = np.sort(np.random.default_rng(0).choice(self.rows, MOST_ROWS, replace=False))
            named = [(name, numbers[some]) for name, numbers in named]
        self._columns = named
        self._units = codes if self.units < self.rows else None

    def __repr__(self) -> str:
        return f"RawColumns({self.rows} rows)"

    def matrix(self, most: int) -> Floats:
        """Rows by columns, at most so many rows."""
        if not self._columns:
            return np.zeros((0, 0))
        rows = np.stack([numbers for _, numbers in self._columns], axis=1)
        step = -(-len(rows) // most)
        return rows[::step]

    @cached_property
    def shapes(self) -> tuple[Shape, ...]:
        found = (Shape(name, _distinct(values), direct) for name, values, direct in self._made())
        return tuple(shape for shape in found if len(shape.values) >= ENOUGH_VALUES)

    def _made(self) -> Iterator[tuple[str, Floats, bool]]:
        yield from ((name, numbers, True) for name, numbers in self._columns)
        if self._units is not None:
            many = np.bincount(self._units, minlength=self.units)
            for name, numbers in self._by_row.items():
                sums = _summed(self._units, numbers, self.units)
                yield f"sum of {name}", sums, True
                yield f"mean of {name}", sums / np.maximum(many, 1.0), True
        measured = [(name, numbers) for name, numbers in self._columns if name not in self._days]
        for (one, mine), (other, theirs) in combinations(measured[:MOST_COLUMNS], 2):
            yield f"{one} + {other}", mine + theirs, False
            yield f"{one} - {other}", mine - theirs, False
            with np.errstate(divide="ignore", invalid="ignore"):
                yield f"{one} / {other}", mine / theirs, False
                yield f"{other} / {one}", theirs / mine, False

    def ends(self, least: int) -> Iterator[tuple[str, float, float]]:
        """The smallest and the largest value of each column that has a shape, where one of them is that of
        fewer than `least` units, and no bound of the policy's."""
        for name, numbers in self._by_row.items():
            values = _distinct(numbers)
            if name in self._days or len(values) < ENOUGH_VALUES:
                continue
            low, high = float(values[0]), float(values[-1])
            if any(
                end not in self._bounds.get(name, ()) and self._units_with(numbers == end) < least
                for end in (low, high)
            ):
                yield name, low, high

    def _units_with(self, rows: NDArray[np.bool_]) -> int:
        return int(rows.sum()) if self._units is None else len(np.unique(self._units[rows]))

    def of_size(self, size: int) -> Iterator[tuple[str, Floats]]:
        """The columns of each part of the rows (by keys) that has so many rows, each in order."""
        for rows in self._keys.get(size, ()):
            for name, numbers in self._by_row.items():
                part = numbers[rows]
                if np.isfinite(part).all():
                    yield name, np.sort(part)

    def satisfying(self, conditions: list[tuple[str, str, float]]) -> int | None:
        """How many rows fulfil all of these (column, comparison, number); None if a column is unknown."""
        kept = np.ones(self.rows, dtype=np.bool_)
        known = {name.casefold(): numbers for name, numbers in self._by_row.items()}
        for name, how, number in conditions:
            if name.casefold() not in known:
                return None
            kept &= _COMPARED[how](known[name.casefold()], number)
        return int(kept.sum())


_COMPARED = {
    "<=": np.less_equal,
    "<": np.less,
    ">=": np.greater_equal,
    ">": np.greater,
    "=": np.equal,
}


def _codes(column: pa.ChunkedArray) -> NDArray[np.int64]:
    coded = column.combine_chunks().dictionary_encode().indices.fill_null(-1)
    return np.unique(coded.to_numpy(zero_copy_only=False), return_inverse=True)[1].astype(np.int64)


def _numbers(column: pa.ChunkedArray) -> Floats | None:
    """A date is its day; None for what is no number."""
    kind = column.type
    if _is_day(kind):
        column = pc.cast(pc.cast(column, pa.date32(), safe=False), pa.int32())
    elif not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        return None
    return np.asarray(pc.cast(column, pa.float64(), safe=False).to_numpy(), dtype=np.float64)


def _is_day(kind: pa.DataType) -> bool:
    return bool(pa.types.is_timestamp(kind) or pa.types.is_date(kind))


def _summed(units: NDArray[np.int64], numbers: Floats, many: int) -> Floats:
    return np.asarray(np.bincount(units, weights=np.nan_to_num(numbers), minlength=many), dtype=np.float64)


def _distinct(values: Floats) -> Floats:
    return np.unique(values[np.isfinite(values)])


def _parts_by(table: pa.Table, policy: DatasetPolicy) -> dict[int, list[NDArray[np.int64]]]:
    """Size -> the rows of each part that has it: all rows, by one key, and by two."""
    keys = [
        _codes(table.column(column.name))
        for column in policy.columns
        if column.role is Role.KEY and column.name in table.column_names
    ][:MOST_COLUMNS]
    found: dict[int, list[NDArray[np.int64]]] = {table.num_rows: [np.arange(table.num_rows)]}
    pairs = [one * (int(other.max(initial=0)) + 1) + other for one, other in combinations(keys, 2)]
    parts = 0
    for codes in (*keys, *pairs):
        order = np.argsort(codes, kind="stable")
        edges = np.flatnonzero(np.diff(codes[order])) + 1
        for rows in np.split(order, edges):
            if len(rows) >= ENOUGH_ROWS and parts < MOST_PARTS:
                parts += 1
                found.setdefault(len(rows), []).append(rows)
    return found
