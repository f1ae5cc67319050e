"""Reads a cron expression of five fields, and computes the next time of it by the city's clock.

Minute, hour, day of the month, month and day of the week (0 and 7 are Sunday). A field is `*`, a number, a
range, a list of these, each with a step (`*/2`, `1-5/2`). Where both days are given, either is enough, as in
every cron.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

from sandbox.city_time import CITY_TIME
from sandbox.errors import InvalidInput

FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day", 1, 31), ("month", 1, 12), ("weekday", 0, 7))
ZH = {"minute": "分", "hour": "时", "day": "日", "month": "月", "weekday": "星期"}
PART = re.compile(r"(?:(\*)|(\d{1,2})(?:-(\d{1,2}))?)(?:/(\d{1,2}))?", re.ASCII)
LONGEST = 100  # characters
MOST_DAYS = 366 * 9  # 29 February comes back after eight years at most
SHORTEST_MINUTES = 15
"""Between two pulls: each is a version, and every question of it is paid anew."""


@dataclass(frozen=True)
class Cron:
    """The values of each field. `any_day`, `any_weekday`: the field begins with `*`."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    any_day: bool
    any_weekday: bool

    def after(self, moment: datetime) -> datetime:
        """The first time later than `moment`, in UTC."""
        local = moment.astimezone(CITY_TIME)
        day = local.date()
        for _ in range(MOST_DAYS):
            if self._on(day):
                for hour in self.hours:
                    for minute in self.minutes:
                        found = datetime.combine(day, time(hour, minute), CITY_TIME).astimezone(UTC)
                        if found > moment:
                            return found
            day += timedelta(days=1)
        raise InvalidInput(
            "The schedule names a day that never comes.",
            remedy="Correct day and month, such as 0 3 1 * * for the first of each month.",
            zh="时间表中的日期永远不会出现。",
            remedy_zh="请改正日和月，例如 0 3 1 * * 表示每月一日三点。",
        )

    def _on(self, day: date) -> bool:
        if day.month not in self.months:
            return False
        by_day, by_weekday = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        if self.any_day or self.any_weekday:
            return by_day and by_weekday
        return by_day or by_weekday


def read_cron(text: str) -> Cron:
    """Raises `InvalidInput` for what is no schedule, never comes, or comes too often."""
    parts = text.split()
    if len(text) > LONGEST or len(parts) != len(FIELDS):
        raise _wrong("it has not five fields", "须为五个字段")
    values = [_values(part, *field) for part, field in zip(parts, FIELDS, strict=True)]
    cron = Cron(
        minutes=tuple(sorted(values[0])),
        hours=tuple(sorted(values[1])),
        days=values[2],
        months=values[3],
        weekdays=frozenset(day % 7 for day in values[4]),
        any_day=parts[2].startswith("*"),
        any_weekday=parts[4].startswith("*"),
    )
    _refuse_too_often(cron)
    cron.after(datetime(2024, 1, 1, tzinfo=UTC))
    return cron


def _values(text: str, name: str, low: int, high: int) -> frozenset[int]:
    values: set[int] = set()
    for part in text.split(","):
        found = PART.fullmatch(part)
        if found is None:
            raise _wrong(f"its {name} cannot be read", f"“{ZH[name]}”字段无法识别")
        every, first, last, step = found.groups()
        start = low if every else int(first)
        # a number with a step goes on to the end, as in every cron
        end = high if every or (step and last is None) else int(last or first)
        if not low <= start <= end <= high or (step is not None and not int(step)):
            raise _wrong(
                f"its {name} must be within {low} and {high}", f"“{ZH[name]}”须在 {low} 至 {high} 之间"
            )
        values |= set(range(start, end + 1, int(step or 1)))
    return frozenset(values)


def _refuse_too_often(cron: Cron) -> None:
    minutes = [hour * 60 + minute for hour in cron.hours for minute in cron.minutes]
    gaps = [later - earlier for earlier, later in pairwise(minutes)]
    gaps.append(minutes[0] + 24 * 60 - minutes[-1])  # over midnight
    if min(gaps) < SHORTEST_MINUTES:
        raise InvalidInput(
            f"The schedule comes more often than every {SHORTEST_MINUTES} minutes.",
            code="pull_too_often",
            remedy="Each time a new version is made. Choose times that lie further apart.",
            zh=f"时间表的间隔短于 {SHORTEST_MINUTES} 分钟。",
            remedy_zh="每次都会产生一个新版本。请拉长间隔。",
        )


def _wrong(why: str, zh: str) -> InvalidInput:
    return InvalidInput(
        f"This is no schedule: {why}.",
        remedy="Write minute, hour, day, month and weekday, such as 0 3 * * * for every night at three.",
        zh=f"时间表有误：{zh}。",
        remedy_zh="请依次写分、时、日、月、星期，例如 0 3 * * * 表示每天凌晨三点。",
    )
