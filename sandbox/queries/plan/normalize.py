"""Normalises the conditions of a question: one form, however they are written, so that it is paid for once.

`WHERE 1 = 1 AND NOT (NOT x > 3)` is `WHERE x > 3`, and `x = 1 OR x = 2` is `x IN (1, 2)`. Every rule holds
where values are empty, too (SQL's three-valued logic, SQL:2016, 8.1); a rule that holds only of a filter,
which keeps rows where it is true, is marked so. AND, OR and IN are put in order where they are written
(describe.py).
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction
from typing import Any

from sandbox.queries.describe import wording
from sandbox.queries.tree import (
    COMPARED,
    Aggregate,
    Aggregation,
    And,
    Case,
    Coalesce,
    Compare,
    Comparison,
    Expression,
    In,
    Literal,
    Not,
    Or,
    Question,
    rewritten,
)

TRUE, FALSE = Literal(True), Literal(False)
OPPOSITE = {
    Comparison.EQUAL: Comparison.UNEQUAL,
    Comparison.UNEQUAL: Comparison.EQUAL,
    Comparison.LESS: Comparison.AT_LEAST,
    Comparison.AT_LEAST: Comparison.LESS,
    Comparison.MORE: Comparison.AT_MOST,
    Comparison.AT_MOST: Comparison.MORE,
}
TURNED = {
    Comparison.LESS: Comparison.MORE,
    Comparison.MORE: Comparison.LESS,
    Comparison.AT_MOST: Comparison.AT_LEAST,
    Comparison.AT_LEAST: Comparison.AT_MOST,
}


def normalized(question: Question) -> Question:
    """A bound question with its filters, and the conditions inside its aggregates, in one form.
    Keys stay as they are written: the names of values that were found are made of them."""
    per_unit = question.per_unit
    return replace(
        question,
        where=_filter(question.where),
        per_unit=None if per_unit is None else replace(per_unit, where=_filter(per_unit.where)),
        joins=tuple(replace(join, where=_filter(join.where)) for join in question.joins),
        outputs=rewritten(question.outputs, _in_aggregates),
        afterwards=rewritten(question.afterwards, _in_aggregates),
    )


def _filter(condition: Expression | None) -> Expression | None:
    """A condition that keeps rows where it is true: empty is as good as false."""
    if condition is None:
        return None
    found = simplified(_kept(simplified(condition)))
    return None if found == TRUE else found


def _kept(condition: Expression) -> Expression:
    match condition:
        case And(parts) | Or(parts):
            return type(condition)(tuple(map(_kept, parts)))
        case Coalesce((inner, Literal(False))) | Case(((inner, Literal(True)),), None | Literal(False)):
            return _kept(inner)
    return condition


def _in_aggregates(node: Any) -> Any:
    if not isinstance(node, Aggregate):
        return node
    of = _counted(node.of) if node.aggregation is Aggregation.COUNT else _of_rows(node.of)
    return replace(node, of=of, by=_of_rows(node.by))


def _counted(of: Expression | None) -> Expression | None:
    """COUNT(x) FILTER (WHERE TRUE) is COUNT(x), and COUNT of a value written out is COUNT(*)."""
    found = _of_rows(of)
    return None if isinstance(found, Literal) else found


def _of_rows(of: Expression | None) -> Expression | None:
    """What is aggregated of the rows where a condition is true."""
    match of:
        case Case(((condition, then),), None):
            kept = _filter(condition)
            return _of_rows(then) if kept is None else Case(((kept, then),), None)
    return of


# --- rules that hold everywhere


def simplified(condition: Expression, *, negated: bool = False) -> Expression:
    """The same condition, or its opposite: true, false and empty for the same rows. Each part is looked at
    once, whether it stands under a NOT or under many."""
    match condition:
        case Not(of):
            return simplified(of, negated=not negated)
        case And(parts):
            return _together(Or if negated else And, [simplified(part, negated=negated) for part in parts])
        case Or(parts):
            return _together(And if negated else Or, [simplified(part, negated=negated) for part in parts])
        case Compare():
            found: Expression = _compared(condition)
        case In(of, values):
            found = _among(of, values)
        case _:
            found = condition
    return _negated(found) if negated else found


def _negated(of: Expression) -> Expression:
    """The opposite of a condition that is simplified, and no AND or OR."""
    match of:
        case Literal(bool() as value):
            return Literal(not value)
        case Not(inner):
            return inner
        case Compare(comparison, left, right):
            return Compare(OPPOSITE[comparison], left, right)
    return Not(of)


def _together(kind: type[And] | type[Or], parts: Sequence[Expression]) -> Expression:
    """AND or OR of simplified parts, each once. Comparisons of one expression with several values become one
    list."""
    neutral, deciding = (TRUE, FALSE) if kind is And else (FALSE, TRUE)
    flat = [inner for part in parts for inner in (part.parts if isinstance(part, kind) else (part,))]
    if deciding in flat:
        return deciding
    values: dict[str, list[Literal]] = {}
    compared: dict[str, Expression] = {}
    said: dict[str, Expression | None] = {}
    for part in flat:
        of, its = _values(part, equal=kind is Or)
        if of is None:
            said[wording(part)] = part
            continue
        name = f"list of {wording(of)}"
        said.setdefault(name)  # a list stands where its first value stands
        compared[name] = of
        values.setdefault(name, []).extend(its)
    for name, of in compared.items():
        among = _among(of, tuple(values[name]))
        said[name] = among if kind is Or else _negated(among)
    found = tuple(part for part in dict.fromkeys(said.values()) if part is not None and part != neutral)
    return neutral if not found else found[0] if len(found) == 1 else kind(found)


def _values(part: Expression, *, equal: bool) -> tuple[Expression | None, tuple[Literal, ...]]:
    """`x = 1` and `x IN (1, 2)` as x and its values; of AND, `x <> 1` and `NOT x IN (1, 2)`."""
    match part:
        case Compare(comparison, of, Literal() as value) if not isinstance(of, Literal):
            if comparison is (Comparison.EQUAL if equal else Comparison.UNEQUAL):
                return of, (value,)
        case In(of, values) if equal:
            return of, values
        case Not(In(of, values)) if not equal:
            return of, values
    return None, ()


def _among(of: Expression, values: tuple[Literal, ...]) -> Expression:
    once = tuple({wording(value): value for value in values}.values())
    return Compare(Comparison.EQUAL, of, once[0]) if len(once) == 1 else In(of, once)


def _compared(condition: Compare) -> Expression:
    comparison, left, right = condition.comparison, condition.left, condition.right
    if isinstance(left, Literal) and isinstance(right, Literal) and _alike(left.value, right.value):
        return Literal(COMPARED[comparison](left.value, right.value))
    if not isinstance(right, Literal) and (isinstance(left, Literal) or wording(left) > wording(right)):
        return Compare(TURNED.get(comparison, comparison), right, left)
    return condition


def _alike(left: object, right: object) -> bool:
    numbers = all(
        isinstance(value, int | Fraction) and not isinstance(value, bool) for value in (left, right)
    )
    return numbers or (type(left) is type(right) and isinstance(left, str | bool | date))
