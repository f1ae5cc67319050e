"""Computes which values an expression can have, and which of them can pass the filter, from public facts and
without a row.

A policy lists a key's values, a public table has its own, and the question itself states some. An expression
of those alone has a listed value for each of them, computed here as the engine would.
"""

import math
from collections.abc import Callable, Container, Mapping
from datetime import date
from fractions import Fraction
from itertools import islice, product
from typing import Any, Final

from sandbox.catalog.model import KeyValue, Role, Type
from sandbox.queries.spelling import spelled
from sandbox.queries.tree import (
    COMPARED,
    And,
    Arithmetic,
    Call,
    Case,
    Coalesce,
    Compare,
    Concat,
    Expression,
    Function,
    In,
    IsNull,
    Length,
    Like,
    Literal,
    Name,
    Not,
    Operator,
    Or,
    Replace,
    Round,
    Slice,
    StringPosition,
    TextCase,
    UnitKey,
    members,
    walk,
)
from sandbox.queries.types.scope import PublicTable, Scope
from sandbox.queries.types.value_ranges import MOST_KEY_VALUES, away_from_zero, never_empty, range_of

OF_TEXT = (TextCase, Slice, Length, Concat, Replace, StringPosition)
UNKNOWN: Final = object()
"""What an expression is worth where it depends on more than the values that are given."""

Values = Mapping[Expression, Any]


def public_values(expression: Expression, scope: Scope) -> tuple[KeyValue, ...] | None:
    """The values that an expression can have, if the policy, a public table or the question itself
    makes them known to all.

    Those that were found by a threshold are among them."""
    if expression in scope.found:
        return scope.found[expression]
    match expression:
        case Name():
            column = scope.column(expression)
            table = scope.joined.get(expression.dataset)
            if isinstance(table, PublicTable):
                return table.values(expression.text, "")
            if column.role is Role.KEY:
                return column.values
            if column.type is Type.BOOLEAN:
                return (False, True)
            return (
                _whole_numbers(expression, scope)
                if None not in scope.limits.get(expression, (None,))
                else None
            )
        case UnitKey(of):
            return public_values(of, scope)
        case Coalesce(parts):
            known = [public_values(part, scope) for part in parts]
            if None not in known:
                return _distinct([value for values in known for value in values or ()])
        case Case(branches, otherwise):
            results = [
                then for condition, then in branches if then != Case((), None) and condition != IsNull(then)
            ]
            results += [otherwise] if otherwise is not None else []
            known = [public_values(result, scope) for result in results]
            if None not in known:
                return _distinct([value for values in known for value in values or ()])
        case Literal(value):
            return None if isinstance(value, Fraction | date) else (value,)
    if range_of(expression, scope).type is Type.BOOLEAN:
        return (False, True)
    if isinstance(expression, OF_TEXT):
        return _worked_out(expression, scope)
    return _whole_numbers(expression, scope)


def _worked_out(expression: Expression, scope: Scope) -> tuple[KeyValue, ...] | None:
    """The values of a text's function, one for each listed value of what it is made of."""
    leaves = tuple(dict.fromkeys(part for part in walk(expression) if isinstance(part, Name)))
    listed = [public_values(leaf, scope) for leaf in leaves]
    if not leaves or None in listed:
        return None
    each: list[tuple[KeyValue | None, ...]] = [
        (*(values or ()), *(() if never_empty(leaf, scope) else (None,)))
        for leaf, values in zip(leaves, listed, strict=True)
    ]
    if math.prod(len(values) for values in each) > MOST_KEY_VALUES:
        return None
    found = [value_of(expression, dict(zip(leaves, values, strict=True))) for values in product(*each)]
    return None if UNKNOWN in found else _distinct([value for value in found if value is not None])


