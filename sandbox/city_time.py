"""Computes days by the city's time zone, whatever the time zone of the machine is."""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

CITY_TIME_ZONE = "Asia/Shanghai"
CITY_TIME = ZoneInfo(CITY_TIME_ZONE)


def city_date(moment: datetime) -> date:
    """The day that it is in the city at this moment."""
    return moment.astimezone(CITY_TIME).date()


def end_of(day: date) -> datetime:
    """The last second of a day of the city."""
    return datetime.combine(day, time(23, 59, 59), CITY_TIME)
