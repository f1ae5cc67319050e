"""Which columns an expression computes with as clamped to the policy's bounds, and not as they are."""

from sandbox.catalog.model import Role
from sandbox.queries.tree import (
    Aggregation,
    Compare,
    Expression,
    In,
    IsNull,
    Name,
    UnitAggregate,
    members,
)
from sandbox.queries.types.scope import Scope


def clamped_columns(expression: Expression, scope: Scope, *, as_it_is: bool) -> list[Name]:
    """In the order in which they stand there (expression_sql.py, `value` and `raw`).

    `as_it_is`: whether what stands first is taken as it is, as on the sides of a comparison.
    """
    match expression:
        case Name():
            column = scope.column(expression)
            clamped = not as_it_is and column.role is Role.MEASURE and column.bounds is not None
            return [expression] if clamped else []
        case Compare() | In() | IsNull() | UnitAggregate(Aggregation.COUNT):
            return _of_parts(expression, scope, as_it_is=True)
    return _of_parts(expression, scope, as_it_is=False)


def _of_parts(expression: Expression, scope: Scope, *, as_it_is: bool) -> list[Name]:
    return [name for part in members(expression) for name in clamped_columns(part, scope, as_it_is=as_it_is)]
