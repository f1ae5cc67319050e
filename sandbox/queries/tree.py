"""The tree of a question, frozen. What is not a node here cannot be asked."""

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from datetime import date
from enum import StrEnum
from fractions import Fraction
from functools import cache
from typing import Any, TypeVar, cast, dataclass_transform

from sandbox.errors import Position

Value = str | int | bool | Fraction | date
NOWHERE = Position(1, 1)

Class = TypeVar("Class", bound=type)


@dataclass_transform(frozen_default=True)
def node(kind: Class) -> Class:
    """A frozen dataclass whose hash is computed once:
    trees are looked up by their whole content, again and again."""
    made: Any = dataclass(frozen=True)(kind)
    computed = made.__hash__

    def hashed(self: Any) -> int:
        known = self.__dict__.get("_hash")
        if known is None:
            known = self.__dict__["_hash"] = computed(self)
        return int(known)

    made.__hash__ = hashed
    return cast("Class", made)


@node
class Name:
    """A column, and where it was written. The place is no part of what the question means."""

    text: str
    # the name of the join that it is of (Join.name); "" for the dataset after FROM; "?" until bind has looked
    dataset: str = ""
    position: Position = field(default=NOWHERE, compare=False)
    # what a joined subquery has by this name, until then
    computed: "Expression | None" = field(default=None, compare=False)


DOUBLE, BIGINT = -1, -2
"""The kinds of a number beside decimals, whose kind is how many digits they have after the point."""
TO_DECIMAL = -3
"""Marks the 0 that a CAST to DECIMAL adds, and the power of ten of a ROUND to tens."""


@node
class Literal:
    value: Value
    position: Position = field(default=NOWHERE, compare=False)
    # as which kind of number it is written (types/number_kinds.py); None: as its value is
    digits: int | None = field(default=None, compare=False)

    def __eq__(self, other: object) -> bool:
        """TRUE and 1 are two values, which Python takes for one."""
        return (
            type(other) is Literal
            and isinstance(self.value, bool) is isinstance(other.value, bool)
            and self.value == other.value
        )

    def __hash__(self) -> int:
        return hash(self.value)


# --- numbers from numbers


class Operator(StrEnum):
    PLUS = "+"
    MINUS = "-"
    TIMES = "*"
    OVER = "/"  # empty where the right side is 0
    MODULO = "%"


@node
class Arithmetic:
    operator: Operator
    left: "Expression"
    right: "Expression"


@node
class GreatestLeast:
    """LEAST or GREATEST of its parts, empty ones left out."""

    greatest: bool
    parts: tuple["Expression", ...]


class Function(StrEnum):
    FLOOR = "floor"
    CEIL = "ceil"
    TRUNC = "trunc"
    ABS = "abs"
    SQRT = "sqrt"
    LN = "ln"
    EXP = "exp"
    SIN = "sin"
    COS = "cos"


@node
class Call:
    function: Function
    of: "Expression"
    # "//": a TRUNC only where what is divided are whole numbers, until bind has looked
    written: str = field(default="", compare=False)


@node
class Round:
    of: "Expression"
    digits: int = 0
    even: bool = False  # halves to the even neighbour, as a CAST does; else away from zero, as ROUND


# --- from texts and dates


class Part(StrEnum):
    YEAR = "year"
    QUARTER = "quarter"
    MONTH = "month"
    DAY = "day"
    DAYOFWEEK = "dayofweek"  # 0 is Sunday
    ISODOW = "isodow"  # 1 is Monday
    WEEK = "week"  # of ISO 8601
    DAYOFYEAR = "dayofyear"
    HOUR = "hour"  # this and the next of a timestamp only
    MINUTE = "minute"


@node
class DatePart:
    """A number of a date or timestamp; a year or a week is empty outside of the years 1 to 9999."""

    part: Part
    of: "Expression"


class Grain(StrEnum):
    YEAR = "year"
    QUARTER = "quarter"
    MONTH = "month"
    WEEK = "week"
    DAY = "day"
    HOUR = "hour"  # of a timestamp only


@node
class DateTrunc:
    """The first day of a date's (or timestamp's) year, quarter, month or week (which begins on Monday),
    the day of a timestamp, or a timestamp's full hour; empty outside of the years 1 to 9999."""

    grain: Grain
    of: "Expression"


@node
class DateDiff:
    """How many days, or ends of weeks, months, quarters or years, lie between two dates;
    empty outside of the years 1 to 9999."""

    grain: Grain
    start: "Expression"
    end: "Expression"


class Spelling(StrEnum):
    LOWER = "lower"
    UPPER = "upper"
    TRIM = "trim"
    LTRIM = "ltrim"
    RTRIM = "rtrim"


@node
class TextCase:
    spelling: Spelling
    of: "Expression"


@node
class Slice:
    """`length` characters of a text, from the character `start` (the first is 1),
    or the last characters where `start` is -`length`."""

    of: "Expression"
    start: int
    length: int


@node
class Length:
    of: "Expression"


