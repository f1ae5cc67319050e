"""Computes the type and range of an expression.
An expression that has one can fail on no row, and adds up to a known sensitivity.

A column with bounds is clamped to them before it is computed with, so the interval of a sum, product or
quotient follows from those of its parts (R. E. Moore, "Interval Analysis", 1966). An expression without an
interval cannot be added up. The engine computes in floating point: its result is clamped to the interval
again before it is counted, so a rounding error can move a value, and never the sensitivity.
"""

import math
from dataclasses import dataclass, replace
from datetime import date, datetime
from fractions import Fraction

from sandbox.catalog.model import Bounds, Role, Type
from sandbox.errors import QueryRefused
from sandbox.queries.describe import wording, wording_zh
from sandbox.queries.functions.dates import OF_A_TIME
from sandbox.queries.functions.literals import LARGEST
from sandbox.queries.refusal import TYPE_ZH, place_of, refused
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
    Function,
    Grain,
    GreatestLeast,
    In,
    IsNull,
    Length,
    Like,
    Literal,
    Name,
    Not,
    Operator,
    Or,
    Part,
    Replace,
    Round,
    Slice,
    StringPosition,
    TextCase,
    UnitAggregate,
    UnitKey,
    UnitValue,
    members,
    walk,
)
from sandbox.queries.types.scope import PublicTable, Scope, usable

FINEST = 50
"""How many times a step can be halved from the largest power of two in a range:
all multiples of it are exact as DOUBLE."""

STEPS = 2**20
"""How many steps the range of a computed value has:
fine enough that rounding to them is far below the noise."""

MOST_KEY_VALUES = 5000
NEAR_ZERO = Fraction(1, 10**9)
"""A divisor nearer to zero counts as zero: the quotient is empty."""

PARTS = {
    Part.YEAR: (1, 9999),
    Part.QUARTER: (1, 4),
    Part.MONTH: (1, 12),
    Part.DAY: (1, 31),
    Part.DAYOFWEEK: (0, 6),
    Part.ISODOW: (1, 7),
    Part.WEEK: (1, 53),
    Part.DAYOFYEAR: (1, 366),
    Part.HOUR: (0, 23),
    Part.MINUTE: (0, 59),
}

A_NUMBER = ("Write a number without quotes.", "请写数字，不加引号。")
EXAMPLES = {
    Type.TEXT: ("Write a text in quotes.", "请写带引号的文本。"),
    Type.BOOLEAN: ("Write TRUE or FALSE.", "请写 TRUE 或 FALSE。"),
    Type.DATE: ("Write DATE '2026-01-31'.", "请写 DATE '2026-01-31'。"),
    Type.TIMESTAMP: ("Write TIMESTAMP '2026-01-31 08:00:00'.", "请写 TIMESTAMP '2026-01-31 08:00:00'。"),
    Type.INTEGER: A_NUMBER,
    Type.NUMBER: A_NUMBER,
}
"""How a value of a type is written."""


@dataclass(frozen=True)
class Range:
    """What a value can be: for numbers, the interval [low, high] (None:
    not known) and whether it is always whole.

    `soft`: the interval is our choice for a unit's count or sum, and LEAST and GREATEST may choose another.
    """

    type: Type
    low: Fraction | None = None
    high: Fraction | None = None
    whole: bool = False
    soft: bool = False

    @property
    def numeric(self) -> bool:
        return self.type in (Type.INTEGER, Type.NUMBER)

    def within(self, low: Fraction | None, high: Fraction | None) -> "Range":
        """What is left of it between the limits of a filter.
        Never nothing: a value beyond a bound is clamped to the bound."""
        if low is not None and self.whole:
            low = Fraction(math.ceil(low))
        if high is not None and self.whole:
            high = Fraction(math.floor(high))
        low = self.low if low is None else low if self.low is None else max(low, self.low)
        high = self.high if high is None else high if self.high is None else min(high, self.high)
        if low is not None and self.high is not None:
            low = min(low, self.high)
        if high is not None and low is not None:
            high = max(high, low)
        return replace(self, low=low, high=high)


