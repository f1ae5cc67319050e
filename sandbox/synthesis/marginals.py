"""Chooses the counts from which rows like the dataset's are invented: of each column, its parts cut finer,
each pair of columns, and of units' rows.

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
MOST_KEY_CLASSES = 6
"""A key's values have no middle: put together, their groups could not be told apart in any pair."""
MOST_PAIRED = 32
"""Columns beyond this many (in the policy's order) are not paired:
a dataset of 500 would have 124,750 pairs."""


class Kind(StrEnum):
    COLUMN = "column"  # rows in each category of a column
    FINE = "fine"  # rows in each category of a column, those with many rows cut into narrower ones
    TRAINED = "trained"  # rows by what a model predicts, and by what is so
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
        part, n = labels(policy, "part", "n")
        asked.append(
            Question(
                Kind.COLUMN,
                (column.name,),
                (len(parts),),
                f"SELECT {coded(parts, codes)} AS {part}, COUNT(*) AS {n} "
                f"FROM {table_name(policy)} GROUP BY {part}",
            )
        )
        asked.append(_steady(policy, column, parts))
    return asked


def pair_questions(policy: DatasetPolicy, classes: Mapping[str, Sequence[int]]) -> list[Question]:
    """Of each two columns, by the few classes into which their categories were put:
    `classes[column][category]`."""
    asked = []
    for left, right in pairs(policy):
        a, b, n = labels(policy, "a", "b", "n")
        shape = tuple(max(classes[column.name]) + 1 for column in (left, right))
        if min(shape) > 1:
            codes = [coded(categories(column), classes[column.name]) for column in (left, right)]
            asked.append(
                Question(
                    Kind.PAIR,
                    (left.name, right.name),
                    shape,
                    f"SELECT {codes[0]} AS {a}, {codes[1]} AS {b}, COUNT(*) AS {n} "
                    f"FROM {table_name(policy)} GROUP BY {a}, {b}",
                )
            )
    return asked


def fine_questions(policy: DatasetPolicy, refined: Mapping[str, Sequence[Category]]) -> list[Question]:
    """Of the columns whose parts were cut finer (`refine.py`)."""
    part, n = labels(policy, "part", "n")
    return [
        Question(
            Kind.FINE,
            (name,),
            (len(parts),),
            f"SELECT {coded(parts, range(len(parts)))} AS {part}, COUNT(*) AS {n} "
            f"FROM {table_name(policy)} GROUP BY {part}",
        )
        for name, parts in refined.items()
    ]


def classes_by_column(policy: DatasetPolicy, shares: Mapping[str, Shares]) -> dict[str, list[int]]:
    """The classes of each column's categories; a key has more of them. What is empty is a class of its own,
    so that a mean of the others can be told."""
    made = {}
    for column in telling(policy):
        of, most = shares[column.name], MOST_KEY_CLASSES if column.role is Role.KEY else MOST_CLASSES
        empty = np.array([part.empty for part in categories(column)])
        if column.required or not empty.any():
            made[column.name] = classes_of(of, most)
            continue
        others = classes_of(of[~empty] / max(of[~empty].sum(), 1e-12), most)
        made[column.name] = [0, *[at + 1 for at in others]] if empty[0] else [*others, max(others) + 1]
    return made


def classes_of(shares: Shares, most: int = MOST_CLASSES) -> list[int]:
    """Neighbouring categories put together, so that each class holds about as much: `[category] -> class`."""
    if len(shares) <= most:
        return list(range(len(shares)))
    middles = np.cumsum(shares) - shares / 2
    raw = np.minimum((middles * most).astype(int), most - 1)
    return [int(place) for place in np.unique(raw, return_inverse=True)[1]]


def _rows_per_unit(policy: DatasetPolicy) -> Question:
    assert policy.unit is not None, "only a dataset with units is synthesised"
    most = min(policy.unit.max_rows, MOST_ROWS_TOLD)
    unit = quoted(policy.unit.column)
    size, n = labels(policy, "size", "n")
    sizes = f"SELECT {unit}, COUNT(*) AS {n} FROM {table_name(policy)} GROUP BY {unit}"
    branches = " ".join(f"WHEN {n} <= {upto} THEN {upto - 1}" for upto in range(1, most))
    code = f"CASE {branches} ELSE {most - 1} END" if most > 1 else f"CASE WHEN {n} <= 1 THEN 0 ELSE 0 END"
    return Question(
        Kind.ROWS_PER_UNIT,
        (),
        (most,),
        f"SELECT {code} AS {size}, COUNT(*) AS units FROM ({sizes}) AS u GROUP BY {size}",
    )


def _steady(policy: DatasetPolicy, column: Column, parts: Sequence[Category]) -> Question:
    assert policy.unit is not None
    unit, code = quoted(policy.unit.column), coded(parts, range(len(parts)))
    steady, n, low, high = labels(policy, "steady", "n", "lo", "hi")
    inner = (
        f"SELECT {unit}, COUNT(*) AS {n}, MIN({code}) AS {low}, MAX({code}) AS {high} "
        f"FROM {table_name(policy)} GROUP BY {unit}"
    )
    return Question(
        Kind.STEADY,
        (column.name,),
        (3,),
        f"SELECT CASE WHEN {n} <= 1 THEN 0 WHEN {low} = {high} THEN 1 ELSE 2 END AS {steady}, "
        f"COUNT(*) AS units FROM ({inner}) AS u GROUP BY {steady}",
    )


def labels(policy: DatasetPolicy, *wished: str) -> list[str]:
    """Names of an answer's columns that no column of the dataset has: GROUP BY would mean that one."""
    taken, found = {column.name for column in policy.columns}, []
    for name in wished:
        while name in taken:
            name += "_"  # noqa: PLW2901
        found.append(name)
    return found


def table_name(policy: DatasetPolicy) -> str:
    """The dataset as SQL names it."""
    return ".".join(quoted(part) for part in policy.dataset.split("."))
