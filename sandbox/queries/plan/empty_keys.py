"""Finds the keys of a question that can be empty, and makes its empty rows a group of their own.

A group is shown for each public value of a key, and emptiness is no value: rows without a value are in no
group. Where the policy, or the question itself, excludes empty values, nothing needs to be shown.
"""

from dataclasses import replace

from sandbox.catalog.model import DatasetPolicy, KeyValue, Role, Type
from sandbox.queries.describe import wording, wording_zh
from sandbox.queries.plan.plan import Plan
from sandbox.queries.tree import (
    And,
    Compare,
    DatePart,
    DateTrunc,
    Expression,
    In,
    IsNull,
    Like,
    Not,
    Or,
    UnitKey,
    rewritten,
)
from sandbox.queries.types.scope import Scope
from sandbox.queries.types.value_ranges import never_empty, range_of


def can_be_empty(key: Expression, plan: Plan) -> bool:
    """Whether a row that passes the filters may have no value of a key, by what everybody knows."""
    of = key.of if isinstance(key, UnitKey) else key
    filters = (plan.where, plan.per_unit.where if plan.per_unit else None)
    if any(_is_needed(said, where) for said in (of, key) for where in filters):
        return False
    return not never_empty(_simple(of), _by_required(plan.scope))


def with_a_value(key: Expression, values: tuple[KeyValue, ...], scope: Scope) -> tuple[str, str]:
    """SQL of a key that has a value where this one is empty:
    to be read in an English and in a Chinese sentence."""
    of = key.of if isinstance(key, UnitKey) else key
    kind = range_of(of, scope).type
    return _with_a_value(wording(of), kind, values), _with_a_value(wording_zh(of), kind, values)


def _with_a_value(key: str, kind: Type, values: tuple[KeyValue, ...]) -> str:
    match kind:
        case Type.TEXT:
            other = "none"
            while other in values:
                other = f"({other})"
            return f"COALESCE({key}, '{other}')"
        case Type.INTEGER | Type.NUMBER:
            return f"COALESCE({key}, {min((one for one in values if isinstance(one, int)), default=0) - 1})"
        case Type.BOOLEAN:
            return f"CASE WHEN {key} THEN 'yes' WHEN NOT {key} THEN 'no' ELSE 'none' END"
        case Type.DATE:
            return f"COALESCE({key}, DATE '0001-01-01')"
    return f"COALESCE({key}, TIMESTAMP '0001-01-01 00:00:00')"


def _is_needed(key: Expression, where: Expression | None) -> bool:
    """Whether a filter is true of no row whose key is empty: it compares it with something."""
    match where:
        case And(parts):
            return any(_is_needed(key, part) for part in parts)
        case Or(parts):
            return all(_is_needed(key, part) for part in parts)
        case Not(IsNull(of)) | In(of, _) | Like(of, _) | Not(In(of, _)) | Not(Like(of, _)):
            return of == key
        case Compare(_, left, right) | Not(Compare(_, left, right)):
            return key in (left, right)
        case Not(of):
            return of == key
    return where == key


def _simple(of: Expression) -> Expression:
    """A date's part is empty where the date is, but for years that no calendar has."""
    found: Expression = rewritten(
        of, lambda node: _simple(node.of) if isinstance(node, DatePart | DateTrunc) else node
    )
    return found


def _by_required(scope: Scope) -> Scope:
    """The same columns, of which those that are required are never empty, whatever their role.

    (An integer key's values that the policy does not list are computed with as if they were empty.)
    """
    joined = {
        name: replace(table, version=replace(table.version, policy=_without_keys(table.version.policy)))
        for name, table in scope.joined.items()
    }
    return replace(scope, policy=_without_keys(scope.policy), joined=joined)


def _without_keys(policy: DatasetPolicy) -> DatasetPolicy:
    return replace(
        policy,
        columns=tuple(
            replace(column, role=Role.MEASURE) if column.role is Role.KEY else column
            for column in policy.columns
        ),
    )
