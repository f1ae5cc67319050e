"""A moment is waited for by the clock, however that is set meanwhile; who rings ends the wait."""

from contextlib import closing
from datetime import UTC, datetime, timedelta, tzinfo

import pytest

from sandbox.jobs import cancellation
from sandbox.jobs.cancellation import Cancellation


class SetBack(datetime):
    """A clock that is set back by half a second while somebody waits."""

    looks = 0

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        cls.looks += 1
        return datetime.now(tz) - timedelta(seconds=0.5 if cls.looks > 1 else 0)


def test_a_clock_that_is_set_back_makes_nothing_early(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = datetime.now(UTC) + timedelta(seconds=0.1)
    monkeypatch.setattr(cancellation, "datetime", SetBack)
    with closing(Cancellation()) as waited:
        assert not waited.wait_until(moment)
        assert SetBack.now(UTC) >= moment


def test_who_rings_ends_the_wait_for_a_moment() -> None:
    with closing(Cancellation()) as waited:
        waited.ring()
        assert waited.wait_until(datetime.now(UTC) + timedelta(days=1))
