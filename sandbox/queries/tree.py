"""What may a question say? A frozen tree: what is not a node here cannot be asked."""

from dataclasses import dataclass, field, fields, is_dataclass
from datetime import date
from enum import StrEnum
from fractions import Fraction
from typing import Any

from sandbox.errors import Position

Value = str | int | bool | Fraction | date
NOWHERE = Position(1, 1)


@dataclass(frozen=True)
class Name:
    """A column, and where it was written. The place is no part of what the question means."""

    text: str
    position: Position = field(default=NOWHERE, compare=False)


@dataclass(frozen=True)
class Literal:
    value: Value
    position: Position = field(default=NOWHERE, compare=False)


class Comparison(StrEnum):
    EQUAL = "="
    UNEQUAL = "<>"
    LESS = "<"
    AT_MOST = "<="
    MORE = ">"
    AT_LEAST = ">="


@dataclass(frozen=True)
class Compare:
    comparison: Comparison
    left: Name
    right: Name | Literal


@dataclass(frozen=True)
class Between:
    column: Name
    low: Literal
    high: Literal


@dataclass(frozen=True)
class In:
    column: Name
    values: tuple[Literal, ...]


@dataclass(frozen=True)
class Like:
    column: Name
    pattern: Literal


@dataclass(frozen=True)
class IsNull:
    column: Name


@dataclass(frozen=True)
class Is:
    """A boolean column by itself: true where it is true."""

    column: Name


@dataclass(frozen=True)
class Not:
    of: "Condition"


@dataclass(frozen=True)
class And:
    parts: tuple["Condition", ...]


@dataclass(frozen=True)
class Or:
    parts: tuple["Condition", ...]


Condition = Compare | Between | In | Like | IsNull | Is | Not | And | Or


class Aggregation(StrEnum):
    COUNT = "count"  # COUNT(*), or COUNT(x) with a column
    COUNT_DISTINCT = "count_distinct"  # of the privacy unit
    SUM = "sum"
    AVG = "avg"


@dataclass(frozen=True)
class Aggregate:
    aggregation: Aggregation
    column: Name | None  # None: COUNT(*)
    position: Position = field(default=NOWHERE, compare=False)


@dataclass(frozen=True)
class Output:
    """A column of the answer: a group key or an aggregate, under a name."""

    name: str
    of: Name | Aggregate


@dataclass(frozen=True)
class Having:
    """Keep the groups whose released value compares so with a number; one that is withheld does not."""

    output: str
    comparison: Comparison
    value: Fraction


@dataclass(frozen=True)
class Ordering:
    output: str
    descending: bool


@dataclass(frozen=True)
class Afterwards:
    """What is done with released numbers: it touches no data and costs nothing. All of `having` must hold."""

    having: tuple[Having, ...] = ()
    order: tuple[Ordering, ...] = ()
    limit: int | None = None


@dataclass(frozen=True)
class Question:
    dataset: str
    outputs: tuple[Output, ...]
    where: Condition | None
    keys: tuple[Name, ...]
    afterwards: Afterwards = Afterwards()


def column_names(node: Any) -> set[str]:
    """The names of all columns that a question, or a part of one, mentions."""
    if isinstance(node, Name):
        return {node.text}
    if isinstance(node, tuple):
        return {name for member in node for name in column_names(member)}
    if is_dataclass(node):
        return {name for part in fields(node) for name in column_names(getattr(node, part.name))}
    return set()
