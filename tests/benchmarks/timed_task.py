"""A task of the engine that answers how long it computed:
in a module of its own, which an engine process can import."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from sandbox.engines.tasks import Compute


@dataclass(frozen=True)
class Timed:
    """A task, which answers how many seconds of all its processors it took."""

    task: Compute

    def perform(self, files: Sequence[int]) -> tuple[bytes, None]:
        began = time.process_time()
        self.task.perform(files)
        return repr(time.process_time() - began).encode(), None