def number(low: Fraction | None, high: Fraction | None, *, whole: bool, soft: bool = False) -> Range:
    return Range(Type.INTEGER if whole else Type.NUMBER, low, high, whole, soft)


BOOLEAN = Range(Type.BOOLEAN)


def range_of(expression: Expression, scope: Scope) -> Range:
    """The range of an expression over rows (or over units' groups).
    Raises `QueryRefused` where types do not fit."""
    found = _range_of(expression, scope)
    return found.within(*scope.limits[expression]) if expression in scope.limits and found.numeric else found


def _range_of(expression: Expression, scope: Scope) -> Range:  # noqa: C901  # one case for each kind of node
    match expression:
        case Name():
            return _column(expression, scope)
        case Literal(value):
            return _literal(value)
        case Arithmetic(operator, left, right):
            return _arithmetic(operator, bounded(left, scope), bounded(right, scope), expression)
        case GreatestLeast(greatest, parts):
            return _extreme(parts, scope, greatest=greatest)
        case Call(function, of):
            return _call(function, of, scope)
        case Round(of, digits, even):
            inner = bounded(of, scope)
            assert inner.low is not None and inner.high is not None
            if digits:
                return number(inner.low - 1, inner.high + 1, whole=False)
            whole = round if even else away_from_zero
            return number(Fraction(whole(inner.low)), Fraction(whole(inner.high)), whole=True)
        case DatePart(part, of):
            _dated(of, part, scope)
            low, high = PARTS[part]
            return number(Fraction(low), Fraction(high), whole=True)
        case DateTrunc(grain, of):
            _dated(of, grain, scope)
            return Range(Type.TIMESTAMP if grain is Grain.HOUR else Type.DATE)
        case DateDiff(_, start, end):
            _of_type(start, Type.DATE, scope)
            _of_type(end, Type.DATE, scope)
            return number(None, None, whole=True)
        case TextCase(_, of) | Slice(of, _, _) | Replace(of, _, _):
            return _of_type(of, Type.TEXT, scope)
        case Concat(parts):
            for piece in parts:
                _can_be_written(piece, scope)
            return Range(Type.TEXT)
        case Length(of) | StringPosition(of, _):
            _of_type(of, Type.TEXT, scope)
            return number(Fraction(0), None, whole=True)
        case Coalesce(parts):
            return _union([range_of(part, scope) for part in parts], expression)
        case Case():
            return _case(expression, scope)
        case UnitAggregate():
            return _unit_aggregate(expression, scope)
        case UnitValue(of):
            return _unit_aggregate(of, of_all_rows(scope))
        case UnitKey(of):
            return range_of(of, scope)
    return _condition(expression, scope)


def is_chosen_whole(expression: Expression, scope: Scope) -> bool:
    """Whether it is a column's whole number without bounds, which can lie beyond what a DOUBLE holds, or
    one of several numbers of which one is: it is chosen, and need not be computed."""

    def whole(part: Expression) -> bool:
        match part:
            case Literal(value):
                return isinstance(value, int) and not isinstance(value, bool)
            case Case(branches, otherwise):
                return all(whole(then) for _, then in branches) and (otherwise is None or whole(otherwise))
            case Coalesce(parts):
                return all(map(whole, parts))
            case UnitKey(of):
                return whole(of)
        return isinstance(part, Name) and scope.column(part).type is Type.INTEGER

    return whole(expression) and any_without_bounds(expression, scope)


def any_without_bounds(expression: Expression, scope: Scope) -> bool:
    """Whether a column's whole numbers of any size are a part of it."""
    return any(
        isinstance(part, Name)
        and scope.column(part).type is Type.INTEGER
        and _column(part, scope).low is None
        for part in walk(expression)
    )


def of_all_rows(scope: Scope) -> Scope:
    """For what is taken over all rows of a unit: the question's filter says nothing of them,
    and no join multiplies them."""
    return replace(scope, limits={}, joined={})


