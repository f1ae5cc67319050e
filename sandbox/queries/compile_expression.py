"""How does an expression read in the engine's SQL? Every number as DOUBLE, every function total: no row can make it fail.

`value` is what is computed with: a column is first clamped to its bounds. `raw` is what is compared: the column as it is.
The engine's DOUBLE arithmetic gives infinities and NaN rather than errors, and whatever is added up is clamped last.
"""

from datetime import date, datetime
from fractions import Fraction
from math import ceil, floor

from sandbox.catalog.model import Bounds, KeyValue, Role, Type
from sandbox.catalog.read_table import quoted
from sandbox.queries.ranges import LARGEST, range_of
from sandbox.queries.scope import Scope
from sandbox.queries.tree import (
    Aggregation,
    And,
    Arithmetic,
    Call,
    Case,
    Coalesce,
    Compare,
    Concat,
    DateDiff,
    DatePart,
    DateTrunc,
    Expression,
    Extreme,
    Function,
    Grain,
    In,
    IsNull,
    Length,
    Like,
    Literal,
    Name,
    Not,
    OfUnit,
    Operator,
    Or,
    Part,
    PlaceOf,
    Replace,
    Round,
    Slice,
    Spelled,
    UnitAggregate,
    UnitKey,
    Value,
)

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
        """As it is in the row; numbers as DOUBLE, so that whole and other numbers compare without a cast that could fail."""
        match expression:
            case Name():
                column = self.column(expression)
                numeric = self.scope.column(expression).type in (Type.INTEGER, Type.NUMBER)
                return f"CAST({column} AS DOUBLE)" if numeric else column
            case UnitAggregate() | UnitKey() | OfUnit():
                return self.of_units[expression]
        return self.value(expression)

    def value(self, expression: Expression) -> str:
        match expression:
            case Name() | UnitAggregate() | OfUnit():
                return self._clamped(expression)
            case UnitKey(of):
                return self.of_units[expression] if not isinstance(of, Name) else self._clamped(expression)
            case Literal(value):
                return literal(value)
            case Arithmetic(operator, left, right):
                first, second = self.value(left), self.value(right)
                if operator is Operator.OVER and not isinstance(right, Literal):
                    second = f"nullif({second}, 0)"
                return f"({first} {operator.value} {second})"
            case Extreme(greatest, parts):
                compared = ", ".join(self.raw(part) if isinstance(part, UnitAggregate | OfUnit) else self.value(part)
                                     for part in parts)
                return f"{'greatest' if greatest else 'least'}({compared})"
            case Call(function, of):
                return self._call(function, self.value(of))
            case Round(of, digits, even):
                return f"{'round_even' if even else 'round'}({self.value(of)}, {digits})"
            case DatePart(part, of):
                number = f"CAST({part.value}({self.value(of)}) AS DOUBLE)"
                return f"CASE WHEN {number} BETWEEN 1 AND 9999 THEN {number} END" if part is Part.YEAR else number
            case DateTrunc(grain, of):
                at, kind = self.value(of), range_of(of, self.scope).type
                whole = "TIMESTAMP" if grain is Grain.HOUR else "DATE"
                return f"CASE WHEN {told_years(at, kind)} THEN CAST(date_trunc('{grain.value}', {at}) AS {whole}) END"
            case DateDiff(grain, start, end):
                first, last = self.value(start), self.value(end)
                within = " AND ".join(f"{day} BETWEEN DATE '0001-01-01' AND DATE '9999-12-31'" for day in (first, last))
                return f"CASE WHEN {within} THEN CAST(date_diff('{grain.value}', {first}, {last}) AS DOUBLE) END"
            case Spelled(spelling, of):
                return f"{spelling.value}({self.value(of)})"
            case Slice(of, start, length) if start < 0:
                return f"right({self.value(of)}, {length})"
            case Slice(of, start, length):
                return f"substring({self.value(of)}, {start}, {length})"
            case Length(of):
                return f"CAST(length({self.value(of)}) AS DOUBLE)"
            case Concat(parts):
                return f"({' || '.join(map(self.text, parts))})"
            case Replace(of, old, new):
                return f"replace({self.value(of)}, {literal(old)}, {literal(new)})"
            case PlaceOf(of, part):
                return f"CAST(strpos({self.value(of)}, {literal(part)}) AS DOUBLE)"
            case Coalesce(parts):
                return f"coalesce({', '.join(map(self.value, parts))})"
            case Case(branches, otherwise):
                if not branches:
                    return "NULL"
                said = " ".join(f"WHEN {self.value(condition)} THEN {self.value(then)}" for condition, then in branches)
                return f"CASE {said}{f' ELSE {self.value(otherwise)}' if otherwise is not None else ''} END"
        return self._condition(expression)

    def text(self, expression: Expression) -> str:
        """A part of a text: what is not one is written out, as `ranges` says that it can be without fail."""
        kind = range_of(expression, self.scope).type
        if kind is Type.INTEGER and isinstance(expression, Name) and self.scope.column(expression).type is Type.INTEGER:
            return f"CAST({self.column(expression)} AS VARCHAR)"
        if kind is Type.INTEGER:  # a row that does not pass the filter may lie outside of the limits that the filter sets
            number = self.value(expression)
            whole = f"CAST(round(least(greatest({number}, -{int(LARGEST)}), {int(LARGEST)})) AS BIGINT)"
            return f"CASE WHEN {number} IS NOT NULL THEN CAST({whole} AS VARCHAR) END"
        return self.value(expression) if kind is Type.TEXT else f"CAST({self.raw(expression)} AS VARCHAR)"

    def steps(self, expression: Expression, bounds: Bounds, zero: Fraction) -> str:
        """A row's whole number of steps from `zero`. Empty stays empty."""
        offset = zero / bounds.step
        own = self.scope.column(expression).bounds if isinstance(expression, Name) and not expression.dataset else None
        if own is not None and isinstance(expression, Name) and offset.denominator == 1 and own.step == bounds.step:
            stored = f"r.{quoted(f'steps:{expression.text}')}"  # layout.py
            if own != bounds:  # the filter leaves only a part of the column's bounds
                least, most = int(bounds.low / bounds.step), int(bounds.high / bounds.step)
                stored = f"CASE WHEN {stored} IS NULL THEN NULL ELSE least(greatest({stored}, {least}), {most}) END"
            return f"({stored} - {int(offset)})" if offset else stored
        return self.computed_steps(expression, bounds, zero)

    def computed_steps(self, expression: Expression, bounds: Bounds, zero: Fraction) -> str:
        """The same, computed for each row: clamped as a value, and again as a whole number."""
        value = self.value(expression)
        clamped = f"least(greatest({value}, {double(bounds.low)}), {double(bounds.high)})"
        whole = f"CAST(round(({clamped} - {double(zero)}) / {double(bounds.step)}) AS BIGINT)"
        least, most = floor((bounds.low - zero) / bounds.step), ceil((bounds.high - zero) / bounds.step)
        return f"CASE WHEN {value} IS NULL THEN NULL ELSE greatest({least}, least({most}, {whole})) END"

    def unit_aggregate(self, aggregate: UnitAggregate, bounds: Bounds | None) -> str:
        """One value of a unit's rows, exactly: sums are of whole steps, so that they do not depend on the order of rows."""
        of = aggregate.of
        if of is None:
            return "CAST(count(*) AS DOUBLE)"
        value = self.value(of)
        match aggregate.aggregation:
            case Aggregation.COUNT:
                return f"CAST(count({value}) AS DOUBLE)"
            case Aggregation.COUNT_DISTINCT:
                return f"CAST(count(DISTINCT {value}) AS DOUBLE)"
            case Aggregation.MIN | Aggregation.MAX:
                return f"{aggregate.aggregation.value}({value})"
        assert bounds is not None
        total = f"CAST(sum({self.steps(of, bounds, Fraction(0))}) AS DOUBLE) * {double(bounds.step)}"
        return total if aggregate.aggregation is Aggregation.SUM else f"{total} / nullif(count({value}), 0)"

    def _clamped(self, expression: Name | UnitAggregate | OfUnit | UnitKey) -> str:
        raw, found = self.raw(expression), range_of(expression, self.scope)
        if not found.numeric or found.low is None or found.high is None:
            return raw
        low, high = double(found.low), double(found.high)
        inner = expression.of if isinstance(expression, UnitKey) else expression
        if isinstance(inner, Name) and self.scope.column(inner).role is Role.KEY:
            return f"CASE WHEN {raw} BETWEEN {low} AND {high} THEN {raw} END"
        return f"CASE WHEN {raw} IS NULL THEN NULL ELSE least(greatest({raw}, {low}), {high}) END"

    def compared(self, *parts: Expression) -> list[str]:
        """What is compared with each other: whole numbers as they lie, for which the engine knows what it may skip.

        Comparing a whole number as DOUBLE with one that DOUBLE holds exactly says the same, because rounding keeps order.
        """
        as_they_lie = [self._whole(part) for part in parts]
        if any(isinstance(part, Name) for part in parts) and None not in as_they_lie:
            return [said for said in as_they_lie if said is not None]
        return [self.raw(part) for part in parts]

    def _whole(self, part: Expression) -> str | None:
        match part:
            case Name() if self.scope.column(part).type is Type.INTEGER:
                return self.column(part)
            case Literal(bool()):
                return None
            case Literal(int() | Fraction() as value):
                return str(int(value)) if value == int(value) and abs(int(value)) < LARGEST else None
        return None

    def _call(self, function: Function, of: str) -> str:
        # LN and SQRT raise outside their domain, where the range of their argument says that it is not, but for rounding
        if function in (Function.SIN, Function.COS):  # they raise on infinity, of which there is no remainder
            return f"{function.value}({of} % 9e15)"
        total = {Function.SQRT: f"sqrt(abs({of}))", Function.LN: f"ln(abs({of}) + 1e-300)"}
        return total.get(function, f"{function.value}({of})")

    def _condition(self, expression: Expression) -> str:
        match expression:
            case Compare(comparison, left, right):
                first, second = self.compared(left, right)
                return f"({first} {comparison.value} {second})"
            case In(of, values):
                first, *others = self.compared(of, *values)
                return f"({first} IN ({', '.join(others)}))"
            case Like(of, pattern):
                return f"({self.raw(of)} LIKE {literal(pattern.value)})"
            case IsNull(Name() as name) if self.scope.column(name).role is Role.UNIT:  # no partner in a LEFT JOIN
                return f"({self.aliases[name.dataset] if name.dataset else 'r'}.{UNIT} IS NULL)"
            case IsNull(of):
                return f"({self.raw(of)} IS NULL)"
            case Not(of):
                return f"(NOT {self.value(of)})"
            case And(parts):
                return "(" + " AND ".join(map(self.value, parts)) + ")"
            case Or(parts):
                return "(" + " OR ".join(map(self.value, parts)) + ")"
        raise AssertionError("bind refuses every other kind")


