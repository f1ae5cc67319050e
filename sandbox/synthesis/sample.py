"""Samples rows from a fit: about as many as there are, unit by unit, each column after the column it depends
on, then all pairs brought to what was bought, then a value of its part for each cell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
from numpy.typing import NDArray

from sandbox.catalog.invented_units import invented_units
from sandbox.catalog.invented_values import free_values
from sandbox.catalog.model import Column, Role, Type, Version
from sandbox.catalog.seeded_random import Chance, Places, Shares
from sandbox.catalog.stand_in import ARROW_TYPE, MOST_ROWS, schema
from sandbox.synthesis.categories import Category, categories, is_free, is_ordered, step_of
from sandbox.synthesis.fit import Fit, Narrower, class_shares
from sandbox.synthesis.maximum_entropy import Units, matched


@dataclass(frozen=True)
class Sampled:
    """The rows; for each column that tells something the category of each row's value; the pairs that rise
    above the noise."""

    table: pa.Table
    places: Mapping[str, Places]
    kept: frozenset[tuple[str, str]]


def sample(version: Version, fit: Fit) -> Sampled:
    """Rows like those from which the counts are."""
    policy = version.policy
    assert policy.unit is not None, "only a dataset with units is synthesised"
    rows = min(policy.about_rows, MOST_ROWS)
    sizes = unit_sizes(_chance(version, "rows per unit"), fit.rows_per_unit, rows, policy.unit.max_rows)
    units = Units(
        starts=np.cumsum(sizes) - sizes,
        sizes=sizes,
        steady={
            name: _chance(version, name, "steady").shares(len(sizes)) < fit.steady.get(name, 0.0)
            for name in fit.shares
        },
    )
    shares = class_shares(fit.shares, fit.classes)
    found = matched(
        _chance(version, "pairs"), _first_classes(version, fit, shares, units), shares, fit.pairs, units
    )
    places = {
        name: _in_units(
            _within(_chance(version, name, "category"), of, np.asarray(fit.classes[name]), fit.shares[name]),
            units,
            name,
        )
        for name, of in found.classes.items()
    }
    columns = [column for column in policy.columns if column.role is not Role.HIDDEN]
    made = []
    for column in columns:
        chance = _chance(version, column.name, "value")
        if column.role is Role.UNIT:
            # as in the rows that are made from the policy alone, so that the two join, too
            names = invented_units(column.type, policy.population, _chance(version, column.name), len(sizes))
            made.append(names.take(pa.array(np.repeat(np.arange(len(sizes)), sizes))))
        else:
            where = places.get(column.name, np.zeros(rows, dtype=np.int64))
            drawn = _places_in_parts(column, where, chance, fit.narrower.get(column.name))
            if column.name in places:
                drawn = _Drawn(
                    drawn.parts,
                    _in_units(drawn.places, units, column.name),
                    _in_units(drawn.shares, units, column.name),
                )
            made.append(_values(column, drawn, chance))
    return Sampled(pa.table(made, schema=schema(columns)), places, found.kept)


def _first_classes(
    version: Version, fit: Fit, shares: Mapping[str, Shares], units: Units
) -> dict[str, Places]:
    """Classes by the forest: each column after the one that it depends on."""
    rows = int(units.sizes.sum())
    depends = {edge.child: edge for edge in fit.edges}
    first: dict[str, Places] = {}
    for name in [*[name for name in fit.shares if name not in depends], *[edge.child for edge in fit.edges]]:
        chance, edge = _chance(version, name), depends.get(name)
        if edge is None:
            drawn = chance.by_weight(shares[name], rows)
        else:
            drawn = _given(chance, edge.table, first[edge.parent])
        first[name] = _in_units(drawn, units, name)
    # in the policy's order, whatever the forest: the next draws follow it
    return {name: first[name] for name in fit.shares}


def _in_units(drawn: Any, units: Units, name: str) -> Any:
    """In units where the column is steady, all rows have what the first has."""
    steady = np.repeat(units.steady[name], units.sizes)
    return np.where(steady, drawn[np.repeat(units.starts, units.sizes)], drawn)


def unit_sizes(chance: Chance, shares: Shares, rows: int, most: int) -> Places:
    """How many rows each unit has, `rows` in all. Units with the last released number, or more,
    have up to twice as many."""
    told = len(shares)
    sizes = 1 + chance.by_weight(shares, rows)
    if most > told:
        more = chance.below(min(most, 2 * told) - told + 1, rows)
        sizes = np.where(sizes == told, told + more, sizes)
    upto = np.cumsum(sizes)
    units = int(np.searchsorted(upto, rows)) + 1
    sizes = sizes[:units]
    sizes[-1] -= upto[units - 1] - rows
    return sizes


def _chance(version: Version, *names: str) -> Chance:
    return Chance("synthesis", version.dataset, version.number, *names)


def _given(chance: Chance, table: Shares, parents: Places) -> Places:
    """A class for each row, as likely as the table says in the row's class of the parent."""
    drawn = np.zeros(len(parents), dtype=np.int64)
    for parent in range(len(table)):
        here = np.nonzero(parents == parent)[0]
        if len(here):
            drawn[here] = chance.by_weight(
                table[parent] if table[parent].sum() > 0 else table.sum(axis=0), len(here)
            )
    return drawn


