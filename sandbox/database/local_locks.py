"""Queues of threads of one process, by name: whoever waits here holds no connection meanwhile."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sandbox.errors import Conflict, Unavailable


@dataclass
class _Queue:
    """`threads`: the one that holds the lock, and those that wait for it."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    threads: int = 0


class LocalLocks:
    """One lock for each name that a thread holds or waits for."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._queues: dict[str, _Queue] = {}

    @contextmanager
    def hold(self, name: str, *, seconds: float, waiting: int | None) -> Iterator[None]:
        """Until the block ends. `waiting`: so many threads may wait, the next is refused; 0: nobody waits,
        None: there is no limit. Raises `Conflict` (code "at_work") where nobody waits, else `Unavailable`."""
        with self._guard:
            queue = self._queues.setdefault(name, _Queue())
            if waiting is not None and queue.threads > waiting:
                raise at_work() if waiting == 0 else lock_busy()
            queue.threads += 1
        try:
            if not queue.lock.acquire(timeout=seconds):
                raise lock_busy()
            try:
                yield
            finally:
                queue.lock.release()
        finally:
            with self._guard:
                queue.threads -= 1
                if not queue.threads:
                    del self._queues[name]


def at_work() -> Conflict:
    """The same thing is being done for another request."""
    return Conflict(
        "Another request does this already.",
        code="at_work",
        remedy="Wait until it has ended, then look what became of it; or try again in a minute.",
        zh="另一个请求正在执行此操作。",
        remedy_zh="请等待其结束后查看结果，或一分钟后重试。",
    )


def lock_busy() -> Unavailable:
    """Too many wait, or for too long: this is our load, and nothing was done."""
    return Unavailable(
        "Other requests are still at work, and too many wait.",
        remedy="Try again in a minute.",
        zh="其他请求仍在处理，等待者过多。",
        remedy_zh="请一分钟后重试。",
    )
