"""Computes days by the city's time zone, whatever the time zone of the machine is."""

from collections.abc import Collection
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

CITY_TIME_ZONE = "Asia/Shanghai"
CITY_TIME = ZoneInfo(CITY_TIME_ZONE)
SATURDAY = 5


def city_date(moment: datetime) -> date:
    """The day that it is in the city at this moment."""
    return moment.astimezone(CITY_TIME).date()


def end_of(day: date) -> datetime:
    """The last second of a day of the city."""
    return datetime.combine(day, time(23, 59, 59), CITY_TIME)


def end_of_working_days(asked: datetime, days: int, closed: Collection[date]) -> datetime:
    """The end of the last of this number of working days after the day of asking. On Saturdays, Sundays and
    the `closed` days nobody works."""
    day = city_date(asked)
    while days:
        day += timedelta(days=1)
        days -= day.weekday() < SATURDAY and day not in closed
    return end_of(day)
