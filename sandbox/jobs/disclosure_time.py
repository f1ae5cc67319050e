"""Decides when the end of a run is disclosed: at a moment that its declared limit gives, however soon it
really ended.

A run that ends early on one row and late on another would disclose that row by its end. So its end is
disclosed, its log entry written and its slot given to the next run when the declared limit is over and a
little more (`GRACE_SECONDS`, in which the outbox is collected), and never before. The start of other runs
follows from limits too, because slots are kept as long.
"""

from datetime import datetime, timedelta

from sandbox.errors import InvalidInput

LIMITS_SECONDS = (10, 60, 300, 900, 3600, 4 * 3600)
"""What may be declared: few values, so that a limit is a choice and not a message."""

GRACE_SECONDS = 5
COLLECTING_SECONDS = 3  # of the grace: a program is ended before them, whenever it began
FREEZING_SECONDS = 15
"""Of a run that pauses kernels, before its limit: in them every server must have paused those that it has."""
LATE_SECONDS = 60  # a late collection (a busy machine) is disclosed at a whole number of these


def checked_limit(seconds: int) -> int:
    if seconds not in LIMITS_SECONDS:
        raise InvalidInput(
            f"A run cannot have a limit of {seconds} seconds.",
            remedy=(
                f"Choose one of {', '.join(map(str, LIMITS_SECONDS))}: its end is told "
                "when the limit is over."
            ),
            zh=f"运行时限不能是 {seconds} 秒。",
            remedy_zh=f"请在 {'、'.join(map(str, LIMITS_SECONDS))} 中选择：时限届满时才告知结束。",
        )
    return seconds


def told_at(started: datetime, limit_seconds: int, *, freezing: bool = False) -> datetime:
    """When the end of a run that started then is disclosed. `freezing`: a run that pauses kernels first."""
    return started + timedelta(seconds=limit_seconds + GRACE_SECONDS + (FREEZING_SECONDS if freezing else 0))


def next_moment(due: datetime, now: datetime) -> datetime:
    """`due`, or if that is over, the first moment a whole number of LATE_SECONDS after it."""
    late = (now - due).total_seconds()
    return due if late <= 0 else due + timedelta(seconds=-(-late // LATE_SECONDS) * LATE_SECONDS)
