"""Defines the columns that a question can use: those of the private dataset, and those of the datasets that
are joined to it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from math import isqrt, prod

from sandbox.catalog.model import Column, DatasetPolicy, KeyValue, Role, Version
from sandbox.errors import QueryRefused
from sandbox.queries.tree import Expression, Name, node
from sandbox.queries.types.limits import Limits
from sandbox.queries.weights import WEIGHT

SHOWN = tuple(role for role in Role if role is not Role.HIDDEN)


@dataclass(frozen=True)
class PublicTable:
    """An open dataset that is joined.
    `values` gives the distinct values of one of its columns, in order, among all its rows or those that pass
    a condition (SQL of expression_sql's over its rows `r`): they are public.

    `once` says whether no two of its rows have the same values in some columns: then no row that
    is joined multiplies.
    """

    version: Version
    values: Callable[[str, str], tuple[KeyValue, ...]] = field(compare=False)
    once: Callable[[tuple[str, ...]], bool] = field(compare=False, default=lambda _: False)
    outer: bool = False  # LEFT JOIN: its columns may be empty
    extent: Callable[[str], tuple[Fraction, Fraction] | None] = field(compare=False, default=lambda _: None)
    """The least and the greatest number of a column; None where there is none, or one is not finite."""
    fan_out: Callable[[tuple[str, ...]], int | None] = field(compare=False, default=lambda _: None)
    """How many of its rows have the same values in some columns, at most; None where that is not known."""
    has_empty: Callable[[str, str], bool] = field(compare=False, default=lambda _column, _where: False)
    """Whether a column is empty in any of its rows, or of those that pass a condition
    (as `values` takes it)."""

    def has_once(self, names: tuple[Name, ...]) -> bool:
        return self.once(tuple(name.text for name in names))


@dataclass(frozen=True)
class PrivateTable:
    """Another private dataset about the same units, joined on the unit:
    beside a unit's rows stand only its own."""

    version: Version
    outer: bool = False

    def has_once(self, _: tuple[Name, ...]) -> bool:
        return False


@node
class BoundsEstimation:
    """A column whose bounds are found in the data: from how many units have values of each size
    (bounds_estimation.py)."""

    of: Name
    whole: bool

    @property
    def name(self) -> str:
        return f"bounds:{self.of.text}"

    def stored_as(self, max_rows: int) -> str:
        """The name that its bounds are stored under since the first release,
        so that what was bought then is free now."""
        return f"bounds/{min(2, isqrt(max_rows)) ** 2}:{self.of.text}"

    @property
    def sensitivity(self) -> int:
        """How far one unit moves the sums of weights by size, in L2."""
        return WEIGHT


@dataclass(frozen=True)
class Scope:
    policy: DatasetPolicy
    joined: Mapping[str, PublicTable | PrivateTable] = field(default_factory=dict)
    # keys bought before: partition_selection.py
    found: Mapping[Expression, tuple[KeyValue, ...]] = field(default_factory=dict)
    # x IN (SELECT column FROM a public table)
    looked_up: Mapping[str, PublicTable] = field(default_factory=dict)
    # bounds that no policy has
    bought: Mapping[Name, tuple[Fraction, Fraction]] = field(default_factory=dict)
    unbought: tuple[BoundsEstimation, ...] = ()  # those that are only assumed so far
    # what the question's filters say of numbers
    limits: Mapping[Expression, Limits] = field(default_factory=dict)
    assumed_rows: int | None = (
        None  # of one unit, at most, where something else than the policies' limit is assumed
    )

    @property
    def max_rows(self) -> int:
        assert self.policy.unit is not None
        return self.policy.unit.max_rows

    @property
    def max_joined_rows(self) -> int:
        """How many rows of one unit count in full, after the joins.

        Each of a unit's rows may meet every row that the unit has in a private dataset that is joined: so the
        limits of all of them are multiplied, in whichever order they stand.
        """
        if self.assumed_rows is not None:
            return self.assumed_rows
        units = (
            table.version.policy.unit for table in self.joined.values() if isinstance(table, PrivateTable)
        )
        return self.max_rows * prod(unit.max_rows for unit in units if unit is not None)

    @property
    def private(self) -> list[Version]:
        """The versions of the private datasets that are joined, beside the one after FROM."""
        found = {
            table.version.dataset: table.version
            for table in self.joined.values()
            if isinstance(table, PrivateTable)
        }
        return [version for dataset, version in found.items() if dataset != self.policy.dataset]

    def is_public(self, name: Name) -> bool:
        """Whether a column is of an open dataset."""
        return isinstance(self.joined.get(name.dataset), PublicTable)

    def column(self, name: Name) -> Column:
        """The column of a name. Raises `QueryRefused` for one that there is not, or that is hidden."""
        policy = self.joined[name.dataset].version.policy if name.dataset else self.policy
        column = policy.column(name.text)
        if column is None or column.role is Role.HIDDEN:
            raise QueryRefused(
                f"The column {name.text}",
                f"{policy.dataset} has no such column that may be used.",
                instead=f"It has: {usable(policy, *SHOWN)}.",
                position=name.position,
                construct_zh=f"栏目 {name.text}",
                why_zh=f"{policy.dataset} 没有可用的这个栏目。",
                instead_zh=f"现有：{usable(policy, *SHOWN, none='（无）')}。",
            )
        return column

    def owner(self, name: Name) -> Expression:
        """A name that was written without its table: with the one dataset that has it,
        or what a joined subquery has by it."""
        sources = {"": self.policy} | {
            dataset: table.version.policy for dataset, table in self.joined.items()
        }
        owners = [
            dataset
            for dataset, policy in sources.items()
            if (column := policy.column(name.text)) and column.role is not Role.HIDDEN
        ]
        if len(owners) > 1 and all(self.column(Name(name.text, owner)).role is Role.UNIT for owner in owners):
            owners = [""]  # joined on it: it is the same
        computed = name.computed
        if owners == [""] and isinstance(computed, Name) and self.column(computed).role is Role.UNIT:
            computed = None  # a subquery's unit, joined on it
        if len(owners) + (computed is not None) > 1:
            raise QueryRefused(
                f"The column {name.text}",
                "several of the joined datasets have it.",
                instead="Write its table before it: t.column.",
                position=name.position,
                construct_zh=f"栏目 {name.text}",
                why_zh="所联的几个数据集都有它。",
                instead_zh="请在前面写明所属的表：t.column。",
            )
        return computed or Name(name.text, owners[0] if owners else "", name.position)


def usable(policy: DatasetPolicy, *roles: Role, none: str = "(there are none)") -> str:
    """The names of the columns of these roles; `none` where there are none."""
    return ", ".join(column.name for column in policy.columns if column.role in roles) or none
