"""Cancels a wait for a process: an event that can be polled beside the process."""

import os
import select
import time
from datetime import UTC, datetime


class Cancellation:
    """Rung once, it stays rung."""

    def __init__(self) -> None:
        self._descriptor = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)

    def ring(self) -> None:
        os.eventfd_write(self._descriptor, 1)

    def wait(self, seconds: float, beside: int | None = None) -> bool:
        """Until it is rung, or `beside` (a descriptor) can be read, or the time is over.
        Whether it was rung."""
        until = time.monotonic() + seconds
        waiting = select.poll()
        for descriptor in (self._descriptor, *([] if beside is None else [beside])):
            waiting.register(descriptor, select.POLLIN)
        found: list[tuple[int, int]] = []
        while not found and (left := until - time.monotonic()) > 0:
            found = waiting.poll(min(left, 3600) * 1000)
        return any(descriptor == self._descriptor for descriptor, _ in found)

    def wait_until(self, moment: datetime) -> bool:
        """Until it is rung, or the clock shows `moment`, however that was set meanwhile.
        Whether it was rung."""
        while (left := (moment - datetime.now(UTC)).total_seconds()) > 0:
            if self.wait(left):
                return True
        return False

    def close(self) -> None:
        os.close(self._descriptor)