def bounded(expression: Expression, scope: Scope, found: Range | None = None) -> Range:
    """The range of a number whose interval is known; `found` if it was looked at already: to look at each
    part twice would double the time with each level of nesting. Raises `QueryRefused` otherwise."""
    found = range_of(expression, scope) if found is None else found
    if not found.numeric:
        raise refused(
            expression,
            f"it is {found.type.value}, and a number is needed here.",
            f"Columns with bounds: {usable(scope.policy, Role.MEASURE)}.",
            f"它是{TYPE_ZH[found.type]}，此处需要数值。",
            f"有边界的栏目：{usable(scope.policy, Role.MEASURE, none='（无）')}。",
        )
    if found.low is None or found.high is None:
        raise refused(
            expression,
            "it has no bounds, so what one person adds has no limit.",
            f"Write GREATEST(LEAST({wording(expression)}, high), low) with numbers; "
            f"columns with bounds: {usable(scope.policy, Role.MEASURE)}.",
            "它没有边界，一个人的贡献就没有上限。",
            f"请写 GREATEST(LEAST({wording_zh(expression)}, 上限), 下限)，上下限为数字；"
            f"有边界的栏目：{usable(scope.policy, Role.MEASURE, none='（无）')}。",
        )
    return found


def bounds_of(expression: Expression, scope: Scope) -> Bounds:
    """The grid on which an expression is added up. Raises `QueryRefused` when it has no interval."""
    found = bounded(expression, scope)
    assert found.low is not None and found.high is not None
    if isinstance(expression, Name) and (bounds := scope.column(expression).bounds) is not None:
        if (found.low, found.high) == (bounds.low, bounds.high):
            return bounds
        # on the column's own grid: the stored steps can be used
        low = math.floor(found.low / bounds.step) * bounds.step
        return Bounds(
            low, max(math.ceil(found.high / bounds.step) * bounds.step, low + bounds.step), bounds.step
        )
    if found.low == found.high:
        return (
            Bounds(found.low, found.low + 1, Fraction(1))
            if found.low.denominator == 1
            else Bounds(found.low, found.low + abs(found.low), abs(found.low))
        )
    width = found.high - found.low
    if found.whole and width <= LARGEST:
        return Bounds(found.low, found.high, Fraction(1))
    # a power of two: exact in floating point
    step = Fraction(2) ** (math.floor(math.log2(width)) - STEPS.bit_length() + 1)
    # numbers far from zero lie no closer together as DOUBLE, and their steps from zero must be
    # whole numbers that fit
    step = max(step, Fraction(2) ** (math.floor(math.log2(max(abs(found.low), abs(found.high)))) - FINEST))
    return Bounds(math.floor(found.low / step) * step, math.ceil(found.high / step) * step, step)


def rounding_of(expression: Expression, bounds: Bounds, scope: Scope) -> Fraction:
    """How far a value within `bounds` may be from the nearest step of their grid, on which it is added up:
    nothing where all values that it can have are steps."""
    found = range_of(expression, scope)
    if found.low == found.high or (found.whole and (1 / bounds.step).denominator == 1):
        return Fraction(0)
    return bounds.step / 2


