"""A month is the buyer's month."""

from datetime import UTC, datetime

import pytest

from marketplace.metering.months import month_of, month_span
from sandbox.errors import InvalidInput


def test_the_month_begins_at_the_buyers_midnight() -> None:
    assert month_of(datetime(2026, 2, 28, 15, 59, 59, tzinfo=UTC), "Asia/Shanghai") == "2026-02"
    assert month_of(datetime(2026, 2, 28, 16, 0, tzinfo=UTC), "Asia/Shanghai") == "2026-03"


def test_a_span_begins_and_ends_with_its_month() -> None:
    begins, ends = month_span("2026-12", "Asia/Shanghai")
    assert begins.astimezone(UTC) == datetime(2026, 11, 30, 16, tzinfo=UTC)
    assert ends.astimezone(UTC) == datetime(2026, 12, 31, 16, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "2026-13", "2026-1", "26-01", "2026-00", "2026-01-01", "x"])
def test_what_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        month_span(text, "Asia/Shanghai")
