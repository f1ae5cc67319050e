"""When may an answer leave? At a moment that follows from public facts, so that its time tells nothing about a row.

Source of the rule: Haeberlen, Pierce and Narayan, "Differential Privacy Under Fire", USENIX Security 2011, section 4.
"""

import time

from sandbox.queries import Plan

START_SECONDS = 0.15
SECONDS_A_ROW = 2e-6
SECONDS_A_CELL = 5e-5


def allowance_seconds(plan: Plan) -> float:
    """How long an answer takes, from the plan, the public number of rows and the number of cells."""
    per_row = SECONDS_A_ROW * plan.version.policy.about_rows
    return START_SECONDS + len(plan.totals) * (per_row + SECONDS_A_CELL * plan.cells)


def wait_until_due(plan: Plan, started: float) -> None:
    """Wait until the allowance since `started` (time.monotonic) is over; work that took longer waits for a multiple of it."""
    allowance = allowance_seconds(plan)
    passed = time.monotonic() - started
    periods = int(passed // allowance) + 1
    time.sleep(periods * allowance - passed)