def never_empty(expression: Expression, scope: Scope) -> bool:
    """Whether no row leaves it empty: then an average needs no count of its own."""
    match expression:
        case Name():
            column = scope.column(expression)
            # another number counts as empty
            listed_only = column.role is Role.KEY and column.type is Type.INTEGER
            outer = expression.dataset in scope.joined and scope.joined[expression.dataset].outer
            return column.required and not listed_only and not outer
        case Literal() | IsNull():
            return True
        case Arithmetic(Operator.OVER | Operator.MODULO, _, right):
            return never_empty(expression.left, scope) and isinstance(right, Literal) and right.value != 0
        case GreatestLeast(_, parts) | Coalesce(parts):
            return any(never_empty(part, scope) for part in parts)
        case Case(branches, otherwise):
            return otherwise is not None and all(
                never_empty(part, scope) for part in (*[then for _, then in branches], otherwise)
            )
        case UnitValue(of):
            return never_empty(of, scope)
        case UnitAggregate(aggregation, of):
            return aggregation in (Aggregation.COUNT, Aggregation.COUNT_DISTINCT) or (
                of is not None and never_empty(of, scope)
            )
        case DatePart() | DateTrunc():
            return False
    # what is not of the kinds above is empty only where a part is; each column is looked at too, so that
    # an average whose count was bought by an earlier release has the same count
    return all(never_empty(part, scope) for part in members(expression)) and all(
        never_empty(part, scope)
        for part in walk(expression)
        if isinstance(part, Name | UnitAggregate | DatePart | DateTrunc)
    )


# --- each kind


def _column(name: Name, scope: Scope) -> Range:
    column = scope.column(name)
    if column.role is Role.UNIT:
        raise QueryRefused(
            f"{name.text} here",
            "it names single people, so a question may not choose or compute by it.",
            instead=f"Use COUNT(DISTINCT {name.text}), or group a subquery by it.",
            position=name.position,
            construct_zh=f"此处的 {name.text}",
            why_zh="它指明具体的个人，问题不能按它挑选或计算。",
            instead_zh=f"请用 COUNT(DISTINCT {name.text})，或在子查询里按它分组。",
        )
    whole = column.type is Type.INTEGER
    if column.bounds:
        return Range(column.type, column.bounds.low, column.bounds.high, whole)
    numbers = [value for value in column.values if isinstance(value, int) and not isinstance(value, bool)]
    if whole and numbers and column.role is Role.KEY and not scope.is_public(name):
        return Range(Type.INTEGER, Fraction(min(numbers)), Fraction(max(numbers)), whole=True)
    if name in scope.bought:
        return number(*scope.bought[name], whole=whole)
    table = scope.joined.get(name.dataset)
    if (
        isinstance(table, PublicTable)
        and column.type in (Type.INTEGER, Type.NUMBER)
        and (extent := table.extent(name.text))
    ):
        return number(*extent, whole=whole)
    return Range(column.type, whole=whole)


def _literal(value: object) -> Range:
    match value:
        case bool():
            return BOOLEAN
        case int() | Fraction():
            return number(Fraction(value), Fraction(value), whole=Fraction(value).denominator == 1)
        case datetime():
            return Range(Type.TIMESTAMP)
        case date():
            return Range(Type.DATE)
        case _:
            return Range(Type.TEXT)


def _dated(expression: Expression, part: Part | Grain, scope: Scope) -> None:
    """Require an expression that has this part: a date, or a timestamp."""
    found = range_of(expression, scope)
    of_a_time = part in OF_A_TIME or found.type is Type.TIMESTAMP
    _of_type(expression, Type.TIMESTAMP if of_a_time else Type.DATE, scope, found)


def _of_type(expression: Expression, kind: Type, scope: Scope, found: Range | None = None) -> Range:
    found = range_of(expression, scope) if found is None else found
    if found.type is not kind:
        raise refused(
            expression,
            f"it is {found.type.value}, and a {kind.value} is needed here.",
            f"Use a column of type {kind.value}.",
            f"它是{TYPE_ZH[found.type]}，此处需要{TYPE_ZH[kind]}。",
            f"请用{TYPE_ZH[kind]}类型的栏目。",
        )
    return found


def _can_be_written(expression: Expression, scope: Scope) -> None:
    """A text, a whole number, a date or a boolean: how a number with a point is written out,
    an engine decides for itself."""
    found = range_of(expression, scope)
    column = isinstance(expression, Name) and scope.column(expression).type is Type.INTEGER
    unlimited = found.numeric and not column and (found.low is None or found.high is None)
    if found.type in (Type.NUMBER, Type.TIMESTAMP) or unlimited:
        raise refused(
            expression,
            "how it would be written out as a text is not certain.",
            "Use a text, a whole number with bounds, a date or a boolean; or write CAST(x AS INTEGER).",
            "它写成文本的形式不确定。",
            "请用文本、有边界的整数、日期或布尔值；或写 CAST(x AS INTEGER)。",
        )


