"""Rows about units as they pass through a derivation: each part of it is a relation, written as the engine's
SQL, with what the rules need to know of its columns."""

from dataclasses import dataclass

from sandbox.catalog.model import Column

Origin = tuple[str, str]
"""A column of an input: (dataset, column)."""


@dataclass(frozen=True)
class RelationColumn:
    """A column, and from which columns of the inputs its values come. `column` has its name, type and, of a
    text, the most characters."""

    column: Column
    origins: frozenset[Origin]

    @property
    def name(self) -> str:
        return self.column.name


@dataclass(frozen=True)
class Relation:
    """Rows about the units of one population.

    `sql`: a SELECT of all columns, the unit's first. `unit`: the name of its column. `most_rows`: how many
    rows of a unit count, by the policies; `once`: no unit has two, whatever the rows are. `filters`: the
    columns of the inputs that choose rows. `datasets`: the versions that were read.
    """

    sql: str
    unit: str
    columns: tuple[RelationColumn, ...]
    most_rows: int
    once: bool
    filters: frozenset[Origin]
    datasets: frozenset[tuple[str, int]]

    def column(self, name: str) -> RelationColumn | None:
        return next((column for column in self.columns if column.name == name), None)
