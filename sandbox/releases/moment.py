"""When may an answer leave? At a moment that follows from public facts, so that its time tells nothing about a row.

Source of the rule: Haeberlen, Pierce and Narayan, "Differential Privacy Under Fire", USENIX Security 2011, section 4.

There are two moments. Every question that can be asked takes a time that hardly depends on the rows' values (no
pattern that backtracks, no function that raises), so an answer leaves at its *allowance*. On a machine that is too busy
it leaves at its *limit*, and what is not done then is ended and has failed: nothing in between is ever shown.

Whatever tells a time waits for that moment: the answer's own date, the log's entries, which anybody may read, and the
place of the computation, which the next question waits for.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from sandbox.queries import Plan
from sandbox.queries.discovery import Discovery
from sandbox.queries.plan import TotalKind
from sandbox.queries.scope import BoundsToBuy
from sandbox.queries.tree import walk

START_SECONDS = 0.25
SECONDS_A_ROW = {TotalKind.UNITS: 5e-7, TotalKind.VALUES: 2e-6}
SECONDS_A_ROW_OTHERWISE = 3e-7
SECONDS_A_ROW_AND_PART = 3e-8  # for each part of an expression that is computed for a row
SECONDS_A_ROW_AND_OWN_VALUE = 5e-7  # for each value that all rows of its unit have
SECONDS_A_CELL = 5e-5
LIMIT_ALLOWANCES = 40


def allowance_seconds(plan: Plan) -> float:
    """How long an answer takes, from the plan alone: the public number of rows, what is computed for each, how many cells."""
    parts = sum(1 for _ in walk((plan.where, plan.per_unit, plan.joins, tuple(key.of for key in plan.keys))))
    own = SECONDS_A_ROW_AND_OWN_VALUE * len(plan.own)
    return START_SECONDS + sum(
        plan.version.policy.about_rows * (SECONDS_A_ROW.get(total.kind, SECONDS_A_ROW_OTHERWISE) + own
                                          + SECONDS_A_ROW_AND_PART * (parts + sum(1 for _ in walk(total.of))))
        + SECONDS_A_CELL * plan.cells * total.bins for total in plan.totals)


def allowance_for_keys(plan: Plan, discovery: Discovery | BoundsToBuy) -> float:
    """The same for finding a key's values, or a column's bounds."""
    return START_SECONDS + plan.version.policy.about_rows * (
        SECONDS_A_ROW[TotalKind.VALUES] + SECONDS_A_ROW_AND_PART * sum(1 for _ in walk(discovery.of)))


def limit_seconds(allowance: float) -> float:
    """When a question that is not done is ended."""
    return LIMIT_ALLOWANCES * allowance


@contextmanager
def until_due(allowance: float) -> Iterator[None]:
    """Let a block take its allowance, in seconds, or its limit if the allowance is over: exactly, however it ends."""
    started = time.monotonic()
    try:
        yield
    finally:
        passed = time.monotonic() - started
        due = allowance if passed <= allowance else limit_seconds(allowance)
        time.sleep(max(0.0, due - passed))
