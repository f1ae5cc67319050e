"""Tends one running part of a city: whether it is there, whether it answers, how it ended last, and when it
is started again."""

import logging
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, Protocol

from sandbox.errors import CihuError
from sandbox.standalone.backoff import Backoff
from sandbox.standalone.ended import Ended, OutOfMemoryKills, out_of_memory_kills
from sandbox.standalone.log_files import last_line

log = logging.getLogger("cihu.city")


class Running(Protocol):
    """What the supervisor holds of each part."""

    log: Path
    process: subprocess.Popen[bytes] | None

    @property
    def start_seconds(self) -> float: ...

    def launch(self) -> None: ...

    def is_ready(self) -> bool: ...

    def stop(self) -> None: ...


@dataclass
class Tended:
    """`sweep` ends the processes that a dead part left: its successor needs the same ports and files."""

    name: str
    running: Running
    sweep: Callable[[str], None]
    state: Literal["ready", "starting", "waiting"] = "ready"
    restarts: int = 0
    last_end: dict[str, Any] | None = None
    since: float = field(default_factory=time.monotonic)
    again_at: float = 0.0
    kills: OutOfMemoryKills = field(default_factory=out_of_memory_kills)
    backoff: Backoff = field(default_factory=Backoff)

    def note_end(self, status: int) -> str:
        """It has ended: by what, and when it is started again, in words."""
        now = time.monotonic()
        by = Ended(status, self.kills, out_of_memory_kills())
        wait = self.backoff.seconds(now - self.since if self.state == "ready" else 0.0)
        said = last_line(self.running.log)
        self.last_end = {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "status": status,
            "signal": by.signal,
            "why": by.words(),
            "last_line": said,
        }
        self.state, self.again_at = "waiting", now + wait
        return (
            f"The {self.name} ended: {by.words()}. It is started again in {wait:g} "
            f"seconds; the rest goes on. Its log: {self.running.log}"
        ) + (f" (its last line: {said})" if said else "")

    def start_again(self) -> str:
        """Sweep and launch; what went wrong, in words, if it could not even be launched."""
        self.restarts += 1
        self.since, self.kills = time.monotonic(), out_of_memory_kills()
        self.running.process = None
        try:
            self.sweep(self.name)
            self.running.launch()
        except (CihuError, OSError) as error:
            wait = self.backoff.seconds(0.0)
            self.state, self.again_at = "waiting", time.monotonic() + wait
            return f"The {self.name} cannot be started: {error}. It is tried again in {wait:g} seconds."
        self.state = "starting"
        return ""

    def has_started(self) -> bool:
        """Whether it has come to answer just now.
        One that does not in its time is killed, and its end noted as any other."""
        if self.state != "starting" or self.running.process is None:
            return False
        if self.running.is_ready():
            self.state, self.since = "ready", time.monotonic()
            return True
        # longer each time: the machine may be slow
        patience = self.running.start_seconds * max(1, self.backoff.in_a_row)
        if time.monotonic() - self.since > patience:
            log.warning("the %s does not answer after %.0f seconds: ended", self.name, patience)
            self.running.process.kill()
            self.since = time.monotonic()
        return False

    def as_json(self) -> dict[str, Any]:
        process = self.running.process
        return {
            "state": self.state,
            "pid": process.pid if process else None,
            "log": str(self.running.log),
            "restarts": self.restarts,
            "last_end": self.last_end,
        }
