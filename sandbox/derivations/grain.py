"""When a run may show that it has ended, and the one place of a process at which derivations compute.

Both are given back at the same moments: else whoever tries to derive could see how long others' rows took.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import ceil
from threading import Lock

from sandbox.errors import Conflict

THE_PLACE = Lock()
"""A derivation may use as much memory as the engine of questions: several at once would end the service."""


@dataclass
class Grain:
    """When a run may show that it has ended: `seconds` apart, from its begin on; 0: at once. A run waits
    once: what fails after that shows no later than what succeeds. `ended` is called when it has waited."""

    seconds: float
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    begun: float = field(default_factory=time.monotonic)
    ended: Callable[[], None] = lambda: None
    waited: bool = field(default=False, init=False)

    def wait(self) -> None:
        if self.waited:
            return
        self.waited = True
        if self.seconds:
            passed = self.clock() - self.begun
            self.sleep(ceil(passed / self.seconds) * self.seconds - passed)
        self.ended()


@contextmanager
def only_place(seconds: float) -> Iterator[Grain]:
    """The place, until the grain has waited; where it never does, until the block ends. Nobody waits for it:
    raises `Conflict` (code "at_work") where another derivation has it."""
    if not THE_PLACE.acquire(blocking=False):
        raise Conflict(
            "Another derivation is at work: they run one at a time.",
            code="at_work",
            remedy="Try again later, in a few minutes.",
            zh="另一个派生正在运行：派生逐个进行。",
            remedy_zh="请几分钟后重试。",
        )
    left = [THE_PLACE]

    def give_back() -> None:
        if left:
            left.pop().release()

    try:
        yield Grain(seconds, ended=give_back)
    finally:
        give_back()
