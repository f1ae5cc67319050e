"""Encloses an expression of released aggregates in an interval that holds its true value.

Each aggregate lies in its own interval. A condition on released numbers may be true, false or empty of the
true ones, where the noise leaves that open. So CASE may have any branch that is open, and COALESCE any part
until one that is never empty. What is made of noisy numbers in a way that is not known here may be anything.
"""

import math
from collections.abc import Iterable, Mapping
from functools import reduce

from sandbox.queries.tree import (
    COMPARED,
    And,
    AnswerWindow,
    Arithmetic,
    Call,
    Case,
    Coalesce,
    Compare,
    Comparison,
    Expression,
    Function,
    GreatestLeast,
    In,
    IsNull,
    Not,
    Operator,
    Or,
    Round,
    members,
    walk,
)
from sandbox.releases.answer.evaluate import ROUNDED, Released, evaluate, rounded
from sandbox.releases.answer.interval import EVERYTHING, Interval

Intervals = Mapping[Expression, Interval]
Truths = frozenset[bool | None]
"""What a condition may be of the true numbers; None: empty."""

ANY: Truths = frozenset((True, False, None))


def enclose(expression: Expression, released: Released, intervals: Intervals) -> Interval:
    """An interval of the number that the expression has, if each aggregate lies in its own."""

    def of(part: Expression) -> Interval:
        return enclose(part, released, intervals)

    if expression in intervals:
        return intervals[expression]
    match expression:
        case Arithmetic(Operator.TIMES, left, right) if left == right:
            return of(left).square()
        case Arithmetic(kind, left, right):
            return _enclosed_arithmetic(kind, of(left), of(right))
        case GreatestLeast(greatest, parts):
            chosen = max if greatest else min
            sides = [of(part) for part in parts]
            return Interval(chosen(side.low for side in sides), chosen(side.high for side in sides))
        case Call(function, inner):
            return _enclosed_call(function, of(inner))
        case Round(inner, digits, even):
            side = of(inner)
            return Interval(rounded(side.low, digits, even=even), rounded(side.high, digits, even=even))
        case Case() | Coalesce():
            return _hull(of(part) for part in open_parts(expression, released, intervals) if part is not None)
    value = evaluate(expression, released)
    known = isinstance(value, int | float) and not isinstance(value, bool)
    if not known or _noisy(expression, intervals):
        return EVERYTHING
    return Interval(float(value), float(value))


def is_open(expression: Expression, released: Released, intervals: Intervals) -> bool:
    """Whether a text, a date or a truth may be another one of the true numbers."""
    if not _noisy(expression, intervals):
        return False
    match expression:
        case Compare() | In() | IsNull() | Not() | And() | Or():
            return len(truths(expression, released, intervals)) > 1
        case Case() | Coalesce():
            parts = set(open_parts(expression, released, intervals))
            return len(parts) > 1 or any(
                part is not None and is_open(part, released, intervals) for part in parts
            )
    return True


def jumps(expression: Expression, released: Released, intervals: Intervals) -> bool:
    """Whether a number may be another one altogether where an aggregate is off by little."""
    if isinstance(expression, AnswerWindow):
        return any(
            isinstance(node, Case | Coalesce)
            or (isinstance(node, Arithmetic) and node.operator is Operator.MODULO)
            for node in walk(expression.of)
        )
    if expression in intervals or not _noisy(expression, intervals):
        return False
    if isinstance(expression, Case | Coalesce):
        return len(open_parts(expression, released, intervals)) > 1
    modulo = isinstance(expression, Arithmetic) and expression.operator is Operator.MODULO
    return modulo or any(
        jumps(part, released, intervals) for part in members(expression) if isinstance(part, Expression)
    )


def open_parts(
    expression: Case | Coalesce, released: Released, intervals: Intervals
) -> list[Expression | None]:
    """The parts that may be the value; None where it may be empty."""
    found: list[Expression | None] = []
    if isinstance(expression, Case):
        for condition, then in expression.branches:
            may_be = truths(condition, released, intervals)
            if True in may_be:
                found.append(then)
            if may_be == {True}:
                return found
        return [*found, expression.otherwise]
    for part in expression.parts:
        empty = emptiness(part, released, intervals)
        if False in empty:
            found.append(part)
        if True not in empty:
            return found
    return [*found, None]


def truths(condition: Expression, released: Released, intervals: Intervals) -> Truths:
    """What a condition may be."""
    if not _noisy(condition, intervals):
        return frozenset((evaluate(condition, released),))

    def of(part: Expression) -> Truths:
        return truths(part, released, intervals)

    match condition:
        case Compare(comparison, left, right):
            return _compared(comparison, left, right, released, intervals)
        case In(inner, values):
            each = [_compared(Comparison.EQUAL, inner, one, released, intervals) for one in values]
            return reduce(_either, each, frozenset((False,)))
        case IsNull(inner):
            return frozenset(emptiness(inner, released, intervals))
        case Not(inner):
            return frozenset(None if one is None else not one for one in of(inner))
        case And(parts):
            return _negated(reduce(_either, (_negated(of(part)) for part in parts)))
        case Or(parts):
            return reduce(_either, map(of, parts))
    return ANY


