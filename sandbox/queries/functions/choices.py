"""COALESCE, CASE, LEAST and GREATEST: one of their arguments."""

from sandbox.catalog.model import Type
from sandbox.queries.functions.construct import (
    ANY,
    FIXED_WIDTH,
    NUMERIC,
    Construct,
    Result,
    SqlWriter,
    Widths,
    fixed,
)
from sandbox.queries.tree import Case, Coalesce, Expression, GreatestLeast, UnitAggregate, UnitValue


def extreme_sql(node: GreatestLeast, sql: SqlWriter) -> str:
    """A unit's count or sum is compared as it is: the interval that we chose for it would be an answer of its
    own.
    """
    compared = (
        sql.raw(part) if isinstance(part, UnitAggregate | UnitValue) else sql.value(part)
        for part in node.parts
    )
    return f"{'greatest' if node.greatest else 'least'}({', '.join(compared)})"


def coalesce_sql(node: Coalesce, sql: SqlWriter) -> str:
    return f"coalesce({', '.join(map(sql.value, node.parts))})"


def case_sql(node: Case, sql: SqlWriter) -> str:
    if not node.branches:
        return "NULL"
    branches = " ".join(
        f"WHEN {sql.value(condition)} THEN {sql.value(then)}" for condition, then in node.branches
    )
    return f"CASE {branches}{f' ELSE {sql.value(node.otherwise)}' if node.otherwise is not None else ''} END"


def _widest(parts: tuple[Expression, ...], widths: Widths) -> int:
    return max(map(widths.width, parts), default=FIXED_WIDTH)


def _results(node: Case) -> tuple[Expression, ...]:
    return (*(then for _, then in node.branches), *((node.otherwise,) if node.otherwise is not None else ()))


CONSTRUCTS = (
    *(
        Construct(
            "GREATEST" if greatest else "LEAST",
            GreatestLeast,
            (NUMERIC,),
            Result.NUMERIC,
            "Empty parts are left out; NaN is above every number.",
            fixed,
            lambda node, _: FIXED_WIDTH * len(node.parts),
            extreme_sql,
            greatest,
            repeated=True,
        )
        for greatest in (False, True)
    ),
    Construct(
        "COALESCE",
        Coalesce,
        (ANY,),
        Result.OF_ARGUMENTS,
        "Chooses, and computes nothing.",
        lambda node, widths: _widest(node.parts, widths),
        lambda node, _: FIXED_WIDTH * len(node.parts),
        coalesce_sql,
        repeated=True,
    ),
    Construct(
        "CASE",
        Case,
        (frozenset({Type.BOOLEAN}), ANY),
        Result.OF_ARGUMENTS,
        "Chooses, and guards nothing: its branches are computed as if for every row, and "
        "each is total by itself.",
        lambda node, widths: _widest(_results(node), widths),
        lambda node, _: FIXED_WIDTH * (2 * len(node.branches) + 1),
        case_sql,
        repeated=True,
    ),
)