def _whole_numbers(expression: Expression, scope: Scope) -> tuple[KeyValue, ...] | None:
    found = range_of(expression, scope)
    if (
        found.whole
        and found.low is not None
        and found.high is not None
        and found.high - found.low < MOST_KEY_VALUES
    ):
        return _stepped(expression, scope) or tuple(range(math.ceil(found.low), math.floor(found.high) + 1))
    return None


def _stepped(expression: Expression, scope: Scope) -> tuple[KeyValue, ...] | None:
    """The values of `FLOOR(x / 10) * 10` and the like: multiples only."""
    if (
        not isinstance(expression, Arithmetic)
        or expression.operator is not Operator.TIMES
        or not isinstance(expression.right, Literal)
    ):
        return None
    times, inner = expression.right.value, public_values(expression.left, scope)
    if (
        isinstance(times, bool)
        or not isinstance(times, int)
        or not times
        or inner is None
        or not all(isinstance(value, int) for value in inner)
    ):
        return None
    return _distinct([int(value) * times for value in inner if isinstance(value, int)])


def _distinct(values: list[KeyValue]) -> tuple[KeyValue, ...]:
    kinds = {type(value) for value in values}
    return tuple(dict.fromkeys(values if len(kinds) > 1 or kinds == {str} else sorted(values)))


def that_can_pass(
    key: Expression, values: tuple[KeyValue, ...], where: Expression | None
) -> tuple[KeyValue, ...]:
    """A key's values without those that the filter says no row of it passes with;
    all of them if none would be left."""
    conditions = where.parts if isinstance(where, And) else () if where is None else (where,)
    leaves = {key, key.of} if isinstance(key, UnitKey) else {key}
    mine = [condition for condition in conditions if any(part in leaves for part in walk(condition))]
    kept = (
        tuple(
            value
            for value in values
            if all(value_of(condition, dict.fromkeys(leaves, value)) in (True, UNKNOWN) for condition in mine)
        )
        if mine
        else values
    )
    return kept or values


# --- one value from those of its parts


def value_of(expression: Expression, values: Values, *, numbers: bool = False) -> Any:
    """What an expression is worth where some of its parts have these values:
    None for empty, UNKNOWN where they do not say. `numbers`: what is computed of numbers too."""
    if expression in values:
        return values[expression]
    if isinstance(expression, Literal):
        return expression.value
    rule = _RULES.get(type(expression)) or (_OF_NUMBERS.get(type(expression)) if numbers else None)
    if rule is None:
        return UNKNOWN
    return rule(expression, [value_of(part, values, numbers=numbers) for part in members(expression)])


def is_worked_out(expression: Expression, known: Container[Expression]) -> bool:
    """Whether `value_of` says what an expression is worth, if it is given the values of what is `known`."""
    return (
        expression in known
        or isinstance(expression, Literal)
        or (type(expression) in _RULES and all(is_worked_out(part, known) for part in members(expression)))
    )


def _strict(rule: Callable[[Any, list[Any]], Any]) -> Callable[[Any, list[Any]], Any]:
    """Empty where any part is, and unknown where any is."""
    return lambda node, parts: UNKNOWN if UNKNOWN in parts else None if None in parts else rule(node, parts)


def _case(node: Case, parts: list[Any]) -> Any:
    for condition, then in zip(
        parts[: 2 * len(node.branches) : 2], parts[1 : 2 * len(node.branches) : 2], strict=True
    ):
        if condition is UNKNOWN:
            return UNKNOWN
        if condition is True:
            return then
    return None if node.otherwise is None else parts[-1]


def _coalesce(_: Coalesce, parts: list[Any]) -> Any:
    return next((part for part in parts if part is not None), None)


def _in(node: In, parts: list[Any]) -> Any:
    return (
        _as_compared(parts[0]) in [_as_compared(value.value) for value in node.values]
        if parts[0] is not None and parts[0] is not UNKNOWN
        else parts[0]
    )


def _and(_: And, parts: list[Any]) -> Any:
    return False if False in parts else UNKNOWN if UNKNOWN in parts else None if None in parts else True


