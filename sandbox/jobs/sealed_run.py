"""Runs one program in a fresh seal.
Its outbox and its exit are collected, though nothing in the seal is trusted.

The outbox is a sized folder in the seal's own memory. Its descriptor is taken before the program begins and
keeps it after the seal is gone: so it can never fill a disk, and it is read only when no process is left
that could change it.
"""

import os
import select
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field

from sandbox.errors import Unavailable
from sandbox.jobs.cancellation import Cancellation
from sandbox.jobs.outbox import Collected, collect
from sandbox.jobs.output_capture import OutputCapture
from sandbox.jobs.run_folder import RunFolder
from sandbox.jobs.run_seal import OUTBOX, READY
from sandbox.seals import TOO_MUCH_MEMORY, TOO_MUCH_PROCESSOR, Bubblewrap, Seal, SealedProcess, first_of

ENDED_BY = {TOO_MUCH_MEMORY: "memory", TOO_MUCH_PROCESSOR: "processor"}
START_SECONDS, END_SECONDS = 20.0, 20.0
PIECE = 4096  # what a pipe takes whole, or not at all


@dataclass(frozen=True)
class Ending:
    """How a run ended: "itself" with its status, "memory", "time", "processor", "cancelled",
    "interrupted" or "not_started"."""

    how: str
    status: int | None
    seconds: float
    said: bytes
    outbox: Collected
    predictions: str = ""  # of a predictor: "valid", or what is wrong with what it left
    recipes: dict[str, str] = field(default_factory=dict)  # of each: "", or why it left nothing


class SealedRun:
    """One program in its seal, ready to begin.
    Make it on the thread that waits for its end: the seal dies with that thread."""

    def __init__(self, bubblewrap: Bubblewrap, seal: Seal, folder: RunFolder) -> None:
        reader, writer = os.pipe()
        # both ends of the pipe are ours until the program has read from it
        self._begin = os.open(folder.begin, os.O_RDWR | os.O_CLOEXEC)
        self._inside = self._outbox = -1
        try:
            self._process: SealedProcess = bubblewrap.start(seal, output=writer)
        finally:
            os.close(writer)
        try:
            _await_ready(reader)
            first = first_of(self._process)
            self._inside = os.pidfd_open(first)
            self._outbox = os.open(
                f"/proc/{first}/root{OUTBOX}", os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
            )
        except (OSError, Unavailable) as error:
            self._process.kill()
            self._process.wait()
            os.close(reader)
            self._close()
            raise (
                error
                if isinstance(error, Unavailable)
                else Unavailable(
                    "A run could not be sealed.",
                    remedy="See sandbox/seals/README.md.",
                    internal=type(error).__name__,
                )
            ) from error
        self._said = OutputCapture(reader)

    def run(self, seconds: float, cancelled: Cancellation, feed: bytes = b"") -> Ending:
        """Let it begin, and wait for its end, its time or its cancellation. It is dead when this returns.
        `feed` goes through the pipe by which it was let begin, for who reads on there."""
        began = time.monotonic()
        process = os.pidfd_open(self._process.pid)
        feeder = Feeder(self._begin, b"\n" + feed)
        try:
            rung = cancelled.wait(seconds, beside=process)
            status = self._process.poll()
        finally:
            os.close(process)
            self._process.kill()
            self._process.wait()
            feeder.close()
        passed = time.monotonic() - began
        try:
            self._await_death()
            outbox = Collected() if rung else collect(self._outbox)
        finally:
            self._close()
        how = "cancelled" if rung else "time" if status is None else ENDED_BY.get(status, "itself")
        return Ending(
            how, None if how in ("cancelled", "time") else status, round(passed, 3), self._said.text(), outbox
        )

    def _await_death(self) -> None:
        """Killing bubblewrap from outside ends the seal soon, not at once:
        its first process ends when all others have."""
        ended = select.poll()
        ended.register(self._inside, select.POLLIN)
        if not ended.poll(END_SECONDS * 1000):
            raise Unavailable("A seal did not end.", internal="its first process is still there")

    def _close(self) -> None:
        for descriptor in (self._begin, self._inside, self._outbox):
            if descriptor >= 0:
                os.close(descriptor)


class Feeder:
    """Writes into a pipe from a thread of its own, as fast as it is read, until it is closed."""

    def __init__(self, pipe: int, content: bytes) -> None:
        self._pipe, self._content = pipe, memoryview(content)
        self._stop = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        os.set_blocking(pipe, False)
        self._thread = threading.Thread(target=self._write, name="feed of a run", daemon=True)
        self._thread.start()

    def _write(self) -> None:
        waiting = select.poll()
        waiting.register(self._pipe, select.POLLOUT)
        waiting.register(self._stop, select.POLLIN)
        while len(self._content):
            if any(descriptor == self._stop for descriptor, _ in waiting.poll()):
                return
            with suppress(BlockingIOError):
                self._content = self._content[os.write(self._pipe, self._content[:PIECE]) :]

    def close(self) -> None:
        """Stop, whatever was read."""
        os.eventfd_write(self._stop, 1)
        self._thread.join()
        os.close(self._stop)


def _await_ready(reader: int) -> None:
    """The first byte is our own start's: all is bound, and nothing of the analyst's has run."""
    ready = select.poll()
    ready.register(reader, select.POLLIN)
    first = os.read(reader, 1) if ready.poll(START_SECONDS * 1000) else b""
    if first != READY:
        rest = os.read(reader, 2000) if first else b""
        raise Unavailable(
            "A run could not be sealed.",
            remedy="See sandbox/seals/README.md for what a seal needs.",
            internal=(first + rest).decode(errors="replace"),
        )