@node
class Concat:
    """Texts one after the other, empty where any is;
    whole numbers, dates and booleans as they are written out."""

    parts: tuple["Expression", ...]


@node
class Replace:
    of: "Expression"
    old: str
    new: str


@node
class StringPosition:
    """At which character of a text a part of it begins (the first is 1); 0 where it is not in it."""

    of: "Expression"
    part: str


# --- choices


@node
class Coalesce:
    parts: tuple["Expression", ...]


@node
class Case:
    branches: tuple[tuple["Expression", "Expression"], ...]
    otherwise: "Expression | None"


# --- conditions


class Comparison(StrEnum):
    EQUAL = "="
    UNEQUAL = "<>"
    LESS = "<"
    AT_MOST = "<="
    MORE = ">"
    AT_LEAST = ">="


COMPARED: Mapping[Comparison, Callable[[Any, Any], bool]] = {
    Comparison.EQUAL: operator.eq,
    Comparison.UNEQUAL: operator.ne,
    Comparison.LESS: operator.lt,
    Comparison.AT_MOST: operator.le,
    Comparison.MORE: operator.gt,
    Comparison.AT_LEAST: operator.ge,
}


@node
class Compare:
    comparison: Comparison
    left: "Expression"
    right: "Expression"


@node
class In:
    of: "Expression"
    values: tuple[Literal, ...]


@node
class InPublic:
    """Whether a public table's column has the value: `x IN (SELECT column FROM table WHERE ...)`."""

    of: "Expression"
    column: Name
    where: "Expression | None" = None  # over the table's own columns


@node
class Like:
    of: "Expression"
    pattern: Literal


@node
class IsNull:
    of: "Expression"


@node
class Not:
    of: "Expression"


@node
class And:
    parts: tuple["Expression", ...]


@node
class Or:
    parts: tuple["Expression", ...]


# --- of groups of rows


class Aggregation(StrEnum):
    COUNT = "count"  # COUNT(*), or COUNT(x)
    COUNT_DISTINCT = "count_distinct"
    SUM = "sum"
    AVG = "avg"
    VARIANCE = "variance"  # of a sample: divided by n - 1
    VARIANCE_POP = "variance_pop"
    STDDEV = "stddev"
    STDDEV_POP = "stddev_pop"
    COVARIANCE = "covariance"
    COVARIANCE_POP = "covariance_pop"
    CORRELATION = "correlation"
    SLOPE = "slope"  # of the least-squares line: the first argument by the second
    INTERCEPT = "intercept"
    QUANTILE = "quantile"
    MIN = "min"
    MAX = "max"


@node
class Aggregate:
    """One value of each group, to be released with noise."""

    aggregation: Aggregation
    of: "Expression | None" = None  # None: COUNT(*)
    by: "Expression | None" = None  # the second argument of a covariance and its kin
    fraction: Fraction | None = None  # of a quantile: 1/2 is the median
    of_a_row: bool = False  # a quantile that is some row's value: QUANTILE_DISC; else it may lie between two
    position: Position = field(default=NOWHERE, compare=False)


@node
class UnitAggregate:
    """One value of each unit's rows (of each of its groups), before anything is mixed with others' rows."""

    aggregation: Aggregation
    of: "Expression | None" = None
    by: "Expression | None" = (
        None  # as in Aggregate; never of a unit's rows, but of groups (answer_windows.py)
    )
    fraction: Fraction | None = None
    position: Position = field(default=NOWHERE, compare=False)


@node
class UnitValue:
    """One value of all rows of a unit, beside each of them, whatever else chooses rows.

    `matched` are the columns by which rows find their unit's value, and `dataset` is whose rows they are,
    until bind has looked that it is the unit of the dataset that is asked; then they are empty.
    """

    of: UnitAggregate
    matched: tuple["Expression", ...] = ()
    dataset: str = ""


@node
class UnitKey:
    """What a unit's rows were grouped by, beside the unit."""

    of: "Expression"


# --- of groups of the answer


class WindowFunctionKind(StrEnum):
    SUM = "sum"
    AVG = "avg"
    MIN = "min"
    MAX = "max"
    COUNT = "count"  # of groups, or of those that have a value
    VALUE = "value"  # of the first group in reach: LAG, LEAD, FIRST_VALUE
    RANK = "rank"
    DENSE_RANK = "dense_rank"
    ROW_NUMBER = "row_number"


RANKS = (WindowFunctionKind.RANK, WindowFunctionKind.DENSE_RANK, WindowFunctionKind.ROW_NUMBER)


@node
class AnswerWindow:
    """One value over the groups of the answer that are alike in `within`:
    made of released numbers, it touches no data.

    In their `order`, it reaches from the `first` to the `last`, counted from the group's own place (None: to
    the end), and with `peers` to those that stand beside the last in the order.
    """

    over: WindowFunctionKind
    of: "Expression | None" = None  # None: COUNT(*), and ranks
    within: tuple["Expression", ...] = ()
    order: tuple["Expression", ...] = ()
    descending: tuple[bool, ...] = ()
    first: int | None = None
    last: int | None = None
    peers: bool = False
    position: Position = field(default=NOWHERE, compare=False)