def _or(_: Or, parts: list[Any]) -> Any:
    return True if True in parts else UNKNOWN if UNKNOWN in parts else None if None in parts else False


def _compare(node: Compare, parts: list[Any]) -> Any:
    numbers = all(isinstance(part, int | float | Fraction) for part in parts)
    alike = numbers or type(parts[0]) is type(parts[1])
    return COMPARED[node.comparison](*map(_as_compared, parts)) if alike else UNKNOWN


def _as_compared(value: Any) -> Any:
    """Numbers as the engine compares them, where one has decimals."""
    return float(value) if isinstance(value, float | Fraction) else value


def _is_null(_: IsNull, parts: list[Any]) -> Any:
    return UNKNOWN if parts[0] is UNKNOWN else parts[0] is None


def _like(node: Like, parts: list[Any]) -> bool:
    """Only % in a pattern (sql_text.py): the pieces between must follow each other."""
    text, (first, *middle) = str(parts[0]), str(node.pattern.value).split("%")
    if not middle:
        return text == first
    if not text.startswith(first) or not text[len(first) :].endswith(middle[-1]):
        return False
    text = text[len(first) : len(text) - len(middle[-1])]
    for piece in islice(middle, len(middle) - 1):
        _, found, text = text.partition(piece) if piece else ("", " ", text)
        if not found:
            return False
    return True


def _slice(node: Slice, parts: list[Any]) -> str:
    text = str(parts[0])
    return (
        text[len(text) - node.length if len(text) > node.length else 0 :]
        if node.start < 0
        else (text[node.start - 1 : node.start - 1 + node.length])
    )


def written(value: Any) -> str:
    """A value as a text."""
    return (
        str(value).lower()
        if isinstance(value, bool)
        else value.isoformat()
        if isinstance(value, date)
        else str(value)
    )


def _computed(node: Arithmetic, parts: list[Any]) -> Any:
    """As the engine does it, with DOUBLEs."""
    left, right = map(float, parts)
    match node.operator:
        case Operator.PLUS:
            return left + right
        case Operator.MINUS:
            return left - right
        case Operator.TIMES:
            return left * right
        case Operator.OVER:
            return left / right if right else None
    return math.fmod(left, right)


def _called(node: Call, parts: list[Any]) -> Any:
    value = float(parts[0])
    match node.function:
        case Function.FLOOR:
            return math.floor(value)
        case Function.CEIL:
            return math.ceil(value)
        case Function.TRUNC:
            return math.trunc(value)
        case Function.ABS:
            return abs(value)
    return UNKNOWN


def _rounded(node: Round, parts: list[Any]) -> Any:
    value, times = float(parts[0]), 10.0**node.digits
    return round(value) if node.even else away_from_zero(Fraction(value * times)) / times


_RULES: Mapping[type, Callable[[Any, list[Any]], Any]] = {
    Case: _case,
    Coalesce: _coalesce,
    In: _in,
    And: _and,
    Or: _or,
    IsNull: _is_null,
    Not: _strict(lambda _, parts: not parts[0]),
    Compare: _strict(_compare),
    Like: _strict(_like),
    Slice: _strict(_slice),
    TextCase: _strict(lambda node, parts: spelled(node.spelling, str(parts[0]))),
    Length: _strict(lambda _, parts: len(str(parts[0]))),
    Concat: _strict(lambda _, parts: "".join(map(written, parts))),
    Replace: _strict(lambda node, parts: str(parts[0]).replace(node.old, node.new)),
    StringPosition: _strict(lambda node, parts: str(parts[0]).find(node.part) + 1),
}

_OF_NUMBERS: Mapping[type, Callable[[Any, list[Any]], Any]] = {
    Arithmetic: _strict(_computed),
    Call: _strict(_called),
    Round: _strict(_rounded),
    UnitKey: lambda _, parts: parts[0],
}