def _within(chance: Chance, classes: Places, of: Places, shares: Shares) -> Places:
    """A category for each row, among those of its class."""
    drawn = np.zeros(len(classes), dtype=np.int64)
    for number in np.unique(classes):
        here = np.nonzero(classes == number)[0]
        drawn[here] = chance.by_weight(np.where(of == number, shares, 0.0), len(here))
    return drawn


@dataclass(frozen=True)
class _Drawn:
    """For each row the part in which its value lies, and where in it, in [0, 1)."""

    parts: Sequence[Category]
    places: Places
    shares: Shares


def _places_in_parts(column: Column, places: Places, chance: Chance, narrower: Narrower | None) -> _Drawn:
    """As the finer counts say, and within these each as likely."""
    shares = chance.shares(len(places))
    if narrower is None:
        return _Drawn(categories(column), places, shares)
    return _Drawn(narrower.parts, _within(chance, places, narrower.of, narrower.shares), shares)


def _values(column: Column, drawn: _Drawn, chance: Chance) -> pa.Array:
    """A value for each row."""
    parts, places, shares = drawn.parts, drawn.places, drawn.shares
    empty = np.array([part.empty for part in parts])[places]
    if is_ordered(column):
        first, last = (np.array([getattr(part, end) for part in parts])[places] for end in ("first", "last"))
        # the float of a large span may round up to it
        steps = first + np.minimum((shares * (last - first + 1)).astype(np.int64), last - first)
        return _on_grid(column, steps, empty)
    listed = [value for part in parts for value in part.values]
    if listed:
        begins = np.cumsum([0, *[len(part.values) for part in parts]])[:-1]
        sizes = np.array([max(len(part.values), 1) for part in parts])
        at = begins[places] + np.minimum((shares * sizes[places]).astype(np.int64), sizes[places] - 1)
        values = pa.array(listed).take(pa.array(np.minimum(at, len(listed) - 1)))
    else:
        values = free_values(column, chance, len(places))
    return pyarrow.compute.if_else(pa.array(~empty), values, pa.scalar(None, values.type))


def _on_grid(column: Column, steps: Places, empty: NDArray[np.bool_]) -> pa.Array:
    """Points of the column's grid as its type."""
    kind, step = ARROW_TYPE[column.type], step_of(column)
    if column.type is Type.DATE:
        return pa.array(steps.astype(np.int32), mask=empty).cast(kind)
    if column.type is Type.TIMESTAMP:
        return pa.array(steps.astype("datetime64[s]"), mask=empty).cast(kind)
    if column.type is Type.INTEGER:
        return pa.array(steps * step.numerator, mask=empty).cast(kind)
    numbers = steps * step.numerator / step.denominator
    if is_free(column):  # nobody writes amounts to the millionth
        numbers = np.where(np.abs(numbers) >= 1, np.round(numbers, 2), numbers)
    return pa.array(numbers, mask=empty).cast(kind)
