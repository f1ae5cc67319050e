"""Runs a city of one small part again and again, and is told to end at one instruction after another.

Prints how many moments there were. Exit status 1 where a city ended with another status than 0, or left its
part running. Where it would never end, an alarm ends us.
"""

import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType, SimpleNamespace
from typing import Any

from sandbox.standalone.managed_service import ManagedService, RunningService
from sandbox.standalone.run_city import run_city
from sandbox.standalone.settings import ANY_PORTS
from sandbox.standalone.supervisor import City
from sandbox.standalone.tended import Tended

SECONDS = 120  # far more than a city of one part takes to end


class OnePart(City):
    """A city that stands on nothing: what tends and ends its part is the true one."""

    def start(self) -> Any:
        part = ManagedService("sleeper", ("/bin/sleep", "3600"), {}, "")
        self.running["sleeper"] = running = RunningService(part, self.home, self.home / "log")
        running.launch()
        self._tended = {"sleeper": Tended("sleeper", running, self._sweep)}
        return None


def at_instruction(number: int, done: SimpleNamespace) -> Callable[[FrameType, str, Any], Any]:
    """A trace that sends us SIGTERM at an instruction of this number, of any function called from now on:
    of all in `subprocess`, which holds locks, and of each third elsewhere."""

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        frame.f_trace_opcodes = True
        if event == "opcode" and (frame.f_code.co_filename == subprocess.__file__ or frame.f_lasti % 3 == 0):
            done.passed += 1
            if done.passed == number:
                done.sent = True
                sys.settrace(None)
                frame.f_trace = None
                signal.raise_signal(signal.SIGTERM)
        return trace

    return trace


def ended_at(number: int, home: Path) -> bool:
    """Run a city and ask it to end at this instruction. Whether there was one before it would have waited."""
    city, done = OnePart(home, ANY_PORTS), SimpleNamespace(passed=0, sent=False)

    def ready(_: object) -> None:
        sys.settrace(at_instruction(number, done))

    signal.alarm(SECONDS)
    waited = city._soonest
    rounds = itertools.count()

    def soonest() -> float:
        if next(rounds):  # the second look begins: there was no such instruction in the first
            sys.settrace(None)
            signal.raise_signal(signal.SIGTERM)
        return min(waited(), 0.0)

    city._soonest = soonest  # type: ignore[method-assign]
    status = run_city(city, ready=ready)
    signal.alarm(0)
    if status or city.running or has_children():
        print(f"ended at {number}: status {status}, running {city.running}")
        sys.exit(1)
    return done.sent


def has_children() -> bool:
    try:
        os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return False
    return True


if __name__ == "__main__":
    numbers = itertools.count(1)
    print(sum(itertools.takewhile(bool, (ended_at(number, Path(sys.argv[1])) for number in numbers))))
