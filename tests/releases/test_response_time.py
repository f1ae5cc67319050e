"""The moment of an answer is one of few that the plan alone gives;
which of them, hardly ever depends on its rows."""

from math import log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.releases.response_time import (
    MOST_ALLOWANCE,
    MOST_SECONDS,
    STEPS,
    limit_seconds,
    moment_for,
    moments,
    until_due,
)

allowances = st.floats(0.25, MOST_ALLOWANCE)
loads = st.floats(0.1, 1000)
times = st.floats(0, 2 * MOST_SECONDS)


@given(allowances)
def test_there_are_few_moments_and_none_is_after_the_most_that_is_given(allowance: float) -> None:
    every = moments(allowance)
    assert (
        every == sorted(set(every))
        and every[0] == allowance
        and every[-1] == limit_seconds(allowance) <= MOST_SECONDS
    )
    assert log2(len(every)) <= log2(STEPS + 1) < 2.6


@given(allowances, loads, times)
def test_an_answer_leaves_at_a_moment_and_not_before_it_is_ready(
    allowance: float, load: float, passed: float
) -> None:
    due = moment_for(allowance, load=load, passed=passed)
    assert due in moments(allowance)
    assert due >= min(passed, limit_seconds(allowance))


@given(allowances, loads, times, times)
def test_what_is_ready_within_what_the_load_allows_leaves_at_one_moment(
    allowance: float, load: float, one: float, other: float
) -> None:
    """However long its own rows took: only what takes longer than that comes to another step."""
    allowed = moment_for(allowance, load=load, passed=0.0)
    if max(one, other) <= allowed:
        assert (
            moment_for(allowance, load=load, passed=one)
            == moment_for(allowance, load=load, passed=other)
            == allowed
        )


@given(allowances, st.floats(1, 16), times)
def test_a_busier_machine_never_answers_earlier(allowance: float, load: float, passed: float) -> None:
    assert moment_for(allowance, load=2 * load, passed=passed) >= moment_for(
        allowance, load=load, passed=passed
    )
    assert moment_for(allowance, load=load, passed=0) <= max(allowance, 2 * load * allowance)


def test_what_fails_takes_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("sandbox.releases.response_time.time.sleep", slept.append)
    monkeypatch.setattr("sandbox.releases.response_time.time.monotonic", lambda: 5.0)
    with pytest.raises(ZeroDivisionError), until_due(1.0, load=1.0):
        raise ZeroDivisionError
    with until_due(1.0, load=1.0):
        pass
    assert slept == [limit_seconds(1.0), 1.0]
