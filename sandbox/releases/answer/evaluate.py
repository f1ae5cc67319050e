"""Evaluates an expression of released aggregates: its value. Its interval is enclose.py's.

It touches no data and costs nothing: differential privacy is closed under post-processing (Dwork and
Roth 2014, Proposition 2.1). Nothing is empty by accident: what cannot be computed (a division by
zero) is None, as in SQL.
"""

import math
from collections.abc import Callable, Collection, Mapping
from fractions import Fraction
from typing import Any

from sandbox.queries.tree import (
    COMPARED,
    Aggregate,
    And,
    AnswerWindow,
    Arithmetic,
    Call,
    Case,
    Coalesce,
    Compare,
    Expression,
    Function,
    GreatestLeast,
    In,
    IsNull,
    Literal,
    Not,
    Operator,
    Or,
    Round,
    members,
)
from sandbox.queries.types.finite_domains import UNKNOWN, value_of

Released = Mapping[Expression, Any]
"""The value (or the interval) of each aggregate and each group key."""

ROUNDED: dict[Function, Callable[[float], float]] = {
    Function.FLOOR: math.floor,
    Function.CEIL: math.ceil,
    Function.TRUNC: math.trunc,
}
CALLED: dict[Function, Callable[[float], float]] = {
    **ROUNDED,
    Function.ABS: abs,
    Function.SQRT: math.sqrt,
    Function.LN: math.log,
    Function.EXP: math.exp,
    Function.SIN: math.sin,
    Function.COS: math.cos,
}


def evaluate(expression: Expression, released: Released) -> Any:  # noqa: C901  # one case for each kind of node
    """A number, text, date, boolean or None, by SQL's rules."""

    def of(part: Expression) -> Any:
        return evaluate(part, released)

    if expression in released:
        return released[expression]
    match expression:
        case Literal(value):
            return float(value) if isinstance(value, Fraction) else value
        case Arithmetic(kind, left, right):
            return _arithmetic(kind, of(left), of(right))
        case GreatestLeast(greatest, parts):
            known = [value for value in map(of, parts) if value is not None]
            return (max(known) if greatest else min(known)) if known else None
        case Call(function, inner):
            return _call(function, of(inner))
        case Round(inner, digits, even):
            value = of(inner)
            return None if value is None else rounded(value, digits, even=even)
        case Coalesce(parts):
            return next((value for value in map(of, parts) if value is not None), None)
        case Case(branches, otherwise):
            return next(
                (of(then) for condition, then in branches if of(condition) is True),
                None if otherwise is None else of(otherwise),
            )
        case Compare(comparison, left, right):
            first, second = of(left), of(right)
            return None if first is None or second is None else COMPARED[comparison](first, second)
        case In(inner, values):
            value = of(inner)
            return None if value is None else value in [of(member) for member in values]
        case IsNull(inner):
            return of(inner) is None
        case Not(inner):
            value = of(inner)
            return None if value is None else not value
        case And(parts):
            truths = [of(part) for part in parts]
            return False if False in truths else None if None in truths else True
        case Or(parts):
            truths = [of(part) for part in parts]
            return True if True in truths else None if None in truths else False
    found = value_of(expression, released)  # texts made of keys
    assert found is not UNKNOWN, "bind refuses every other kind"
    return found


def rests_on(expression: Expression, released: Released, withheld: Collection[Expression]) -> bool:
    """Whether the value of an expression depends on what is withheld. A withheld value is not an empty one:
    where it decides, or could have been taken, nothing is known. Branches that are not taken do not count."""

    def of(part: Expression) -> bool:
        return rests_on(part, released, withheld)

    if expression in withheld:
        return True
    match expression:
        case Aggregate() | AnswerWindow():
            return False
        case Case(branches, otherwise):
            for condition, then in branches:
                if of(condition):
                    return True
                if evaluate(condition, released) is True:
                    return of(then)
            return otherwise is not None and of(otherwise)
        case Coalesce(parts):
            for part in parts:
                if of(part):
                    return True
                if evaluate(part, released) is not None:
                    return False
            return False
    return any(of(part) for part in members(expression))


def _arithmetic(kind: Operator, left: Any, right: Any) -> Any:
    if left is None or right is None:
        return None
    try:
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
                return math.fmod(left, right)
    except (ZeroDivisionError, OverflowError, ValueError):
        return None


def _call(function: Function, value: Any) -> Any:
    if value is None:
        return None
    try:
        return CALLED[function](value)
    except (ValueError, OverflowError):
        return None


def rounded(value: float, digits: int, *, even: bool) -> float:
    """Half away from zero, or to the even neighbour."""
    if not math.isfinite(value):
        return value
    if even:
        return float(round(value, digits))
    scaled = abs(value) * 10**digits
    return math.copysign(math.floor(scaled + 0.5) / 10**digits, value)