def emptiness(expression: Expression, released: Released, intervals: Intervals) -> set[bool]:
    """Whether it may be empty (True), and whether it may have a value (False)."""
    if expression in intervals or not _noisy(expression, intervals):
        empty = evaluate(expression, released) is None
        hidden = isinstance(expression, AnswerWindow) and empty and intervals[expression].unbounded
        return {True, False} if hidden else {empty}  # of groups that the noise may have left out
    match expression:
        case Case() | Coalesce():
            return {
                empty
                for part in open_parts(expression, released, intervals)
                for empty in ({True} if part is None else emptiness(part, released, intervals))
            }
        case Round(inner, _, _) | Not(inner) | Call(Function.ABS, inner):
            return emptiness(inner, released, intervals)
        case Arithmetic(kind, left, right):
            sides = [emptiness(part, released, intervals) for part in (left, right)]
            divisor = enclose(right, released, intervals)
            if kind in (Operator.OVER, Operator.MODULO) and divisor == Interval(0.0, 0.0):
                return {True}
            if kind in (Operator.OVER, Operator.MODULO) and divisor.low <= 0 <= divisor.high:
                sides.append({True, False})
            return {a or b for a in sides[0] for b in sides[1]} | (set() if len(sides) < 3 else sides[2])
        case Compare():
            return {one is None for one in truths(expression, released, intervals)}
    return {True, False}


def _noisy(expression: Expression, intervals: Intervals) -> bool:
    return any(part in intervals and not intervals[part].point for part in walk(expression))


def _compared(
    comparison: Comparison, left: Expression, right: Expression, released: Released, intervals: Intervals
) -> Truths:
    empty = {
        one or other
        for one in emptiness(left, released, intervals)
        for other in emptiness(right, released, intervals)
    }
    found: set[bool | None] = {None} if True in empty else set()
    if False not in empty:
        return frozenset(found)
    value = evaluate(left, released)
    if value is not None and (not isinstance(value, int | float) or isinstance(value, bool)):
        return frozenset((*found, True, False))  # texts that noisy numbers chose
    one, other = (enclose(part, released, intervals) for part in (left, right))
    if comparison in (Comparison.EQUAL, Comparison.UNEQUAL):
        equal = {True} if one.low <= other.high and other.low <= one.high else set()
        equal |= set() if one.point and one == other else {False}
        return frozenset(
            found | ({not same for same in equal} if comparison is Comparison.UNEQUAL else equal)
        )
    ends = ((one.low, other.high), (one.high, other.low))
    return frozenset((*found, *(COMPARED[comparison](a, b) for a, b in ends)))


def _either(first: Truths, second: Truths) -> Truths:
    return frozenset(
        True if True in (a, b) else None if None in (a, b) else False for a in first for b in second
    )


def _negated(of: Truths) -> Truths:
    return frozenset(None if one is None else not one for one in of)


def _hull(sides: Iterable[Interval]) -> Interval:
    """Of what has a value: what is empty is no number."""
    found = list(sides)
    if not found:
        return EVERYTHING
    return Interval(min(side.low for side in found), max(side.high for side in found))


def _enclosed_arithmetic(kind: Operator, left: Interval, right: Interval) -> Interval:
    match kind:
        case Operator.PLUS:
            return left + right
        case Operator.MINUS:
            return left - right
        case Operator.TIMES:
            return left * right
        case Operator.OVER:
            return left / right
        case Operator.MODULO:
            return _remainder(left, right)
    return EVERYTHING


def _remainder(left: Interval, right: Interval) -> Interval:
    """It has the sign of what is divided, and is less than the divisor and no more than what is divided."""
    if right.point and right.low and not left.unbounded and left.low * left.high >= 0:
        divisor = abs(right.low)
        if math.trunc(left.low / divisor) == math.trunc(left.high / divisor):
            return Interval(math.fmod(left.low, divisor), math.fmod(left.high, divisor))
    most = max(abs(right.low), abs(right.high))
    return Interval(max(-most, min(0.0, left.low)), min(most, max(0.0, left.high)))


def _enclosed_call(function: Function, inner: Interval) -> Interval:
    match function:
        case Function.SQRT:
            return inner.root()
        case Function.ABS:
            return inner.without_sign()
        case Function.LN:
            return Interval(*(math.log(end) if end > 0 else -math.inf for end in (inner.low, inner.high)))
        case Function.SIN | Function.COS:
            return Interval(-1.0, 1.0)
        case Function.EXP:
            return Interval(
                math.exp(min(inner.low, 700)), math.exp(inner.high) if inner.high < 700 else math.inf
            )
        case Function.FLOOR | Function.CEIL | Function.TRUNC if not inner.unbounded:
            whole = ROUNDED[function]
            return Interval(float(whole(inner.low)), float(whole(inner.high)))
    return EVERYTHING
