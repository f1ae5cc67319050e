"""Defines a part of the city, and how it starts, answers and ends."""

import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from sandbox.errors import Unavailable
from sandbox.standalone import process_tree
from sandbox.standalone.answers import answers
from sandbox.standalone.log_files import last_line
from sandbox.standalone.parent_death_signal import leash

ANSWER_SECONDS = 2.0
STARTING_SECONDS = 5.0


@dataclass(frozen=True)
class ManagedService:
    """One service: its command, its whole environment (only its own secrets),
    and the URL that answers 200 once it serves. No URL: it serves nobody, and is ready while it runs.

    It gets `ending` when we want it to end, and when we are killed ourselves.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    health: str
    ending: signal.Signals = signal.SIGTERM
    start_seconds: float = 90
    stop_seconds: float = 10


@dataclass
class RunningService:
    """A part and its process."""

    part: ManagedService
    folder: Path
    log: Path
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def start_seconds(self) -> float:
        return self.part.start_seconds

    def launch(self) -> None:
        """Start it without waiting for it."""
        environment = {**self.part.environment, process_tree.PART: self.part.name}
        with self.log.open("ab") as log:
            self.process = self._process(environment, log)

    def _process(self, environment: Mapping[str, str], log: BinaryIO) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self.part.command,
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=leash(self.part.ending),
        )

    def is_ready(self) -> bool:
        """Whether it answers now."""
        if not self.part.health:
            return self.process is not None and self.process.poll() is None
        return answers(self.part.health, seconds=ANSWER_SECONDS)

    def await_ready(self, go_on: Callable[[], None] = lambda: None) -> None:
        """Return once it answers; `go_on` is called again and again meanwhile, and may raise.
        Raises `Unavailable`, with its last words and the place of its log, if it does not."""
        assert self.process is not None
        deadline = time.monotonic() + self.part.start_seconds
        while time.monotonic() < deadline:
            go_on()
            if not self.part.health or answers(self.part.health, seconds=STARTING_SECONDS):
                return
            try:
                status = self.process.wait(0.05)  # whichever comes first: its end, or time to ask again
            except subprocess.TimeoutExpired:
                continue
            raise Unavailable(
                (
                    f"The {self.part.name} ended while starting (status {status}). {last_line(self.log)}"
                ).strip(),
                code="part_ended",
                remedy=f"See {self.log}.",
            )
        raise Unavailable(
            f"The {self.part.name} does not answer at {self.part.health} "
            f"after {self.part.start_seconds:.0f} seconds.",
            code="part_silent",
            remedy=f"See {self.log}.",
        )

    def stop(self) -> None:
        """Ask it to end, wait for a bounded time, end it. Then end whatever it leaves."""
        if self.process is None:
            return
        offspring = process_tree.descendants(self.process.pid)
        self.process.send_signal(self.part.ending)
        try:
            self.process.wait(self.part.stop_seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        process_tree.end(offspring, patience_seconds=2)
        self.process = None
