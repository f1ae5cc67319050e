"""Whenever the signal arrives that ends a city, the city ends: whole, and without an error."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.standalone.end_request import ENDINGS, EndRequest, Stopped
from sandbox.standalone.managed_service import ManagedService, RunningService
from sandbox.standalone.run_city import run_city
from sandbox.standalone.settings import ANY_PORTS, CitySettings
from sandbox.standalone.supervisor import City

TENDING = Path(__file__).with_name("ended_while_tending.py")


@pytest.mark.timeout(1800)
def test_whenever_the_signal_comes_while_parts_are_tended_all_end(tmp_path: Path) -> None:
    """Also where a lock of `subprocess` was just taken: to end the part, it is needed again."""
    # no limit for all: each city has an alarm of its own
    done = subprocess.run([sys.executable, TENDING, tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(done.stdout) > 100, "so many moments are in a look at the parts"


def test_a_request_is_noted_and_stays_and_the_handlers_are_given_back() -> None:
    before = {ending: signal.getsignal(ending) for ending in ENDINGS}
    with EndRequest() as asked:
        assert not asked.came()
        asked.check()
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
        for _ in range(2):
            assert asked.came()
            with pytest.raises(Stopped):
                asked.check()
    assert {ending: signal.getsignal(ending) for ending in ENDINGS} == before


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_city_that_is_told_to_end_while_it_starts_goes_no_further(
    ending: signal.Signals, tmp_path: Path
) -> None:
    passed = []

    def check(number: int) -> Callable[[Path, CitySettings], None]:
        def told(_: Path, __: CitySettings) -> None:
            passed.append(number)
            signal.raise_signal(ending)

        return told

    assert run_city(City(tmp_path, ANY_PORTS, checks=(check(1), check(2)))) == 0
    assert passed == [1] and list(tmp_path.iterdir()) == []


def test_a_part_that_does_not_answer_is_not_awaited_once_somebody_has_asked(tmp_path: Path) -> None:
    part = ManagedService("sleeper", ("/bin/sleep", "3600"), {}, "http://127.0.0.1:9/")
    running = RunningService(part, tmp_path, tmp_path / "log")
    rounds = []
    with EndRequest() as asked:

        def go_on() -> None:
            asked.check()
            rounds.append(1)
            if len(rounds) == 2:
                signal.raise_signal(signal.SIGINT)

        running.launch()
        try:
            with pytest.raises(Stopped):
                running.await_ready(go_on)
        finally:
            running.stop()
    assert len(rounds) == 2