Expression = (
    Name
    | Literal
    | Arithmetic
    | GreatestLeast
    | Call
    | Round
    | DatePart
    | DateTrunc
    | DateDiff
    | TextCase
    | Slice
    | Length
    | Concat
    | Replace
    | StringPosition
    | Coalesce
    | Case
    | Compare
    | In
    | InPublic
    | Like
    | IsNull
    | Not
    | And
    | Or
    | Aggregate
    | UnitAggregate
    | UnitValue
    | UnitKey
    | AnswerWindow
)


# --- the question


@node
class Join:
    """A table beside each row: those of its rows that pass `where` and whose `right` columns equal
    the `left` expressions.

    It stands there as `name`, which its columns' names say: a dataset that stands there
    again has another one.
    """

    dataset: str
    name: str
    left: tuple[Expression, ...]
    right: tuple[Name, ...]
    outer: bool  # LEFT JOIN: rows without a partner stay
    where: Expression | None = None
    position: Position = field(default=NOWHERE, compare=False)


@node
class PerUnit:
    """The rows of one unit become one row for each combination of `keys`, one of which is the unit;
    `where` is on these."""

    keys: tuple[Expression, ...]
    where: Expression | None = None


@node
class Output:
    """A column of the answer: made of group keys and aggregates."""

    name: str
    of: Expression


@node
class Ordering:
    by: Expression
    descending: bool


@node
class Afterwards:
    """What is done with released numbers: it touches no data and costs nothing. In this order."""

    sets: tuple[
        tuple[Expression, ...], ...
    ] = ()  # groups by each of these sets of keys, made of the groups by all; (): these
    having: Expression | None = None
    each: tuple[Expression, ...] | None = (
        None  # one row for each of these, made of all its groups; None: a row for each group
    )
    kept: Expression | None = None  # a condition on windows across groups
    order: tuple[Ordering, ...] = ()
    limit: int | None = None
    offset: int = 0

    @property
    def cut(self) -> bool:
        """Whether not all groups are shown."""
        return self.limit is not None or self.offset > 0


@node
class Question:
    dataset: str
    outputs: tuple[Output, ...]
    where: Expression | None = None
    keys: tuple[Expression, ...] = ()
    joins: tuple[Join, ...] = ()
    per_unit: PerUnit | None = None
    afterwards: Afterwards = Afterwards()
    pinned: tuple[
        tuple[str, int, Position], ...
    ] = ()  # versions that are asked for by number: they must be the current ones
    named: tuple[
        tuple[str, tuple[str, ...], Position], ...
    ] = ()  # what it groups by under a name that it gave, and the datasets that must have no such column


def both(one: Expression | None, other: Expression | None) -> Expression | None:
    """AND of what is there."""
    parts = [
        part
        for side in (one, other)
        if side is not None
        for part in (side.parts if isinstance(side, And) else (side,))
    ]
    return And(tuple(parts)) if len(parts) > 1 else parts[0] if parts else None


def all_of(conditions: tuple[Expression, ...]) -> Expression:
    """AND of one or more."""
    return conditions[0] if len(conditions) == 1 else And(conditions)


def _part_names(kind: Any) -> tuple[str, ...]:
    """The names of what a kind of node holds."""
    return tuple(part.name for part in fields(kind))


part_names: Callable[[Any], tuple[str, ...]] = cache(_part_names)


def members(expression: Expression) -> list[Expression]:
    """The expressions directly inside one, as often as they stand there."""

    def inside(value: Any) -> Iterator[Expression]:
        if isinstance(value, tuple):
            for member in value:
                yield from inside(member)
        elif isinstance(value, Expression):
            yield value

    return [member for name in part_names(type(expression)) for member in inside(getattr(expression, name))]


def walk(node: Any) -> Iterator[Any]:
    """Every node of a tree, or of a tuple of trees: what stands above first."""
    if isinstance(node, tuple):
        for member in node:
            yield from walk(member)
    elif is_dataclass(node):
        yield node
        for name in part_names(type(node)):
            yield from walk(getattr(node, name))


def rewritten(node: Any, rule: Callable[[Any], Any]) -> Any:
    """The tree with `rule` applied to every node: to a node first,
    and to its parts only where the rule left it as it was. What did not change is kept."""
    if isinstance(node, tuple):
        changed = tuple(rewritten(member, rule) for member in node)
        return node if all(map(operator.is_, changed, node)) else changed
    if not is_dataclass(node) or isinstance(node, type | Position):
        return node
    changed = rule(node)
    if changed is not node:
        return changed
    parts = {name: getattr(node, name) for name in part_names(type(node))}
    others = {name: other for name, part in parts.items() if (other := rewritten(part, rule)) is not part}
    return replace(node, **others) if others else node


def names_in(node: Any) -> set[Name]:
    """All columns that a question, or a part of one, mentions."""
    return {found for found in walk(node) if isinstance(found, Name)}
