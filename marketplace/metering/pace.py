"""Limits how often a licence may call: a number a second, and as many at once after a pause (GCRA, ITU-T
I.371 annex A)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Pace:
    """`next_at` is to be kept for the next call. `left`: calls that could follow at once.
    `wait` is for a refused one."""

    allowed: bool
    next_at: datetime
    left: int
    wait: timedelta = timedelta()


def take(*, now: datetime, next_at: datetime | None, per_second: int) -> Pace:
    """Whether one more call fits. In any span of s seconds at most `per_second * (s + 1)` do."""
    interval = SECOND / per_second
    tolerance = interval * (per_second - 1)
    arrival = now if next_at is None else max(next_at, now)
    early = arrival - now
    if early > tolerance:
        return Pace(False, arrival, 0, early - tolerance)
    return Pace(True, arrival + interval, (tolerance - early) // interval)