MOST_IN_A_LIST = 64


def code_of(value: str, values: tuple[KeyValue, ...]) -> str:
    """The place of a value among a key's public values, from 0; NULL for any other value."""
    return f"list_position([{', '.join(literal(known) for known in values)}], {value}) - 1"


def looked_up(values: tuple[KeyValue, ...]) -> bool:
    """Whether the places of values are better found in a table: there are many, and no two of them are equal in the engine."""
    return len(values) > MOST_IN_A_LIST and all(isinstance(value, str | date) or abs(value) < LARGEST for value in values)


def places_of(values: tuple[KeyValue, ...]) -> str:
    """That table: `value` and `code`. A search through a long list for every row would be slow."""
    return f"(SELECT unnest([{', '.join(map(literal, values))}]) AS value, unnest(range({len(values)})) AS code)"


def told_years(value: str, kind: Type) -> str:
    """Whether a date or timestamp lies in the years 1 to 9999, which every program can tell."""
    if kind is Type.TIMESTAMP:
        return f"{value} BETWEEN TIMESTAMP '0001-01-01 00:00:00' AND TIMESTAMP '9999-12-31 23:59:59.999999'"
    return f"{value} BETWEEN DATE '0001-01-01' AND DATE '9999-12-31'"


def literal(value: Value) -> str:
    match value:
        case bool():
            return "TRUE" if value else "FALSE"
        case int() | Fraction():
            return double(Fraction(value))
        case datetime():
            return f"TIMESTAMP '{value.isoformat(sep=' ')}'"
        case date():
            return f"DATE '{value.isoformat()}'"
        case str():
            return "'" + value.replace("'", "''") + "'"


def double(value: Fraction) -> str:
    return f"CAST({float(value)!r} AS DOUBLE)"
