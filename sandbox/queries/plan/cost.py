"""Bounds how much a question can cost to compute, from public numbers alone: the rows that any step of the
engine can have.

Claim. With at most `about_rows` rows in the asked dataset, no step of the engine has more than `rows` rows,
and of one unit no more than `unit_rows` come out of the joins on the unit. Proof: a row meets at most as many
rows of an open dataset as have the same values in the joined columns (its fan-out, a public fact), and, in a
dataset that is joined on the unit, at most the `rows_kept` that are kept there of each unit before the join
(`KeepFewRows`, engines/tasks.py), of the asked dataset too. LEFT JOIN keeps a row without a partner, so a
factor is at least 1 there, and at least 1 is taken everywhere. Filters leave fewer, and groups are at most as
many as rows.

Texts: computing the expressions of a row touches a bounded number of bytes (types/text_cost.py), whatever the
row holds. So the expressions of a unit with `max_rows` rows, or as many as come of it out of joins, touch at
most `unit_steps`. LIKE, STRPOS and REPLACE count at their worst, the text's width times the pattern's.

What is refused here is refused when a question is explained, before anything is charged.
"""

from dataclasses import dataclass
from math import prod

from sandbox.errors import QueryRefused
from sandbox.queries.functions.construct import BYTES_OF_A_CHARACTER
from sandbox.queries.plan.partition_selection import MOST_CHARACTERS
from sandbox.queries.plan.plan import Plan, TotalKind
from sandbox.queries.refusal import KIND_ZH
from sandbox.queries.tree import Join
from sandbox.queries.types.scope import PrivateTable, PublicTable
from sandbox.queries.types.text_cost import steps_a_row, width_of

MOST_ROWS_OF_A_UNIT = 100_000
"""So many rows at most may come of one unit out of a join on the unit:
some hundredths of a second of computing."""

MOST_STEPS_A_ROW, MOST_STEPS_OF_A_UNIT = 20_000_000, 20_000_000_000
"""So many bytes may computing one row, and `max_rows` rows of one unit, touch at most,
by the worst that is known of each construct. The engine reaches a hundredth of that in the worst texts that
were found: 0.1 milliseconds a row."""

MOST_MEMORY_BYTES = 4 * 2**30
COPIES = 3
"""Where an engine must hold all rows at once (different values, a sort),
so many copies of them are reckoned with."""

MOST_ROWS = 400_000_000
"""So many rows at most may any step have: some seconds of computing for each total."""

TYPICAL_PARTNERS = 4
"""How many rows of a second private dataset a row is thought to meet, where more are allowed:
for the allowance only."""


LEAST_KEPT = 16


def rows_kept(max_rows: int) -> int:
    """How many rows of a unit are joined on it, at most:
    as many as count in full, and where these are few some more."""
    return max(LEAST_KEPT, max_rows)


@dataclass(frozen=True)
class Cost:
    """`rows`: the most in any step; `unit_rows`: of one unit, out of joins on it; `typical_rows`:
    for the allowance; `row_steps`, `unit_steps`: bytes that computing a row, and one unit's rows, touches;
    `memory_bytes`: of all rows at once."""

    rows: int
    unit_rows: int
    typical_rows: int
    row_steps: int
    unit_steps: int
    memory_bytes: int


def cost_of(plan: Plan) -> Cost:
    """What computing a plan can cost.
    Touches no data but that of open datasets, of which it knows the fan-out."""
    factors = [_fan_out(plan, join) for join in plan.joins]
    typical = [
        min(factor, TYPICAL_PARTNERS) if isinstance(plan.scope.joined[join.name], PrivateTable) else factor
        for factor, join in zip(factors, plan.joins, strict=True)
    ]
    about, on_unit = (
        plan.version.policy.about_rows,
        any(isinstance(table, PrivateTable) for table in plan.scope.joined.values()),
    )
    of_unit = rows_kept(plan.unit.max_rows) if on_unit else 1
    rows_of_unit = max(of_unit, plan.unit.max_rows) * prod(factors)
    steps, rows = _row_steps(plan), about * prod(factors)
    return Cost(
        rows,
        of_unit * prod(factors),
        about * prod(typical),
        steps,
        rows_of_unit * steps,
        max(rows * _held_bytes(plan), about * _bytes_of_keys(plan)) * COPIES,
    )


