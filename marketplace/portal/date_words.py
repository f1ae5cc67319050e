"""Writes moments in words of a language."""

from datetime import datetime
from zoneinfo import ZoneInfo

MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


def date_words(value: datetime | str, language: str, zone: ZoneInfo) -> str:
    """2027年3月1日 09:00, or 1 March 2027, 09:00."""
    moment = (value if isinstance(value, datetime) else datetime.fromisoformat(value)).astimezone(zone)
    if language == "zh":
        return f"{moment.year}年{moment.month}月{moment.day}日 {moment:%H:%M}"
    return f"{moment.day} {MONTHS[moment.month - 1]} {moment.year}, {moment:%H:%M}"
