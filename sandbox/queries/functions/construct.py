"""Defines a construct of SQL: one record with every facet that the compiler and the bounds on its cost
need."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from sandbox.catalog.model import Type
from sandbox.queries.tree import Expression, Name

Types = frozenset[Type]

NUMERIC: Types = frozenset({Type.INTEGER, Type.NUMBER})
TEXT: Types = frozenset({Type.TEXT})
BOOLEAN: Types = frozenset({Type.BOOLEAN})
DATE: Types = frozenset({Type.DATE})
MOMENT: Types = frozenset({Type.DATE, Type.TIMESTAMP})
TIMESTAMP: Types = frozenset({Type.TIMESTAMP})
WRITABLE: Types = frozenset({Type.TEXT, Type.INTEGER, Type.DATE, Type.BOOLEAN})
ANY: Types = frozenset(Type)

FIXED_WIDTH = 8
"""Bytes of every value that is no text: a DOUBLE, a BIGINT, a TIMESTAMP; a date and a boolean have fewer."""

BYTES_OF_A_CHARACTER = 4
"""The most bytes of one character in UTF-8 (RFC 3629)."""


class SqlWriter(Protocol):
    """What a construct's SQL is made of: the SQL of its arguments, over the rows that are asked."""

    def value(self, expression: Expression) -> str:
        """What is computed with: a column is clamped to its bounds."""

    def raw(self, expression: Expression) -> str:
        """What is compared: a column as it is, numbers as DOUBLE."""

    def stored(self, expression: Expression) -> str:
        """The value of a column, or of a unit's rows, clamped to its bounds."""

    def type_of(self, expression: Expression) -> Type: ...

    def integer_column(self, expression: Expression) -> str | None:
        """A whole number's column as it lies (BIGINT); None for everything else."""

    def partner(self, name: Name) -> str | None:
        """For the unit's column: the column that is empty where a row has no partner; None for another."""


class Widths(Protocol):
    """How many bytes the arguments of a construct have at most."""

    def width(self, expression: Expression) -> int:
        """Of a value."""

    def written(self, expression: Expression) -> int:
        """Of a value written out as a text."""

    def column(self, name: Name) -> int:
        """Of a column's values, by its policy."""


class Result(StrEnum):
    """A result's type where it follows from the arguments."""

    OF_ARGUMENTS = "of_arguments"
    NUMERIC = "numeric"  # INTEGER or NUMBER: value_ranges.py says which
    OF_COLUMN = "of_column"


@dataclass(frozen=True)
class Construct:
    """One row-level construct: a class of `tree.py`, or one member of the enum that it has.

    `takes` are the types of the arguments in their order; with `repeated` the last stands for any number of
    arguments. `totality` states the value where the engine's own function would raise or be undefined.
    `width` is the most bytes of the result, `steps` the most bytes that computing it once touches, without
    its arguments' own; both follow from the arguments' widths and from what the question writes out, never
    from a row. `said` is how often the SQL repeats each argument, which is how often it may be computed.
    """

    name: str
    node: type
    takes: tuple[Types, ...]
    gives: Type | Result
    totality: str
    width: Callable[[Any, Widths], int]
    steps: Callable[[Any, Widths], int]
    sql: Callable[[Any, SqlWriter], str]
    member: StrEnum | bool | None = None
    repeated: bool = False
    said: int = 1


def fixed(_: Any, __: Widths) -> int:
    """The width of what is no text, and the steps of what looks at fixed widths only."""
    return FIXED_WIDTH
