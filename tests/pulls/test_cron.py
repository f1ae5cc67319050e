"""A schedule comes when it says, by the city's clock, and no other time."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.city_time import CITY_TIME
from sandbox.errors import InvalidInput
from sandbox.pulls.cron import Cron, read_cron

FIELDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))


@st.composite
def fields(draw: st.DrawFn, low: int, high: int) -> str:
    def number() -> str:
        first = draw(st.integers(low, high))
        last = draw(st.integers(first, high))
        step = draw(st.sampled_from(["", "/1", "/2", "/7"]))
        return draw(st.sampled_from([f"{first}", f"{first}-{last}{step}", f"*{step}"]))

    return ",".join(number() for _ in range(draw(st.integers(1, 3))))


@st.composite
def crons(draw: st.DrawFn) -> tuple[str, Cron]:
    # one minute of the hour, or the schedule comes too often
    text = " ".join([str(draw(st.integers(0, 59))), *(draw(fields(*of)) for of in FIELDS[1:])])
    try:
        return text, read_cron(text)
    except InvalidInput:  # 31 February
        return "0 3 * * *", read_cron("0 3 * * *")


def comes(text: str, moment: datetime) -> bool:
    """Said again, as crontab(5) says it."""

    def holds(field: str, value: int, low: int, high: int) -> bool:
        for part in field.split(","):
            span, _, step = part.partition("/")
            first, _, last = span.partition("-")
            start = low if span == "*" else int(first)
            end = high if span == "*" else int(last or first)
            if start <= value <= end and (value - start) % int(step or 1) == 0:
                return True
        return False

    local = moment.astimezone(CITY_TIME)
    minute, hour, day, month, weekday = text.split()
    numbers = {local.isoweekday() % 7, local.isoweekday()}
    by_day = holds(day, local.day, 1, 31)
    by_weekday = any(holds(weekday, number, 0, 7) for number in numbers)
    either = by_day or by_weekday
    both = by_day and by_weekday
    return (
        holds(minute, local.minute, 0, 59)
        and holds(hour, local.hour, 0, 23)
        and holds(month, local.month, 1, 12)
        and (both if day.startswith("*") or weekday.startswith("*") else either)
    )


@given(crons(), MOMENTS)
def test_the_next_time_is_one_of_the_schedule_and_later(made: tuple[str, Cron], moment: datetime) -> None:
    text, cron = made
    found = cron.after(moment)
    assert found > moment and found.second == 0 and comes(text, found)


@given(crons(), MOMENTS)
def test_no_time_of_the_schedule_is_passed_over(made: tuple[str, Cron], moment: datetime) -> None:
    text, cron = made
    found = cron.after(moment)
    local = moment.astimezone(CITY_TIME).replace(minute=cron.minutes[0], second=0, microsecond=0)
    for hours in range(1, 24 * 7):
        between = (local + timedelta(hours=hours)).astimezone(UTC)
        if moment < between < found:
            assert not comes(text, between)


@given(st.text(max_size=30))
def test_whatever_is_written_is_a_schedule_or_is_refused_in_words(text: str) -> None:
    try:
        read_cron(text).after(datetime(2026, 1, 1, tzinfo=UTC))
    except InvalidInput as refused:
        words = (refused.message, refused.remedy, refused.zh, refused.remedy_zh)
    else:
        return
    assert all(words)


@pytest.mark.parametrize(
    ("text", "after", "then"),
    [
        ("0 3 * * *", "2026-05-01T18:59:00Z", "2026-05-01T19:00:00Z"),  # three o'clock in the city
        ("0 0 29 2 *", "2097-01-01T00:00:00Z", "2104-02-28T16:00:00Z"),  # 2100 has no 29 February
        ("30 8 1 * 1", "2026-05-02T00:00:00Z", "2026-05-04T00:30:00Z"),  # the first, or a Monday
        ("0 12 * * 7", "2026-05-01T00:00:00Z", "2026-05-03T04:00:00Z"),  # 7 is Sunday, as 0
        ("*/15 * * * *", "2026-05-01T00:01:00Z", "2026-05-01T00:15:00Z"),
    ],
)
def test_known_schedules(text: str, after: str, then: str) -> None:
    assert read_cron(text).after(datetime.fromisoformat(after)) == datetime.fromisoformat(then)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "* * * * *",
        "*/14 * * * *",
        "0 3 * *",
        "0 3 * * * *",
        "60 3 * * *",
        "0 24 * * *",
        "0 0 0 1 *",
        "0 0 1 13 *",
        "0 0 1 1 8",
        "5-1 0 * * *",
        "0,10 1 * * *",
        "0,50 23,0 * * *",
        "a * * * *",
        "0 0 */0 * *",
        "@daily",
        "٣ 3 * * *",
    ],
)
def test_what_is_no_schedule_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        read_cron(text)
