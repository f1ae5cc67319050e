"""Samples rows from a fit: about as many as there are, unit by unit, each column after the column it depends
on."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute

from sandbox.catalog.invented_units import invented_units
from sandbox.catalog.invented_values import free_values
from sandbox.catalog.model import Column, Role, Version
from sandbox.catalog.seeded_random import Chance, Places, Shares
from sandbox.catalog.stand_in import MOST_ROWS, schema
from sandbox.synthesis.categories import Category, categories
from sandbox.synthesis.fit import Fit


def sample(version: Version, fit: Fit) -> tuple[pa.Table, dict[str, Places]]:
    """The rows, and for each column that tells something the category of each row's value."""
    policy = version.policy
    assert policy.unit is not None, "only a dataset with units is synthesised"
    rows = min(policy.about_rows, MOST_ROWS)
    sizes = unit_sizes(_chance(version, "rows per unit"), fit.rows_per_unit, rows, policy.unit.max_rows)
    unit_of = np.repeat(np.arange(len(sizes)), sizes)
    first_of = np.repeat(np.cumsum(sizes) - sizes, sizes)  # the first row of each row's unit
    depends = {edge.child: edge for edge in fit.edges}
    places: dict[str, Places] = {}
    for name in [*[name for name in fit.shares if name not in depends], *[edge.child for edge in fit.edges]]:
        chance, edge = _chance(version, name), depends.get(name)
        of = np.asarray(fit.classes[name])
        if edge is None:
            drawn = chance.by_weight(fit.shares[name], rows)
        else:
            parent = np.asarray(fit.classes[edge.parent])[places[edge.parent]]
            drawn = _within(chance, _given(chance, edge.table, parent), of, fit.shares[name])
        steady = chance.shares(len(sizes)) < fit.steady.get(name, 0.0)
        places[name] = np.where(steady[unit_of], drawn[first_of], drawn)
    columns = [column for column in policy.columns if column.role is not Role.HIDDEN]
    made = []
    for column in columns:
        chance = _chance(version, column.name, "value")
        if column.role is Role.UNIT:
            # as in the rows that are made from the policy alone, so that the two join, too
            names = invented_units(column.type, policy.population, _chance(version, column.name), len(sizes))
            made.append(names.take(pa.array(unit_of)))
        else:
            where = places.get(column.name, np.zeros(rows, dtype=np.int64))
            made.append(_values(column, categories(column), where, chance))
    return pa.table(made, schema=schema(columns)), places


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


def _values(column: Column, parts: Sequence[Category], places: Places, chance: Chance) -> pa.Array:
    """A value of its category for each row, each of the category's as likely."""
    rows, shares = len(places), chance.shares(len(places))
    empty = np.array([part.empty for part in parts])[places]
    if column.bounds:
        first, last = (np.array([getattr(part, end) for part in parts])[places] for end in ("first", "last"))
        steps = first + np.minimum((shares * (last - first + 1)).astype(np.int64), last - first)
        numerators = steps * column.bounds.step.numerator
        return pa.array(numerators / column.bounds.step.denominator, mask=empty).cast(
            schema([column]).field(0).type
        )
    listed = [value for part in parts for value in part.values]
    if listed:
        begins = np.cumsum([0, *[len(part.values) for part in parts]])[:-1]
        sizes = np.array([max(len(part.values), 1) for part in parts])
        at = begins[places] + np.minimum((shares * sizes[places]).astype(np.int64), sizes[places] - 1)
        values = pa.array(listed).take(pa.array(np.minimum(at, len(listed) - 1)))
    else:
        values = free_values(column, chance, rows)
    return pyarrow.compute.if_else(pa.array(~empty), values, pa.scalar(None, values.type))
