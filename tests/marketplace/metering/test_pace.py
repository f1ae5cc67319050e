"""How often a licence may call: never more than the rate and one burst."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from marketplace.metering.pace import take

START = datetime(2026, 3, 1, tzinfo=UTC)


@given(st.integers(1, 20), st.lists(st.integers(0, 2_000_000), min_size=1, max_size=200))
def test_in_any_span_no_more_than_the_rate_and_one_burst(per_second: int, gaps: list[int]) -> None:
    now, next_at, taken = START, None, []
    for gap in gaps:
        now += timedelta(microseconds=gap)
        pace = take(now=now, next_at=next_at, per_second=per_second)
        next_at = pace.next_at
        if pace.allowed:
            taken.append(now)
    for first in range(len(taken)):
        for last in range(first, len(taken)):
            span = (taken[last] - taken[first]).total_seconds()
            assert last - first + 1 <= per_second * (span + 1) + 1e-6


def test_after_a_pause_a_burst_and_then_one_by_one() -> None:
    next_at, allowed = None, []
    for _ in range(6):
        pace = take(now=START, next_at=next_at, per_second=5)
        next_at = pace.next_at
        allowed.append((pace.allowed, pace.left))
    assert allowed == [(True, 4), (True, 3), (True, 2), (True, 1), (True, 0), (False, 0)]
    assert take(now=START + pace.wait, next_at=next_at, per_second=5).allowed
