"""Writes an expression in the engine's SQL: every number as DOUBLE, every function total, so that no row can
make it fail.

`value` is the form for computing: a column is first clamped to its bounds. `raw` is the form for comparing:
the column as it is. The engine's DOUBLE arithmetic gives infinities and NaN rather than errors, and whatever
is added up is clamped last. The SQL of each construct is in the registry (functions/). This module holds what
depends on the rows that are asked.
"""

from datetime import date
from fractions import Fraction
from math import ceil, floor

from sandbox.catalog.model import Bounds, KeyValue, Role, Type
from sandbox.catalog.read_table import quoted
from sandbox.queries.functions.conditions import compared
from sandbox.queries.functions.literals import LARGEST, double, literal, whole_number
from sandbox.queries.functions.registry import construct_of
from sandbox.queries.tree import (
    Aggregation,
    Case,
    Coalesce,
    Expression,
    Literal,
    Name,
    UnitAggregate,
    UnitKey,
    UnitValue,
)
from sandbox.queries.types.scope import Scope
from sandbox.queries.types.value_ranges import any_without_bounds, is_chosen_whole, range_of

UNIT = quoted("unit:code")
"""The column that says whose a row is: layout.py."""


class ExpressionWriter:
    """Writes expressions over the rows, or over units' groups, whose columns `of_units` says by name."""

    def __init__(self, scope: Scope, of_units: dict[Expression, str] | None = None) -> None:
        self.scope = scope
        self.of_units = of_units or {}
        self.aliases = {dataset: f"p{place}" for place, dataset in enumerate(scope.joined)}

    def column(self, name: Name) -> str:
        return f"{self.aliases[name.dataset] if name.dataset else 'r'}.{quoted(name.text)}"

    def raw(self, expression: Expression) -> str:
        """As it is in the row; numbers as DOUBLE, so that whole and other numbers compare without a
        cast that could fail."""
        match expression:
            case Name():
                column = self.column(expression)
                numeric = self.scope.column(expression).type in (Type.INTEGER, Type.NUMBER)
                return f"CAST({column} AS DOUBLE)" if numeric else column
            case UnitKey() if is_chosen_whole(expression, self.scope):
                return f"CAST({self.of_units[expression]} AS DOUBLE)"
            case UnitAggregate() | UnitKey() | UnitValue():
                return self.of_units[expression]
        return self.value(expression)

    def value(self, expression: Expression) -> str:
        return construct_of(expression).sql(expression, self)

    def stored(self, expression: Expression) -> str:
        """A column, or a value of a unit's rows, clamped to its bounds."""
        if isinstance(expression, UnitKey) and not isinstance(expression.of, Name):
            return self.raw(expression)
        raw, found = self.raw(expression), range_of(expression, self.scope)
        if not found.numeric or found.low is None or found.high is None:
            return raw
        low, high = double(found.low), double(found.high)
        inner = expression.of if isinstance(expression, UnitKey) else expression
        if isinstance(inner, Name) and self.scope.column(inner).role is Role.KEY:
            return f"CASE WHEN {raw} BETWEEN {low} AND {high} THEN {raw} END"
        return f"CASE WHEN {raw} IS NULL THEN NULL ELSE least(greatest({raw}, {low}), {high}) END"

    def type_of(self, expression: Expression) -> Type:
        return range_of(expression, self.scope).type

    def integer_column(self, expression: Expression) -> str | None:
        is_one = isinstance(expression, Name) and self.scope.column(expression).type is Type.INTEGER
        return self.column(expression) if isinstance(expression, Name) and is_one else None

    def as_it_lies(self, expression: Expression) -> str | None:
        """A whole number of any size (BIGINT), where it is chosen and not computed: a DOUBLE would make two
        of them one. None for everything else."""
        return self._chosen_whole(expression) if is_chosen_whole(expression, self.scope) else None

    def _chosen_whole(self, expression: Expression) -> str:
        match expression:
            case Case((), None):
                return "CAST(NULL AS BIGINT)"
            case Case(branches, otherwise):
                parts = " ".join(
                    f"WHEN {self.value(condition)} THEN {self._chosen_whole(then)}"
                    for condition, then in branches
                )
                return (
                    f"CASE {parts}{'' if otherwise is None else f' ELSE {self._chosen_whole(otherwise)}'} END"
                )
            case Coalesce(parts):
                return f"coalesce({', '.join(self._chosen_whole(part) for part in parts)})"
            case Literal(value):
                return f"CAST({value} AS BIGINT)"
            case UnitKey() if any_without_bounds(expression, self.scope):
                return self.of_units[expression]
        if any_without_bounds(expression, self.scope):
            assert isinstance(expression, Name)
            return self.column(expression)
        number, most = self.value(expression), str(int(LARGEST))
        return f"CASE WHEN {number} IS NOT NULL THEN {whole_number(number, f'-{most}', most)} END"

    def partner(self, name: Name) -> str | None:
        if self.scope.column(name).role is not Role.UNIT:
            return None
        return f"{self.aliases[name.dataset] if name.dataset else 'r'}.{UNIT}"

    def compared(self, *parts: Expression) -> list[str]:
        """What is compared with each other: see functions/conditions.py."""
        return compared(self, *parts)

    def steps(self, expression: Expression, bounds: Bounds, zero: Fraction) -> str:
        """A row's whole number of steps from `zero`. Empty stays empty."""
        offset = zero / bounds.step
        own = (
            self.scope.column(expression).bounds
            if isinstance(expression, Name) and not expression.dataset
            else None
        )
        if (
            own is not None
            and isinstance(expression, Name)
            and offset.denominator == 1
            and own.step == bounds.step
        ):
            stored = f"r.{quoted(f'steps:{expression.text}')}"  # layout.py
            if own != bounds:  # the filter leaves only a part of the column's bounds
                least, most = int(bounds.low / bounds.step), int(bounds.high / bounds.step)
                stored = (
                    f"CASE WHEN {stored} IS NULL THEN NULL ELSE "
                    f"least(greatest({stored}, {least}), {most}) END"
                )
            return f"({stored} - {int(offset)})" if offset else stored
        return self.computed_steps(expression, bounds, zero)

    def computed_steps(self, expression: Expression, bounds: Bounds, zero: Fraction) -> str:
        """The same, computed for each row: clamped as a value, and again as a whole number."""
        value = self.value(expression)
        clamped = f"least(greatest({value}, {double(bounds.low)}), {double(bounds.high)})"
        offset = f"({clamped} - {double(zero)}) / {double(bounds.step)}"
        least, most = floor((bounds.low - zero) / bounds.step), ceil((bounds.high - zero) / bounds.step)
        return f"CASE WHEN {value} IS NULL THEN NULL ELSE {whole_number(offset, str(least), str(most))} END"

    def unit_aggregate(self, aggregate: UnitAggregate, bounds: Bounds | None) -> str:
        """One value of a unit's rows, exactly: sums are of whole steps,
        so that they do not depend on the order of rows."""
        of = aggregate.of
        if of is None:
            return "CAST(count(*) AS DOUBLE)"
        value = self.value(of)
        match aggregate.aggregation:
            case Aggregation.COUNT:
                return f"CAST(count({value}) AS DOUBLE)"
            case Aggregation.COUNT_DISTINCT:
                return f"CAST(count(DISTINCT {self.as_it_lies(of) or value}) AS DOUBLE)"
            case Aggregation.MIN | Aggregation.MAX:
                return f"{aggregate.aggregation.value}({value})"
        assert bounds is not None
        total = f"CAST(sum({self.steps(of, bounds, Fraction(0))}) AS DOUBLE) * {double(bounds.step)}"
        return total if aggregate.aggregation is Aggregation.SUM else f"{total} / nullif(count({value}), 0)"


MOST_IN_A_LIST = 64


def code_of(value: str, values: tuple[KeyValue, ...]) -> str:
    """The place of a value among a key's public values, from 0; NULL for any other value."""
    return f"list_position([{', '.join(literal(known) for known in values)}], {value}) - 1"


def looked_up(values: tuple[KeyValue, ...]) -> bool:
    """Whether the places of values are better found in a table:
    there are many, and no two of them are equal in the engine."""
    return len(values) > MOST_IN_A_LIST and all(
        isinstance(value, str | date) or abs(value) < LARGEST for value in values
    )


def places_of(values: tuple[KeyValue, ...]) -> str:
    """That table: `value` and `code`. A search through a long list for every row would be slow."""
    return (
        f"(SELECT unnest([{', '.join(map(literal, values))}]) AS value, unnest(range({len(values)})) AS code)"
    )
