"""Computes the buyer's month. Bills are by calendar month in the organisation's time zone."""

import re
from datetime import datetime
from zoneinfo import ZoneInfo

from sandbox.errors import InvalidInput

MONTH = re.compile(r"(20\d\d)-(0[1-9]|1[0-2])")


def month_of(moment: datetime, time_zone: str) -> str:
    """Such as "2026-03"."""
    return moment.astimezone(ZoneInfo(time_zone)).strftime("%Y-%m")


def month_span(month: str, time_zone: str) -> tuple[datetime, datetime]:
    """When a month begins and when the next one does. Raises `InvalidInput`."""
    shape = MONTH.fullmatch(month)
    if shape is None:
        raise InvalidInput(f"{month[:20]!r} is not a month.", remedy="Write it like 2026-03.")
    year, number = int(shape[1]), int(shape[2])
    zone = ZoneInfo(time_zone)
    following = (year, number + 1) if number < 12 else (year + 1, 1)
    return datetime(year, number, 1, tzinfo=zone), datetime(*following, 1, tzinfo=zone)
