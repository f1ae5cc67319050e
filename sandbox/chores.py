"""Runs what a service does again and again beside its requests.
Whatever a turn ends in, the next one comes."""

import asyncio
import contextlib
import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable

LONGEST_WAIT = 10.0
FIRST_WAIT = 0.1


class Chore(ABC):
    """Work of a thread, every `seconds`. Made anywhere, started on the event loop of the service."""

    def __init__(self, *, seconds: float, name: str, log: logging.Logger) -> None:
        self.seconds, self.name, self.log = seconds, name, log
        self.task: asyncio.Task[None] | None = None

    @abstractmethod
    def run(self) -> None:
        """One turn."""

    def start(self) -> None:
        turn = repeat(self.seconds, lambda: asyncio.to_thread(self.run), name=self.name, log=self.log)
        self.task = asyncio.create_task(turn)

    async def stop(self) -> None:
        if self.task is not None:
            self.task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self.task


async def repeat(
    seconds: float, deed: Callable[[], Awaitable[None]], *, name: str, log: logging.Logger
) -> None:
    """Wait, do it, and so on until the task is cancelled. A turn that fails is one line in the log."""
    while True:
        await asyncio.sleep(seconds)
        await attempt(deed, name=name, log=log)


async def until_done(deed: Callable[[], Awaitable[None]], *, name: str, log: logging.Logger) -> None:
    """Do it until it succeeds, with pauses that double up to `LONGEST_WAIT` seconds."""
    pause = FIRST_WAIT
    while not await attempt(deed, name=name, log=log):
        await asyncio.sleep(pause)
        pause = min(2 * pause, LONGEST_WAIT)


async def attempt(deed: Callable[[], Awaitable[None]], *, name: str, log: logging.Logger) -> bool:
    """Whether it succeeded."""
    try:
        await deed()
    except Exception as error:  # noqa: BLE001  # whatever it was, the next turn comes
        log.warning("%s: put off: %s", name, name_of(error))
        return False
    return True


def name_of(error: BaseException) -> str:
    """Its code or its type. Its words may hold what no log should."""
    return str(getattr(error, "code", None) or type(error).__name__)