def _arithmetic(operator: Operator, left: Range, right: Range, said: Arithmetic) -> Range:
    assert left.low is not None and left.high is not None and right.low is not None and right.high is not None
    whole = left.whole and right.whole and operator is not Operator.OVER
    match operator:
        case Operator.PLUS:
            low, high = left.low + right.low, left.high + right.high
        case Operator.MINUS:
            low, high = left.low - right.high, left.high - right.low
        case Operator.TIMES:
            corners = [a * b for a in (left.low, left.high) for b in (right.low, right.high)]
            low, high = min(corners), max(corners)
            if said.left == said.right:
                low = max(low, Fraction(0))
        case Operator.OVER:
            if right.low <= 0 <= right.high:
                if right.low == right.high:
                    raise refused(
                        said,
                        "it divides by zero.",
                        "Divide by something else.",
                        "除数为零。",
                        "请换一个除数。",
                    )
                return number(None, None, whole=False)
            corners = [a / b for a in (left.low, left.high) for b in (right.low, right.high)]
            low, high = min(corners), max(corners)
        case Operator.MODULO:
            if right.low != right.high or right.low <= 0:
                raise refused(
                    said,
                    "only a positive number written out can stand after %.",
                    "Write for example x % 10.",
                    "% 之后只能是直接写出的正数。",
                    "例如 x % 10。",
                )
            most = right.low - (1 if whole else 0)
            low, high = (Fraction(0) if left.low >= 0 else -most), (Fraction(0) if left.high <= 0 else most)
    if max(abs(low), abs(high)) >= LARGEST:
        raise refused(
            said,
            "it can become larger than 2**53.",
            "Scale or clip its parts.",
            "它可能大于 2**53。",
            "请缩小或截断其中的部分。",
        )
    return number(low, high, whole=whole)


def _extreme(parts: tuple[Expression, ...], scope: Scope, *, greatest: bool) -> Range:
    """LEAST is low where any part is low, and no higher than the lowest high of the parts
    that are never empty."""
    found = [(part, range_of(part, scope)) for part in parts]
    for part, inner in found:
        if not inner.numeric:
            raise refused(
                part,
                f"it is {inner.type.value}, and LEAST and GREATEST compare numbers.",
                "Use numbers.",
                f"它是{TYPE_ZH[inner.type]}，而 LEAST 和 GREATEST 比较数值。",
                "请用数值。",
            )
    raw = [_hard(part, inner, scope) for part, inner in found]
    sure = [inner for (part, _), inner in zip(found, raw, strict=True) if never_empty(part, scope)]
    whole = all(inner.whole for inner in raw)
    lows, highs = [inner.low for inner in raw], [inner.high for inner in raw]
    if greatest:
        return number(
            _most([inner.low for inner in sure]) if sure else _least_of(lows), _most_of(highs), whole=whole
        )
    return number(
        _least_of(lows), _least([inner.high for inner in sure]) if sure else _most_of(highs), whole=whole
    )


def _hard(part: Expression, found: Range, scope: Scope) -> Range:
    """Without our own choice of an interval for a unit's count or sum."""
    if not found.soft:
        return found
    part = part.of if isinstance(part, UnitValue) else part
    assert isinstance(part, UnitAggregate)
    inner = range_of(part.of, scope) if part.of is not None and part.aggregation is Aggregation.SUM else None
    positive = inner is None or (inner.low is not None and inner.low >= 0)
    negative = inner is not None and inner.high is not None and inner.high <= 0
    return number(Fraction(0) if positive else None, Fraction(0) if negative else None, whole=found.whole)


