"""How much a question can cost to compute, from public numbers alone: the rows that any step of the engine can have.

Claim. With at most `about_rows` rows in the asked dataset, no step of the engine has more than `rows` rows, and of one unit no
more than `unit_rows` come out of the joins on the unit. Proof: a row meets at most as many rows of an open dataset as have the
same values in the joined columns (its fan-out, a public fact), and, in a dataset that is joined on the unit, at most the
`rows_kept` that are kept there of each unit before the join (`KeepFewRows`, engines/tasks.py), of the asked dataset too;
LEFT JOIN keeps a row without a partner, so a factor is at least 1 there, and at least 1 is taken everywhere. Filters leave
fewer, and groups are at most as many as rows.

What is refused here is refused when a question is explained, before anything is charged.
"""

from dataclasses import dataclass
from math import prod

from sandbox.errors import QueryRefused
from sandbox.queries.plan import Plan
from sandbox.queries.refusal import KIND_ZH
from sandbox.queries.scope import PrivateTable, PublicTable
from sandbox.queries.tree import Join

MOST_ROWS_OF_A_UNIT = 100_000
"""So many rows at most may come of one unit out of a join on the unit: some hundredths of a second of computing."""

MOST_ROWS = 400_000_000
"""So many rows at most may any step have: some seconds of computing for each total."""

TYPICAL_PARTNERS = 4
"""How many rows of a second private dataset a row is thought to meet, where more are allowed: for the allowance only."""


LEAST_KEPT, TIMES_KEPT = 16, 4


def rows_kept(max_rows: int) -> int:
    """How many rows of a unit are joined on it, at most: several times what counts in full, so that few units lose any."""
    return max(LEAST_KEPT, TIMES_KEPT * max_rows)


@dataclass(frozen=True)
class Cost:
    """`rows`: at most so many in any step; `unit_rows`: of one unit, out of joins on it; `typical_rows`: for the allowance."""

    rows: int
    unit_rows: int
    typical_rows: int


def cost_of(plan: Plan) -> Cost:
    """What computing a plan can cost. Touches no data but that of open datasets, of which it knows the fan-out."""
    factors = [_fan_out(plan, join) for join in plan.joins]
    typical = [min(factor, TYPICAL_PARTNERS) if isinstance(plan.scope.joined[join.name], PrivateTable) else factor
               for factor, join in zip(factors, plan.joins, strict=True)]
    about, on_unit = plan.version.policy.about_rows, any(
        isinstance(table, PrivateTable) for table in plan.scope.joined.values())
    of_unit = rows_kept(plan.unit.max_rows) if on_unit else 1
    return Cost(about * prod(factors), of_unit * prod(factors), about * prod(typical))


def require_affordable(plan: Plan) -> None:
    """Raises `QueryRefused` for a plan that could cost more than is allowed, whatever its rows are."""
    cost, kind = cost_of(plan), plan.unit.kind
    if cost.unit_rows > MOST_ROWS_OF_A_UNIT and plan.joins:
        raise QueryRefused(
            "JOIN", f"one {kind}'s rows could become {cost.unit_rows:,} by it, of at most {MOST_ROWS_OF_A_UNIT:,}.",
            instead=_fewer(plan), position=plan.joins[-1].position, construct_zh="JOIN",
            why_zh=f"每个{KIND_ZH[kind]}的行可能由此变为 {cost.unit_rows:,} 行，至多计算 {MOST_ROWS_OF_A_UNIT:,} 行。",
            instead_zh=_fewer_zh(plan))
    if cost.rows > MOST_ROWS:
        raise QueryRefused(
            "JOIN", f"the rows could become {cost.rows:,} by it, of at most {MOST_ROWS:,}.",
            instead=_fewer(plan), position=plan.joins[-1].position if plan.joins else None, construct_zh="JOIN",
            why_zh=f"数据行可能由此变为 {cost.rows:,} 行，至多计算 {MOST_ROWS:,} 行。", instead_zh=_fewer_zh(plan))


def _fan_out(plan: Plan, join: Join) -> int:
    table = plan.scope.joined[join.name]
    if isinstance(table, PublicTable):
        found = table.fan_out(tuple(name.text for name in join.right))
        return table.version.policy.about_rows if found is None else max(1, found)
    assert table.version.policy.unit is not None
    return rows_kept(table.version.policy.unit.max_rows)


def _fewer(plan: Plan) -> str:
    several = ", ".join(f"{join.dataset} ({_fan_out(plan, join):,} rows for one value)" for join in plan.joins)
    return f"Join fewer tables, or on columns whose values are rarer there: {several}."


def _fewer_zh(plan: Plan) -> str:
    several = "、".join(f"{join.dataset}（一个取值至多 {_fan_out(plan, join):,} 行）" for join in plan.joins)
    return f"请少联几张表，或按取值更少重复的栏目联表：{several}。"
