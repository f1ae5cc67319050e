"""The registry: every construct that can be computed for a row, by its class in tree.py and the member of its
enum.
"""

from collections.abc import Mapping
from enum import StrEnum

from sandbox.queries.functions import arithmetic, choices, columns, conditions, dates, numeric, texts
from sandbox.queries.functions.construct import Construct
from sandbox.queries.tree import (
    Aggregate,
    AnswerWindow,
    Arithmetic,
    Call,
    Compare,
    DateDiff,
    DatePart,
    DateTrunc,
    Expression,
    GreatestLeast,
    InPublic,
    Round,
    TextCase,
    UnitAggregate,
)

MEMBER_IN: Mapping[type, str] = {
    Arithmetic: "operator",
    Call: "function",
    Round: "even",
    GreatestLeast: "greatest",
    DatePart: "part",
    DateTrunc: "grain",
    DateDiff: "grain",
    TextCase: "spelling",
    Compare: "comparison",
    UnitAggregate: "aggregation",
}
"""The field that says which member of its family a node is."""

NOT_FOR_A_ROW: Mapping[type, str] = {
    Aggregate: "It is of many rows: plan.py makes totals of it.",
    AnswerWindow: "It is of released groups.",
    InPublic: "bind writes its values out: it is an IN.",
}

CONSTRUCTS: tuple[Construct, ...] = tuple(
    construct
    for family in (columns, arithmetic, numeric, choices, dates, texts, conditions)
    for construct in family.CONSTRUCTS
)

BY_NODE: Mapping[tuple[type, StrEnum | bool | None], Construct] = {
    (construct.node, construct.member): construct for construct in CONSTRUCTS
}


def construct_of(expression: Expression) -> Construct:
    """The construct that an expression is at its root. Raises `KeyError` for what is of no row."""
    kind = type(expression)
    return BY_NODE[kind, getattr(expression, MEMBER_IN[kind]) if kind in MEMBER_IN else None]
