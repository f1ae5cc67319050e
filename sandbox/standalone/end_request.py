"""Tells whether somebody asked this process to end (Ctrl-C, SIGTERM, SIGHUP), and raises nothing on its own.

A handler that raises does so between any two instructions: where a lock was just taken it stays held for ever
(`subprocess` has one around each waitpid), and what is raised in a `__del__` is lost. So a signal only puts a
byte into a pipe. Who waits, waits for the pipe too; who works asks at places where nothing is half done.
"""

import os
import select
import signal
from types import FrameType
from typing import Self

ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(BaseException):
    """Somebody asked us to end. Not an `Exception`, so that nothing on the way takes it for a fault."""


class EndRequest:
    """A context, of the main thread, in which these signals only note that they came.
    Not entered, it is a request that never comes."""

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def __enter__(self) -> Self:
        # written by the C handler at once: one of Python's is only called when a system call returns
        self._wakeup_before = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        self._before = {ending: signal.signal(ending, note) for ending in ENDINGS}
        return self

    def __exit__(self, *_: object) -> None:
        for ending, handler in self._before.items():
            signal.signal(ending, handler)
        signal.set_wakeup_fd(self._wakeup_before)
        self.close()

    def close(self) -> None:
        os.close(self._reader)
        os.close(self._writer)

    def fileno(self) -> int:
        """Readable as soon as somebody has asked, and from then on."""
        return self._reader

    def came(self) -> bool:
        """Whether somebody has asked."""
        return bool(select.select([self._reader], [], [], 0)[0])

    def check(self) -> None:
        """Raises `Stopped` if somebody has asked: to be called where nothing is half done."""
        if self.came():
            raise Stopped


def note(_: int, __: FrameType | None) -> None:
    """Nothing: the byte is in the pipe already. Unlike SIG_IGN it is not what our children begin with."""
