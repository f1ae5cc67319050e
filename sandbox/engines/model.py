"""Defines an engine: it computes a plan's integer totals for every public cell, exactly the same on every
engine."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from fractions import Fraction
from typing import Protocol

import pyarrow as pa

from sandbox.catalog.model import KeyValue, Version
from sandbox.engines.open_query import OpenRows
from sandbox.queries import Plan
from sandbox.queries.plan.partition_selection import PartitionSelection
from sandbox.queries.plan.plan import Total
from sandbox.queries.types.scope import BoundsEstimation

Cells = dict[Total, list[int]]
"""For each total, one exact integer per cell (and bin), in the order of the keys' values, the last fastest;
then bins."""

UnitsByValue = dict[KeyValue, int]
"""By each value of a key, the weights of the units that have it (partition_selection.py), or their number:
as secret as totals."""


class Engine(Protocol):
    def place(self) -> AbstractContextManager[None]:
        """Wait until this engine has room for one more question, and keep the place for the block.

        Raises `Unavailable` where that takes too long.
        """
        ...

    def warm(self, version: Version, *joined: Version) -> None:
        """Have a private version's rows ready, and those that are joined to it,
        before anybody waits for an answer from them."""
        ...

    def load(self) -> float:
        """How many times longer than on a quiet machine computing takes now,
        by a probe that touches no row."""
        ...

    def check(self) -> None:
        """Whether it can compute on this machine. Raises `Unavailable` with the reason where it cannot."""
        ...

    def close(self) -> None:
        """End what it started."""
        ...

    def public_values(self, version: Version, column: str, where: str) -> tuple[KeyValue, ...]:
        """The distinct values of a column of an open dataset, in order,
        `where` a condition of expression_sql's holds.

        Raises `QueryRefused` for too many.
        """
        ...

    def public_extent(self, version: Version, column: str) -> tuple[Fraction, Fraction] | None:
        """The least and the greatest number of a column of an open dataset;
        None where there is none, or one is not finite."""
        ...

    def public_once(self, version: Version, columns: tuple[str, ...]) -> bool:
        """Whether no two rows of an open dataset have the same values in these columns."""
        ...

    def public_fan_out(self, version: Version, columns: tuple[str, ...]) -> int:
        """How many rows of an open dataset have the same values in these columns, at most."""
        ...

    def public_has_empty(self, version: Version, column: str, where: str) -> bool:
        """Whether a column of an open dataset is empty in a row of which `where` holds,
        as `public_values` takes it."""
        ...

    def answer_openly(self, sql: str, tables: Mapping[str, Version]) -> OpenRows:
        """A checked question on open datasets alone, each by the name that the SQL has for it, exactly.

        Raises `InvalidInput` where the engine cannot answer it, or where it is too large, and
        `Unavailable` as `place` does.
        """
        ...

    def units_by_value(
        self,
        discovery: PartitionSelection | BoundsEstimation,
        version: Version,
        *,
        seconds: float,
        computing_seconds: float,
        choice: str | None,
    ) -> UnitsByValue:
        """The exact numbers from which a key's values or a column's bounds are found,
        before noise and threshold: the sums of the units' weights, or without a `choice` how many units have
        each. (compile.compile_partition_selection)

        Raises as `totals` does.
        """
        ...

    def totals(self, plan: Plan, *, seconds: float, computing_seconds: float) -> Cells:
        """The exact totals, before noise: the most secret numbers there are. They never leave the vault.

        Raises, whatever, when it is not done after `seconds` on the clock, or `computing_seconds` of its
        own processors' time.
        """
        ...

    def brought(self, plan: Plan, *, seconds: float, computing_seconds: float) -> pa.Table:
        """The units behind the totals of a plan of counts: `name` (of the unit), k0, k1, ... (the places of
        the keys' values), t0, t1, ... (what the unit contributes to each total in that cell). As secret as
        rows. Raises as `totals` does.
        """
        ...
