"""Draws the values of columns of which the officer knows what is typical, so that invented rows follow it."""

from collections.abc import Mapping
from statistics import NormalDist

import numpy as np
import pyarrow as pa
import pyarrow.compute
from numpy.typing import NDArray

from sandbox.catalog.invented_values import EMPTY_SHARE, possible_values
from sandbox.catalog.model import Column, Type
from sandbox.catalog.seeded_random import Chance, Places, Shares
from sandbox.catalog.typical import Relation, Typical

LEAST_SHARE = 1e-9
NORMAL = NormalDist()


def drawn_ranks(column: Column, chance: Chance, first_of: Places) -> Shares:
    """A place in its distribution, in (0, 1), for each row; where the column is constant in a unit, that of
    the unit's first row. `first_of`: the first row of each row's unit."""
    ranks: Shares = np.clip(chance.shares(len(first_of)), LEAST_SHARE, 1 - LEAST_SHARE)
    return np.asarray(ranks[first_of]) if column.typical is not None and column.typical.constant else ranks


def following_ranks(own: Shares, others: Shares, relation: Relation) -> Shares:
    """Ranks that go with another column's by the relation's rank correlation, over a bivariate normal
    distribution: Pearson's 2 sin(pi r / 6) is the correlation of that for Spearman's r."""
    assert relation.rank_correlation is not None
    of_normal = 2 * np.sin(np.pi * relation.rank_correlation / 6)
    along, apart = (np.array([NORMAL.inv_cdf(rank) for rank in ranks]) for ranks in (others, own))
    mixed = of_normal * along + np.sqrt(1 - of_normal**2) * apart
    ranks = np.array([NORMAL.cdf(value) for value in mixed])
    return np.asarray(np.clip(ranks, LEAST_SHARE, 1 - LEAST_SHARE))


def typical_values(
    column: Column, chance: Chance, ranks: Shares, *, relation: Relation | None, on: pa.Array | None
) -> pa.Array:
    """A value for each row, by its rank. `on`: the values of the key whose medians the relation states."""
    typical = column.typical
    assert typical is not None, "the column has typical values"
    if typical.points:
        numbers = numbers_at(typical, ranks)
        if relation is not None and relation.medians and on is not None:
            numbers = moved(numbers, typical, dict(relation.medians), on)
        values = _as_typed(column, numbers)
    elif typical.shares:
        listed = [value for value, _ in typical.shares]
        upto = np.cumsum([share for _, share in typical.shares])
        places = np.minimum(np.searchsorted(upto, ranks * upto[-1], side="right"), len(listed) - 1)
        values = pa.array(listed).take(pa.array(places))
    else:
        values = possible_values(column, chance, len(ranks))
    if column.required:
        return values
    empty = EMPTY_SHARE if typical.empty is None else typical.empty
    filled = pa.array(chance.shares(len(ranks)) >= empty)
    return pyarrow.compute.if_else(filled, values, pa.scalar(None, values.type))


def numbers_at(typical: Typical, ranks: Shares) -> Shares:
    """The value at each rank: straight between the points, and thinning out after the last but one."""
    shares, values = (np.array(each) for each in zip(*typical.points, strict=True))
    straight = np.interp(ranks, shares, values)
    begin, low, high = shares[-2], values[-2], values[-1]
    along = np.clip((ranks - begin) / (1 - begin), 0.0, 1.0) ** typical.thinning
    return np.asarray(np.where(ranks > begin, low + (high - low) * along, straight))


def moved(numbers: Shares, typical: Typical, medians: Mapping[object, float], on: pa.Array) -> Shares:
    """Numbers whose median is the stated one in each group: stretched where all are at least zero, else
    shifted; within the typical values."""
    usual = float(numbers_at(typical, np.array([0.5]))[0])
    low, high = typical.points[0][1], typical.points[-1][1]
    groups = np.array(on.to_pylist(), dtype=object)
    result = numbers.copy()
    for value, median in medians.items():
        here: NDArray[np.bool_] = groups == value
        stretched = low >= 0 and usual > 0
        result[here] = numbers[here] * (median / usual) if stretched else numbers[here] + (median - usual)
    return np.asarray(np.clip(result, low, high))


def _as_typed(column: Column, numbers: Shares) -> pa.Array:
    """On the column's grid, as its type."""
    if column.bounds:
        step = column.bounds.step
        steps = np.rint(numbers * step.denominator / step.numerator).astype(np.int64)
        steps = np.clip(steps, int(column.bounds.low / step), int(column.bounds.high / step))
        on_grid = steps * step.numerator / step.denominator
        return pa.array(on_grid).cast(pa.int64() if column.type is Type.INTEGER else pa.float64())
    whole = np.rint(numbers).astype(np.int64)
    match column.type:
        case Type.INTEGER:
            return pa.array(whole)
        case Type.DATE:
            return pa.array(whole.astype(np.int32)).cast(pa.date32())
        case Type.TIMESTAMP:
            return pa.array(whole.astype("datetime64[s]")).cast(pa.timestamp("us"))
    return pa.array(np.round(numbers, 2))
