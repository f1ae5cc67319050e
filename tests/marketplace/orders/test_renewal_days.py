"""A licence is renewed by its cadence, not on random dates; and ends with the notice that the policy says."""

from datetime import UTC, date, datetime, timedelta

import pytest

from marketplace.licences.end_licence import end_of_notice
from marketplace.orders.model import stage_of
from marketplace.orders.renew_licence import Cadence, next_period
from sandbox.errors import InvalidInput


@pytest.mark.parametrize(
    ("last", "cadence", "first", "ends"),
    [
        (date(2026, 3, 31), "month", date(2026, 4, 1), date(2026, 4, 30)),
        (date(2026, 3, 31), "quarter", date(2026, 4, 1), date(2026, 6, 30)),
        (date(2026, 12, 31), "year", date(2027, 1, 1), date(2027, 12, 31)),
        (date(2026, 1, 14), "month", date(2026, 1, 15), date(2026, 2, 14)),
        (date(2026, 1, 30), "month", date(2026, 1, 31), date(2026, 2, 27)),
        (date(2028, 2, 28), "year", date(2028, 2, 29), date(2029, 2, 27)),
    ],
)
def test_the_next_period_follows_the_last_day(last: date, cadence: Cadence, first: date, ends: date) -> None:
    assert next_period(last, cadence) == (first, ends)


def test_a_licence_ends_after_the_notice_and_before_it_ends_by_itself() -> None:
    now, until = datetime(2026, 3, 1, 4, tzinfo=UTC), datetime(2026, 12, 31, 16, tzinfo=UTC)
    month = timedelta(days=30)

    def ends(last_day: date | None, notice: timedelta = month) -> datetime:
        return end_of_notice(now=now, last_day=last_day, notice=notice, until=until)

    assert ends(None) == datetime(2026, 3, 31, 16, tzinfo=UTC), "the midnight after the 31st, in the city"
    assert ends(date(2026, 6, 30)) == datetime(2026, 6, 30, 16, tzinfo=UTC)
    with pytest.raises(InvalidInput) as early:
        ends(date(2026, 3, 30))
    assert early.value.code == "notice_too_short" and "2026-03-31" in early.value.remedy
    assert ends(date(2026, 3, 1), timedelta()) == datetime(2026, 3, 1, 16, tzinfo=UTC)
    with pytest.raises(InvalidInput) as late:
        ends(date(2026, 12, 31))
    assert late.value.code == "ends_before"


def test_an_order_is_at_one_stage_of_the_trade() -> None:
    assert stage_of("placed", None) == stage_of("offered", None) == "trading"
    assert stage_of("withdrawn", None) == "closed"
    assert stage_of("approved", "live") == stage_of("approved", "suspended") == "delivery"
    assert stage_of("approved", "expired") == "settlement"
