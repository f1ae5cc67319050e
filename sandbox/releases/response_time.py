"""Computes the moment at which an answer may leave.
It follows from public facts, so that its time discloses nothing about a row.

Source of the rule: Haeberlen, Pierce and Narayan, "Differential Privacy Under Fire", USENIX Security 2011,
section 4.

An answer leaves at its *allowance*, a function of the plan (queries/plan/cost.py bounds what it
computes), times a power of two. The machine's load decides which power, as others see that load: before a
question's rows are touched, a probe that computes a fixed amount and knows nothing of the question takes its
time (`Engine.load`). If the question is not done at that moment, it leaves at the next power, and so on up to
its *limit*. So its own computing can be seen only where it takes several times its allowance, and then as one
of `STEPS` steps: at most log2(STEPS + 1), about 2.6 bits. Whatever fails, leaves at the limit.

The allowance limits the question's own processor time (`computing_seconds`), at which its process is ended: a
busy machine alone never makes a question fail.

Whatever reveals a time waits for that moment: the answer's own date, the log's entries, which anybody may
read, and the slot of the computation, which the next question waits for.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil, log2

from sandbox.errors import QueryRefused
from sandbox.queries import Plan
from sandbox.queries.plan.cost import cost_of
from sandbox.queries.plan.partition_selection import PartitionSelection
from sandbox.queries.plan.plan import TotalKind
from sandbox.queries.tree import walk
from sandbox.queries.types.scope import BoundsEstimation

START_SECONDS = 0.25
SECONDS_A_ROW = {TotalKind.UNITS: 5e-7, TotalKind.VALUES: 2e-6}
SECONDS_A_ROW_OTHERWISE = 3e-7
SECONDS_A_ROW_AND_PART = 3e-8  # for each part of an expression that is computed for a row
SECONDS_A_ROW_AND_OWN_VALUE = 5e-7  # for each value that all rows of its unit have
SECONDS_A_STEP = 1e-12  # for each byte that computing a row may touch: texts
SECONDS_A_CELL = 5e-5

STEPS = 5
"""An answer leaves at 1, 2, 4, ... times its allowance, at most 2**STEPS times."""

MOST_SECONDS = 90.0
"""No question takes longer on the clock, whatever else the machine does."""

MOST_ALLOWANCE = MOST_SECONDS / 4
"""A plan with a larger allowance is refused: a machine must have room to be four times as busy."""


def allowance_seconds(plan: Plan) -> float:
    """How long an answer takes, from the plan alone:
    the public number of rows, what is computed for each, how many cells."""
    return _seconds(plan, cost_of(plan).typical_rows)


def computing_seconds(plan: Plan) -> float:
    """After how much time of its processors a question's process is ended:
    several times what its rows can take at most."""
    return 4 * _seconds(plan, cost_of(plan).rows)


def require_in_time(plan: Plan) -> None:
    """Raises `QueryRefused` for a plan that could not be answered within `MOST_SECONDS`."""
    takes = max(allowance_seconds(plan), computing_seconds(plan) / 16)
    if takes > MOST_ALLOWANCE:
        raise QueryRefused(
            "The question",
            f"computing it could take {takes:.0f} seconds; at most {MOST_ALLOWANCE:.0f} are given.",
            instead="Ask for fewer outputs at once, group by fewer values, or join less.",
            construct_zh="此问",
            why_zh=f"计算它可能需要 {takes:.0f} 秒，至多给 {MOST_ALLOWANCE:.0f} 秒。",
            instead_zh="请一次少问几个输出、按更少的取值分组，或少联几张表。",
        )


def _seconds(plan: Plan, rows: int) -> float:
    parts = sum(1 for _ in walk((plan.where, plan.per_unit, plan.joins, tuple(key.of for key in plan.keys))))
    own = SECONDS_A_ROW_AND_OWN_VALUE * len(plan.own)
    return (
        START_SECONDS
        + rows * SECONDS_A_STEP * cost_of(plan).row_steps
        + sum(
            rows
            * (
                SECONDS_A_ROW.get(total.kind, SECONDS_A_ROW_OTHERWISE)
                + own
                + SECONDS_A_ROW_AND_PART * (parts + sum(1 for _ in walk(total.of)))
            )
            + SECONDS_A_CELL * plan.cells * total.bins
            for total in plan.totals
        )
    )


def allowance_for_keys(plan: Plan, discovery: PartitionSelection | BoundsEstimation) -> float:
    """The same as `allowance_seconds` for finding a key's values, or a column's bounds."""
    return START_SECONDS + plan.version.policy.about_rows * (
        SECONDS_A_ROW[TotalKind.VALUES] + SECONDS_A_ROW_AND_PART * sum(1 for _ in walk(discovery.of))
    )


def limit_seconds(allowance: float) -> float:
    """When a question that is not done is ended, on the clock."""
    return min(MOST_SECONDS, allowance * float(2**STEPS))


def moments(allowance: float) -> list[float]:
    """All moments at which an answer may leave, the last of which is its limit."""
    limit = limit_seconds(allowance)
    return [*(allowance * 2**step for step in range(STEPS) if allowance * 2**step < limit), limit]


def moment_for(allowance: float, *, load: float, passed: float) -> float:
    """The moment of an answer that was ready after `passed` seconds,
    the probe's `load` having been found before.

    `load`: how many times longer than on a quiet machine the same computing takes now.
    """
    every = moments(allowance)
    first = min(len(every) - 1, max(0, ceil(log2(max(load, 1.0)))))
    return next((moment for moment in every[first:] if passed <= moment), every[-1])


@contextmanager
def until_due(allowance: float, *, load: float) -> Iterator[None]:
    """Let a block take exactly the seconds of its moment (`moment_for`); one that fails takes its limit."""
    started, due = time.monotonic(), limit_seconds(allowance)
    try:
        yield
        due = moment_for(allowance, load=load, passed=time.monotonic() - started)
    finally:
        time.sleep(max(0.0, started + due - time.monotonic()))