def _call(function: Function, of: Expression, scope: Scope) -> Range:
    inner = range_of(of, scope)
    if function in (Function.FLOOR, Function.CEIL, Function.TRUNC) and inner.numeric and inner.whole:
        return inner
    inner = bounded(of, scope, inner)
    assert inner.low is not None and inner.high is not None
    low, high = inner.low, inner.high
    match function:
        case Function.FLOOR:
            return number(Fraction(math.floor(low)), Fraction(math.floor(high)), whole=True)
        case Function.TRUNC:
            return number(Fraction(math.trunc(low)), Fraction(math.trunc(high)), whole=True)
        case Function.CEIL:
            return number(Fraction(math.ceil(low)), Fraction(math.ceil(high)), whole=True)
        case Function.ABS:
            least = Fraction(0) if low <= 0 <= high else min(abs(low), abs(high))
            return number(least, max(abs(low), abs(high)), whole=inner.whole)
        case Function.SQRT:
            _at_least(low, Fraction(0), of, "SQRT")
            return number(
                Fraction(math.isqrt(math.floor(low))), Fraction(math.isqrt(math.ceil(high)) + 1), whole=False
            )
        case Function.LN:
            _at_least(low, NEAR_ZERO, of, "LN")
            return number(_outward(math.log(low), -1), _outward(math.log(high), 1), whole=False)
        case Function.SIN | Function.COS:
            return number(Fraction(-1), Fraction(1), whole=False)
        case Function.EXP:
            if high > 30:
                raise refused(
                    of,
                    "it can become larger than 2**53.",
                    "Clip it to at most 30.",
                    "它可能大于 2**53。",
                    "请把它截断到至多 30。",
                    said="exp({})",
                )
            return number(Fraction(0), _outward(math.exp(high), 1), whole=False)


def away_from_zero(value: Fraction) -> int:
    """The nearest whole number, of two the one farther from zero."""
    nearest = math.floor(abs(value) + Fraction(1, 2))
    return nearest if value >= 0 else -nearest


def _outward(value: float, direction: int) -> Fraction:
    """A simple fraction that is a little further out than a floating-point result."""
    room = Fraction(1, 2**20) * (1 + abs(math.ceil(value)))
    return Fraction(math.floor(value * 2**20), 2**20) + (room if direction > 0 else -room)


def _at_least(low: Fraction, least: Fraction, of: Expression, name: str) -> None:
    if low < least:
        raise refused(
            of,
            f"its argument can be {low}, where {name} is not defined.",
            f"Write {name}(GREATEST({wording(of)}, 1)), or add to it.",
            f"它的参数可能是 {low}，{name} 在该处没有定义。",
            f"请写 {name}(GREATEST({wording_zh(of)}, 1))，或加上一个数。",
            said=f"{name}({{}})",
        )


def _case(expression: Case, scope: Scope) -> Range:
    for condition, _ in expression.branches:
        _of_type(condition, Type.BOOLEAN, scope)
    results = [then for condition, then in expression.branches if not _empty(condition, then)]
    results += [expression.otherwise] if expression.otherwise is not None else []
    if not results:
        raise refused(expression, "it is always empty.", "Give it a value.", "它总是空的。", "请给它一个值。")
    return _union([range_of(result, scope) for result in results], expression)


def _empty(condition: Expression, then: Expression) -> bool:
    return then == Case((), None) or condition == IsNull(then)


def _union(ranges: list[Range], said: Expression) -> Range:
    if len({found.numeric or found.type for found in ranges}) > 1:
        raise refused(
            said,
            "its parts have different types.",
            "Give them one type.",
            "它的各部分类型不同。",
            "请用同一类型。",
        )
    if not ranges[0].numeric:
        return ranges[0]
    return number(
        _least_of([found.low for found in ranges]),
        _most_of([found.high for found in ranges]),
        whole=all(found.whole for found in ranges),
    )


