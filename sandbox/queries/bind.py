"""Do the names and types of a question fit the dataset's policy? What passes cannot fail on any row."""

from dataclasses import replace
from datetime import date
from fractions import Fraction

from sandbox.catalog.model import Column, DatasetPolicy, Role, Type
from sandbox.errors import QueryRefused
from sandbox.queries.tree import (
    Aggregate,
    Aggregation,
    And,
    Between,
    Compare,
    Condition,
    In,
    Is,
    IsNull,
    Like,
    Literal,
    Name,
    Not,
    Or,
    Question,
)

NUMERIC = (Type.INTEGER, Type.NUMBER)


def bind(question: Question, policy: DatasetPolicy) -> Question:
    """Check every name, role and type; returns the question with its literals in their columns' types.

    Strict types matter: an engine that compares a text column with a number casts the column, and a cast of a row's
    value can fail, and a failure tells about the row. Raises `QueryRefused`.
    """
    if policy.unit is None:
        raise QueryRefused(f"A private question on {policy.dataset}", "it is open data without a privacy unit.",
                           instead="Get its rows from the marketplace.")
    for key in question.keys:
        column = _column(key, policy)
        if column.role is not Role.KEY:
            raise QueryRefused(f"GROUP BY {key.text}", "its values are not public, so showing them would tell who is in.",
                               instead=f"Group by one of: {_named(policy, Role.KEY)}.", position=key.position)
    for output in question.outputs:
        if isinstance(output.of, Aggregate):
            _aggregate(output.of, policy)
        else:
            _column(output.of, policy)
    where = _condition(question.where, policy) if question.where else None
    return replace(question, where=where)


def _named(policy: DatasetPolicy, *roles: Role) -> str:
    return ", ".join(column.name for column in policy.columns if column.role in roles) or "(there are none)"


def _column(name: Name, policy: DatasetPolicy) -> Column:
    column = policy.column(name.text)
    if column is None or column.role is Role.HIDDEN:
        raise QueryRefused(f"The column {name.text}", f"{policy.dataset} has no such column that may be used.",
                           instead=f"It has: {_named(policy, Role.UNIT, Role.KEY, Role.MEASURE, Role.ATTRIBUTE)}.",
                           position=name.position)
    return column


def _aggregate(aggregate: Aggregate, policy: DatasetPolicy) -> None:
    if aggregate.column is None:
        return
    column, position = _column(aggregate.column, policy), aggregate.position
    assert policy.unit is not None
    if aggregate.aggregation is Aggregation.COUNT_DISTINCT and column.role is not Role.UNIT:
        raise QueryRefused(f"COUNT(DISTINCT {column.name})", "only the privacy unit can be counted so.",
                           instead=f"Use COUNT(DISTINCT {policy.unit.column}).", position=position)
    if aggregate.aggregation in (Aggregation.SUM, Aggregation.AVG) and column.role is not Role.MEASURE:
        raise QueryRefused(f"{aggregate.aggregation.value.upper()}({column.name})", "it has no bounds in the policy.",
                           instead=f"Columns with bounds: {_named(policy, Role.MEASURE)}.", position=position)
    if aggregate.aggregation is Aggregation.COUNT and column.role is Role.UNIT:
        raise QueryRefused(f"COUNT({column.name})", "every row has one.",
                           instead=f"Use COUNT(*), or COUNT(DISTINCT {column.name}).", position=position)


def _filtered(name: Name, policy: DatasetPolicy) -> Column:
    column = _column(name, policy)
    if column.role is Role.UNIT:
        raise QueryRefused(f"{name.text} in WHERE", "a question may not choose single people.",
                           instead=f"Filter on: {_named(policy, Role.KEY, Role.MEASURE, Role.ATTRIBUTE)}.",
                           position=name.position)
    return column


def _condition(condition: Condition, policy: DatasetPolicy) -> Condition:
    match condition:
        case And(parts):
            return And(tuple(_condition(part, policy) for part in parts))
        case Or(parts):
            return Or(tuple(_condition(part, policy) for part in parts))
        case Not(of):
            return Not(_condition(of, policy))
        case IsNull(name):
            _filtered(name, policy)
            return condition
        case Is(name):
            if _filtered(name, policy).type is not Type.BOOLEAN:
                raise QueryRefused(f"The column {name.text} as a condition", "it is not a boolean.",
                                   instead="Compare it with a value.", position=name.position)
            return condition
        case Compare(comparison, left, Name() as right):
            first, second = _filtered(left, policy), _filtered(right, policy)
            if first.type is not second.type and not (first.type in NUMERIC and second.type in NUMERIC):
                raise QueryRefused(f"{left.text} {comparison.value} {right.text}",
                                   f"one is {first.type}, the other {second.type}.",
                                   instead="Compare columns of one type.", position=left.position)
            return condition
        case Compare(comparison, left, Literal() as right):
            return Compare(comparison, left, _literal(right, _filtered(left, policy)))
        case Between(name, low, high):
            column = _filtered(name, policy)
            return Between(name, _literal(low, column), _literal(high, column))
        case In(name, values):
            column = _filtered(name, policy)
            return In(name, tuple(_literal(value, column) for value in values))
        case Like(name, pattern):
            column = _filtered(name, policy)
            if column.type is not Type.TEXT or not isinstance(pattern.value, str):
                raise QueryRefused(f"{name.text} LIKE", "it compares texts.", instead="Use = or <.",
                                   position=name.position)
            return condition
    raise AssertionError("every kind of condition has its case")


def _literal(literal: Literal, column: Column) -> Literal:
    value = literal.value
    fits = {
        Type.TEXT: isinstance(value, str),
        Type.BOOLEAN: isinstance(value, bool),
        Type.DATE: isinstance(value, date),
        Type.INTEGER: isinstance(value, int | Fraction) and not isinstance(value, bool),
        Type.NUMBER: isinstance(value, int | Fraction) and not isinstance(value, bool),
    }[column.type]
    if not fits:
        raise QueryRefused(f"The value compared with {column.name}", f"{column.name} is {column.type}.",
                           instead=_example(column.type), position=literal.position)
    if isinstance(value, Fraction) and value.denominator == 1:
        return Literal(int(value), literal.position)
    return literal


def _example(kind: Type) -> str:
    return {Type.TEXT: "Write a text in quotes.", Type.BOOLEAN: "Write TRUE or FALSE.",
            Type.DATE: "Write DATE '2026-01-31'.", Type.INTEGER: "Write a number without quotes.",
            Type.NUMBER: "Write a number without quotes."}[kind]
