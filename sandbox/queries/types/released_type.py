"""Computes the type of an expression over released numbers and group keys.
An expression that has a type can be evaluated without a row."""

from fractions import Fraction

from sandbox.catalog.model import Type
from sandbox.queries.refusal import TYPE_ZH, refused
from sandbox.queries.tree import (
    Aggregate,
    And,
    AnswerWindow,
    Arithmetic,
    Call,
    Case,
    Coalesce,
    Compare,
    Expression,
    GreatestLeast,
    In,
    IsNull,
    Like,
    Literal,
    Not,
    Or,
    Question,
    Round,
    WindowFunctionKind,
)
from sandbox.queries.types.finite_domains import OF_TEXT, is_worked_out
from sandbox.queries.types.scope import Scope
from sandbox.queries.types.value_ranges import range_of


def released_type(expression: Expression, question: Question, scope: Scope) -> Type:  # noqa: C901  # one case for each kind of node
    """The type of an expression over released numbers and group keys.
    Raises `QueryRefused` for what cannot be done with them."""

    def type_of(part: Expression) -> Type:
        return released_type(part, question, scope)

    def need(part: Expression, wanted: Type) -> None:
        found = type_of(part)
        numbers = (Type.INTEGER, Type.NUMBER)
        if found is not wanted and not (found in numbers and wanted in numbers):
            raise refused(
                part,
                f"it is {found.value}, and a {wanted.value} is needed here.",
                "Compare and compute with values of one type.",
                f"它是{TYPE_ZH[found]}，此处需要{TYPE_ZH[wanted]}。",
                "请用同一类型的值比较和计算。",
            )

    if expression in question.keys:
        return range_of(expression, scope).type
    if isinstance(expression, (*OF_TEXT, Like)) and is_worked_out(expression, question.keys):
        return range_of(expression, scope).type
    match expression:
        case Aggregate():
            return Type.NUMBER
        case AnswerWindow(over, of, within, order):
            for part in (*within, *order):
                type_of(part)
            if of is not None and over in (
                WindowFunctionKind.SUM,
                WindowFunctionKind.AVG,
                WindowFunctionKind.MIN,
                WindowFunctionKind.MAX,
            ):
                need(of, Type.NUMBER)
                return Type.NUMBER
            found = type_of(of) if of is not None else Type.INTEGER
            return found if over is WindowFunctionKind.VALUE else Type.INTEGER
        case Literal(value):
            return range_of(expression, scope).type if not isinstance(value, Fraction) else Type.NUMBER
        case Arithmetic(_, left, right):
            need(left, Type.NUMBER)
            need(right, Type.NUMBER)
            return Type.NUMBER
        case Call(_, of) | Round(of, _):
            need(of, Type.NUMBER)
            return Type.NUMBER
        case GreatestLeast(_, parts):
            for part in parts:
                need(part, Type.NUMBER)
            return Type.NUMBER
        case Coalesce(parts):
            for part in parts[1:]:
                need(part, type_of(parts[0]))
            return type_of(parts[0])
        case Case(branches, otherwise) if told := [  # NULL, written out, is of any type
            one for one in (*(then for _, then in branches), otherwise) if one not in (None, Case((), None))
        ]:
            for condition, _ in branches:
                need(condition, Type.BOOLEAN)
            for one in told:
                need(one, type_of(told[0]))
            return type_of(told[0])
        case Compare(_, left, right):
            need(right, type_of(left))
            return Type.BOOLEAN
        case In(of, values):
            for member in values:
                need(member, type_of(of))
            return Type.BOOLEAN
        case IsNull(of):
            type_of(of)
            return Type.BOOLEAN
        case Not(of):
            need(of, Type.BOOLEAN)
            return Type.BOOLEAN
        case And(parts) | Or(parts):
            for part in parts:
                need(part, Type.BOOLEAN)
            return Type.BOOLEAN
    raise refused(
        expression,
        "it cannot be done with released values.",
        "Use arithmetic, comparisons, CASE, ROUND and the like.",
        "对已发布的值不能这样计算。",
        "可用算术、比较、CASE、ROUND 等。",
    )