def _unit_aggregate(aggregate: UnitAggregate, scope: Scope) -> Range:
    rows, of = Fraction(scope.max_joined_rows), aggregate.of
    match aggregate.aggregation:
        case Aggregation.COUNT | Aggregation.COUNT_DISTINCT:
            if of is not None:
                range_of(of, scope)
            return number(Fraction(0), rows, whole=True, soft=True)
        case Aggregation.SUM if of is not None:
            inner = bounds_of(of, scope)
            return number(
                min(Fraction(0), inner.low) * rows,
                max(Fraction(0), inner.high) * rows,
                whole=bounded(of, scope).whole,
                soft=True,
            )
        case Aggregation.MIN | Aggregation.MAX if of is not None:
            inner_range = bounded(of, scope)
            return number(inner_range.low, inner_range.high, whole=inner_range.whole)
        case Aggregation.AVG if of is not None:
            inner_range = bounded(of, scope)
            return number(inner_range.low, inner_range.high, whole=False)
    name = aggregate.aggregation.value.upper()
    raise QueryRefused(
        f"{name} of a unit's rows",
        "it cannot be asked.",
        instead="For each unit use COUNT, SUM, AVG, MIN or MAX.",
        position=aggregate.position,
        construct_zh=f"每个单位的 {name}",
        why_zh="不能这样提问。",
        instead_zh="对每个单位请用 COUNT、SUM、AVG、MIN 或 MAX。",
    )


def _condition(expression: Expression, scope: Scope) -> Range:
    match expression:
        case Compare(_, left, right):
            first, second = range_of(left, scope), range_of(right, scope)
            if first.type is not second.type and not (first.numeric and second.numeric):
                raise QueryRefused(
                    f"{wording(left)} {expression.comparison.value} {wording(right)}",
                    f"one is {first.type.value}, the other {second.type.value}.",
                    instead=EXAMPLES[first.type][0],
                    position=place_of(expression),
                    construct_zh=f"{wording_zh(left)} {expression.comparison.value} {wording_zh(right)}",
                    why_zh=f"一边是{TYPE_ZH[first.type]}，另一边是{TYPE_ZH[second.type]}。",
                    instead_zh=EXAMPLES[first.type][1],
                )
        case In(of, values):
            inner = range_of(of, scope)
            for value in values:
                found = _literal(value.value)
                if found.type is not inner.type and not (found.numeric and inner.numeric):
                    raise QueryRefused(
                        f"{wording(of)} in (... {wording(value)} ...)",
                        f"one is {inner.type.value}, the other {found.type.value}.",
                        instead=EXAMPLES[inner.type][0],
                        position=value.position,
                        construct_zh=f"{wording_zh(of)} in (... {wording(value)} ...)",
                        why_zh=f"一边是{TYPE_ZH[inner.type]}，另一边是{TYPE_ZH[found.type]}。",
                        instead_zh=EXAMPLES[inner.type][1],
                    )
        case Like(of, _):
            _of_type(of, Type.TEXT, scope)
        case IsNull(Name() as name) if scope.column(name).role is Role.UNIT:
            pass  # whether a row of the unit is beside it: that names nobody
        case IsNull(of):
            range_of(of, scope)
        case Not(of):
            _of_type(of, Type.BOOLEAN, scope)
        case And(parts) | Or(parts):
            for part in parts:
                _of_type(part, Type.BOOLEAN, scope)
        case _:
            raise refused(
                expression,
                "it cannot stand here.",
                "Ask for it in a question of its own.",
                "不能写在此处。",
                "请单独提问。",
            )
    return BOOLEAN


def _least_of(values: list[Fraction | None]) -> Fraction | None:
    return None if None in values else min(value for value in values if value is not None)


def _most_of(values: list[Fraction | None]) -> Fraction | None:
    return None if None in values else max(value for value in values if value is not None)


def _least(values: list[Fraction | None]) -> Fraction | None:
    return min((value for value in values if value is not None), default=None)


def _most(values: list[Fraction | None]) -> Fraction | None:
    return max((value for value in values if value is not None), default=None)
