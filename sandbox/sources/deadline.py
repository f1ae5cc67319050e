"""Ends a reading that takes too long, whatever it waits for: its socket is shut down."""

import os
import socket
import threading
import time
from types import TracebackType
from typing import Self

from sandbox.sources.failures import SourceFailure


class Deadline:
    """A time for one reading, as a context manager. `watch` names the socket that is shut down at its end."""

    def __init__(self, seconds: float) -> None:
        self._ends = time.monotonic() + seconds
        self._sockets: list[socket.socket] = []
        self._timer = threading.Timer(seconds, self._shut_down)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        for one in self._sockets:
            one.close()

    @property
    def left(self) -> float:
        return max(0.0, self._ends - time.monotonic())

    @property
    def passed(self) -> bool:
        return time.monotonic() >= self._ends

    def watch(self, descriptor: int) -> None:
        """`descriptor`: of a connected socket, which its owner may close."""
        self._sockets.append(socket.socket(fileno=os.dup(descriptor)))

    def check(self) -> None:
        """Raises `SourceFailure` when the time is over."""
        if self.passed:
            raise SourceFailure("source_timeout")

    def failure(self, code: str, *, internal: str = "") -> SourceFailure:
        """What a broken connection means: the time was over, or `code`."""
        return SourceFailure("source_timeout" if self.passed else code, internal=internal)

    def _shut_down(self) -> None:
        for one in self._sockets:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
