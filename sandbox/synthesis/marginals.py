"""Chooses the counts from which rows like the dataset's are invented: of each column, each pair of columns,
and of units' rows.

All are ordinary questions (`sandbox.queries`): grouped by public parts, counted by weighted
rows, each unit bounded.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations
from typing import Any

import numpy as np

from sandbox.catalog.model import Column, DatasetPolicy, Role
from sandbox.catalog.read_table import quoted
from sandbox.catalog.seeded_random import Shares
from sandbox.synthesis.categories import Category, categories, coded

MOST_ROWS_TOLD = 12  # units with more rows are counted together
MOST_CLASSES = 4
MOST_PAIRED = 32
"""Columns beyond this many (in the policy's order) are not paired:
a dataset of 500 would have 124,750 pairs."""


class Kind(StrEnum):
    COLUMN = "column"  # rows in each category of a column
    PAIR = "pair"  # rows in each combination of two columns' classes
    ROWS_PER_UNIT = "rows_per_unit"  # units with one row, two rows, ...
    STEADY = (
        "steady"  # units with one row; with several, all in one category of a column; with several in several
    )


@dataclass(frozen=True)
class Question:
    """What is asked, and the shape of the table that answers it."""

    kind: Kind
    columns: tuple[str, ...]
    shape: tuple[int, ...]
    sql: str


@dataclass(frozen=True)
class Marginal:
    """A noisy table of counts, bought.
    `sigma` is the standard deviation of the noise in each cell, in rows (or units)."""

    kind: Kind
    columns: tuple[str, ...]
    shape: tuple[int, ...]
    counts: tuple[float, ...]
    sigma: float
    picorho: int

    @property
    def table(self) -> Shares:
        return np.array(self.counts, dtype=np.float64).reshape(self.shape)

    def as_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind.value,
            "columns": list(self.columns),
            "shape": list(self.shape),
            "counts": list(self.counts),
            "sigma": self.sigma,
            "picorho": self.picorho,
        }


def telling(policy: DatasetPolicy) -> tuple[Column, ...]:
    """The columns that have more than one category: of the others there is nothing to count."""
    return tuple(
        column
        for column in policy.columns
        if column.role not in (Role.UNIT, Role.HIDDEN) and len(categories(column)) > 1
    )


def pairs(policy: DatasetPolicy) -> list[tuple[Column, Column]]:
    return list(combinations(telling(policy)[:MOST_PAIRED], 2))


def first_questions(policy: DatasetPolicy) -> list[Question]:
    """Of units, and of each column alone."""
    asked = [_rows_per_unit(policy)]
    for column in telling(policy):
        parts = categories(column)
        codes = range(len(parts))
        asked.append(
            Question(
                Kind.COLUMN,
                (column.name,),
                (len(parts),),
                f"SELECT {coded(parts, codes)} AS part, COUNT(*) AS n FROM {_table(policy)} GROUP BY part",
            )
        )
        asked.append(_steady(policy, column, parts))
    return asked


def pair_questions(policy: DatasetPolicy, classes: Mapping[str, Sequence[int]]) -> list[Question]:
    """Of each two columns, by the few classes into which their categories were put:
    `classes[column][category]`."""
    asked = []
    for left, right in pairs(policy):
        shape = tuple(max(classes[column.name]) + 1 for column in (left, right))
        if min(shape) > 1:
            codes = [coded(categories(column), classes[column.name]) for column in (left, right)]
            asked.append(
                Question(
                    Kind.PAIR,
                    (left.name, right.name),
                    shape,
                    f"SELECT {codes[0]} AS a, {codes[1]} AS b, COUNT(*) AS n "
                    f"FROM {_table(policy)} GROUP BY a, b",
                )
            )
    return asked


def classes_of(shares: Shares) -> list[int]:
    """Neighbouring categories put together, so that each class holds about as much: `[category] -> class`."""
    if len(shares) <= MOST_CLASSES:
        return list(range(len(shares)))
    middles = np.cumsum(shares) - shares / 2
    raw = np.minimum((middles * MOST_CLASSES).astype(int), MOST_CLASSES - 1)
    return [int(place) for place in np.unique(raw, return_inverse=True)[1]]


def _rows_per_unit(policy: DatasetPolicy) -> Question:
    assert policy.unit is not None, "only a dataset with units is synthesised"
    most = min(policy.unit.max_rows, MOST_ROWS_TOLD)
    unit = quoted(policy.unit.column)
    sizes = f"SELECT {unit}, COUNT(*) AS n FROM {_table(policy)} GROUP BY {unit}"
    branches = " ".join(f"WHEN n <= {size} THEN {size - 1}" for size in range(1, most))
    code = f"CASE {branches} ELSE {most - 1} END" if most > 1 else "CASE WHEN n <= 1 THEN 0 ELSE 0 END"
    return Question(
        Kind.ROWS_PER_UNIT,
        (),
        (most,),
        f"SELECT {code} AS size, COUNT(*) AS units FROM ({sizes}) AS u GROUP BY size",
    )


def _steady(policy: DatasetPolicy, column: Column, parts: Sequence[Category]) -> Question:
    assert policy.unit is not None
    unit, code = quoted(policy.unit.column), coded(parts, range(len(parts)))
    inner = (
        f"SELECT {unit}, COUNT(*) AS n, MIN({code}) AS lo, MAX({code}) AS hi "
        f"FROM {_table(policy)} GROUP BY {unit}"
    )
    return Question(
        Kind.STEADY,
        (column.name,),
        (3,),
        "SELECT CASE WHEN n <= 1 THEN 0 WHEN lo = hi THEN 1 ELSE 2 END AS steady, COUNT(*) AS units "
        f"FROM ({inner}) AS u GROUP BY steady",
    )


def _table(policy: DatasetPolicy) -> str:
    return ".".join(quoted(part) for part in policy.dataset.split("."))
