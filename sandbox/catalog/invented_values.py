"""Draws values that a column could hold according to its policy: any value of its type, its grid or its
public values."""

import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute

from sandbox.catalog.model import Bounds, Column, Type
from sandbox.catalog.seeded_random import Chance, Places, Shares

EMPTY_SHARE = 0.05
"""Of a column that may be empty: often enough that a program that forgets it fails here,
and not on the data."""

DIFFERENT_TEXTS = 100
WHOLE_NUMBERS = 1_000
FIRST_DAY, DAYS = datetime.date(2015, 1, 1), 3_653
"""Ten years that are fixed: a clock would give everybody another table."""


def invented_values(column: Column, chance: Chance, rows: int) -> pa.Array:
    """`rows` values of a column that is not the unit's, each as likely as any other;
    some are empty if they may be."""
    values = possible_values(column, chance, rows)
    if column.required:
        return values
    return pyarrow.compute.if_else(
        pa.array(chance.shares(rows) >= EMPTY_SHARE), values, pa.scalar(None, values.type)
    )


def possible_values(column: Column, chance: Chance, rows: int) -> pa.Array:
    if column.values:
        return pa.array(column.values).take(pa.array(chance.below(len(column.values), rows)))
    if column.bounds:
        return pa.array(on_grid(column.bounds, chance, rows)).cast(
            pa.int64() if column.type is Type.INTEGER else pa.float64()
        )
    return free_values(column, chance, rows)


def on_grid(bounds: Bounds, chance: Chance, rows: int) -> Shares:
    """Points of a measure's grid, each the float nearest to the exact one:
    the division is the only rounding."""
    lowest, steps = int(bounds.low / bounds.step), int((bounds.high - bounds.low) / bounds.step)
    numerators: Places = (lowest + chance.below(steps + 1, rows)) * bounds.step.numerator
    return numerators / bounds.step.denominator


def free_values(column: Column, chance: Chance, rows: int) -> pa.Array:
    """Values of an attribute, of which the policy says nothing but its type."""
    match column.type:
        case Type.INTEGER:
            return pa.array(chance.below(WHOLE_NUMBERS, rows))
        case Type.NUMBER:
            return pa.array(chance.below(WHOLE_NUMBERS * 100, rows) / 100)
        case Type.BOOLEAN:
            return pa.array(chance.below(2, rows) == 1)
        case Type.DATE:
            first = (FIRST_DAY - datetime.date(1970, 1, 1)).days
            return pa.array((first + chance.below(DAYS, rows)).astype(np.int32)).cast(pa.date32())
        case Type.TIMESTAMP:
            first = (FIRST_DAY - datetime.date(1970, 1, 1)).days
            seconds = first * 86_400 + chance.below(DAYS * 86_400, rows)
            return pa.array(seconds.astype("datetime64[s]")).cast(pa.timestamp("us"))
        case Type.TEXT:
            texts = pa.array([f"stand-in {column.name} {number + 1}" for number in range(DIFFERENT_TEXTS)])
            return texts.take(pa.array(chance.below(DIFFERENT_TEXTS, rows)))
