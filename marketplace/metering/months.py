"""Computes the buyer's month. Bills are by calendar month in the organisation's time zone."""

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from sandbox.errors import InvalidInput

MONTH = re.compile(r"(20\d\d)-(0[1-9]|1[0-2])")


KNOWN: dict[str, tuple[datetime, datetime, str]] = {}
"""The month that was asked for last, by time zone: each call asks for its own several times."""


def month_of(moment: datetime, time_zone: str) -> str:
    """Such as "2026-03"."""
    known = KNOWN.get(time_zone)
    if known is None or not known[0] <= moment < known[1]:
        month = moment.astimezone(ZoneInfo(time_zone)).strftime("%Y-%m")
        begin, end = month_span(month, time_zone)
        known = KNOWN[time_zone] = begin.astimezone(UTC), end.astimezone(UTC), month
    return known[2]


def month_span(month: str, time_zone: str) -> tuple[datetime, datetime]:
    """When a month begins and when the next one does. Raises `InvalidInput`."""
    shape = MONTH.fullmatch(month)
    if shape is None:
        raise InvalidInput(
            f"{month[:20]!r} is not a month.",
            remedy="Write it like 2026-03.",
            zh=f"“{month[:20]}”不是月份。",
            remedy_zh="请写成 2026-03 这样。",
        )
    year, number = int(shape[1]), int(shape[2])
    zone = ZoneInfo(time_zone)
    following = (year, number + 1) if number < 12 else (year + 1, 1)
    return datetime(year, number, 1, tzinfo=zone), datetime(*following, 1, tzinfo=zone)


def month_before(month: str) -> str:
    """The month before "2026-01" is "2025-12"."""
    year, number = map(int, month.split("-"))
    return f"{year}-{number - 1:02d}" if number > 1 else f"{year - 1}-12"