def require_affordable(plan: Plan) -> None:
    """Raises `QueryRefused` for a plan that could cost more than is allowed, whatever its rows are."""
    cost, kind = cost_of(plan), plan.unit.kind
    if cost.unit_rows > MOST_ROWS_OF_A_UNIT and plan.joins:
        raise QueryRefused(
            "JOIN",
            f"one {kind}'s rows could become {cost.unit_rows:,} by it, of at most {MOST_ROWS_OF_A_UNIT:,}.",
            instead=_fewer(plan),
            position=plan.joins[-1].position,
            construct_zh="JOIN",
            why_zh=(
                f"每个{KIND_ZH[kind]}的行可能由此变为 {cost.unit_rows:,} 行，至多计算 "
                f"{MOST_ROWS_OF_A_UNIT:,} 行。"
            ),
            instead_zh=_fewer_zh(plan),
        )
    if cost.row_steps > MOST_STEPS_A_ROW or cost.unit_steps > MOST_STEPS_OF_A_UNIT:
        raise QueryRefused(
            "The question",
            f"computing with the texts of a row could touch {cost.row_steps:,} bytes (at most "
            f"{MOST_STEPS_A_ROW:,}), and of one {kind}'s rows {cost.unit_steps:,} (at most "
            f"{MOST_STEPS_OF_A_UNIT:,}).",
            construct_zh="此问",
            instead="Compare fewer texts, or with shorter patterns, or a part of each text: LEFT(x, 100).",
            why_zh=f"计算一行的文本可能涉及 {cost.row_steps:,} 字节（至多 {MOST_STEPS_A_ROW:,}），"
            f"每个{KIND_ZH[kind]}各行 {cost.unit_steps:,} 字节（至多 {MOST_STEPS_OF_A_UNIT:,}）。",
            instead_zh="请少比较几个文本，或用更短的模式，或只取一部分：LEFT(x, 100)。",
        )
    if cost.memory_bytes > MOST_MEMORY_BYTES:
        raise QueryRefused(
            "The question",
            f"so many different values could take {cost.memory_bytes:,} bytes; at most "
            f"{MOST_MEMORY_BYTES:,} are there.",
            instead="Ask for a part of each value, such as LEFT(x, 20), or join less.",
            construct_zh="此问",
            why_zh=f"不同的取值可能占用 {cost.memory_bytes:,} 字节，至多 {MOST_MEMORY_BYTES:,} 字节。",
            instead_zh="请只取每个值的一部分，例如 LEFT(x, 20)，或少联几张表。",
        )
    if cost.rows > MOST_ROWS:
        raise QueryRefused(
            "JOIN",
            f"the rows could become {cost.rows:,} by it, of at most {MOST_ROWS:,}.",
            instead=_fewer(plan),
            position=plan.joins[-1].position if plan.joins else None,
            construct_zh="JOIN",
            why_zh=f"数据行可能由此变为 {cost.rows:,} 行，至多计算 {MOST_ROWS:,} 行。",
            instead_zh=_fewer_zh(plan),
        )


def _row_steps(plan: Plan) -> int:
    """What computing a row's part in all of the plan's totals touches, in bytes."""
    computed = [plan.where, *(key.of for key in plan.keys), *(total.of for total in plan.totals)]
    computed += [part for join in plan.joins for part in (*join.left, join.where)]
    computed += [*plan.per_unit.keys, plan.per_unit.where] if plan.per_unit else []
    return sum(steps_a_row(one, plan.scope) for one in computed if one is not None)


def _held_bytes(plan: Plan) -> int:
    """Of a row, where different values are counted:
    unit, cell and the value, of a text its digest (compile/totals.py)."""
    return 48 + 8 * len(plan.keys) if any(total.kind is TotalKind.VALUES for total in plan.totals) else 0


def _bytes_of_keys(plan: Plan) -> int:
    """Bytes of a row where a key's values are selected: unit and value, of a text no more than is
    released."""
    return max(
        (
            32 + min(width_of(key.of, plan.scope), BYTES_OF_A_CHARACTER * MOST_CHARACTERS)
            for key in plan.unknown
        ),
        default=0,
    )


def _fan_out(plan: Plan, join: Join) -> int:
    table = plan.scope.joined[join.name]
    if isinstance(table, PublicTable):
        found = table.fan_out(tuple(name.text for name in join.right))
        return table.version.policy.about_rows if found is None else max(1, found)
    assert table.version.policy.unit is not None
    return rows_kept(table.version.policy.unit.max_rows)


def _fewer(plan: Plan) -> str:
    several = ", ".join(
        f"{join.dataset} ({_fan_out(plan, join):,} rows for one value)" for join in plan.joins
    )
    return f"Join fewer tables, or on columns whose values are rarer there: {several}."


def _fewer_zh(plan: Plan) -> str:
    several = "、".join(f"{join.dataset}（一个取值至多 {_fan_out(plan, join):,} 行）" for join in plan.joins)
    return f"请少联几张表，或按取值更少重复的栏目联表：{several}。"
