"""Computes how much a row counts: one whole number for each unit, made from its own rows alone (the proof:
weights.md)."""

from itertools import combinations, islice

import numpy as np
import numpy.typing as npt

from sandbox.catalog.model import DatasetPolicy, Role
from sandbox.catalog.read_table import quoted

Norms = npt.NDArray[np.int64]

WEIGHT = 1024
"""What a row in full counts."""

MOST_STORED = 32
"""So many sets of keys have their weights beside the rows;
the weights of others are computed when they are asked for."""


def weight_column(keys: tuple[str, ...]) -> str:
    return quoted(":".join(["unit:weight", *keys]))


def weight_of(rows_in_cell: str, max_rows: int) -> str:
    """A unit's weight from how many rows it has in each cell:
    the largest w with w**2 * sum(n**2) <= (WEIGHT * max_rows)**2.

    The root is exact wherever it is below WEIGHT: its argument is then a whole number below 2**20.
    """
    norm = f"sum(CAST({rows_in_cell} AS HUGEINT) * {rows_in_cell})"
    return (
        f"CAST(least({WEIGHT}, floor(sqrt(CAST({(WEIGHT * max_rows) ** 2} // {norm} AS "
        "DOUBLE)))) AS SMALLINT)"
    )


def weights_of(norms: Norms, max_rows: int) -> Norms:
    """The same for many units at once, from the sum of n**2 of each; of a unit without rows, any."""
    shares = (WEIGHT * max_rows) ** 2 // np.maximum(norms, 1)
    return np.minimum(WEIGHT, np.floor(np.sqrt(shares.astype(np.float64)))).astype(np.int64)


def stored_sets(policy: DatasetPolicy) -> list[tuple[str, ...]]:
    """The sets of keys whose weights lie beside the rows, the smallest first, each in the policy's order."""
    keys = [column.name for column in policy.columns if column.role is Role.KEY]
    every = (kept for size in range(len(keys) + 1) for kept in combinations(keys, size))
    return list(islice(every, MOST_STORED))
