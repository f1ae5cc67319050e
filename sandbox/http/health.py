"""Reports whether a service is alive and ready. `/health/live` answers whenever the process does.
`/health/ready` checks what the service needs.

Anybody may ask, so the answer says only which need is not met: no size of the disk, no address. Kernels are
not asked in here: what two seals can both see can carry a message.
"""

import shutil
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotInTime
from pathlib import Path
from threading import Lock
from typing import Any

from sandbox.errors import CihuError, Unavailable

SECONDS = 3.0  # that a need may take to answer, all together
KEPT_SECONDS = 1.0  # an answer is given again so long: asking often costs nothing
LEAST_FREE_BYTES = 256 * 2**20
OK = "ok"

Need = Callable[[], object]
"""Raises when it is not met."""


class Health:
    """The needs of one service, by name."""

    def __init__(self, needs: Mapping[str, Need]) -> None:
        self.needs = dict(needs)
        self._pool = ThreadPoolExecutor(max_workers=max(1, len(self.needs)), thread_name_prefix="health")
        self._asked: dict[str, Future[object]] = {}
        self._lock = Lock()
        self._kept: tuple[float, dict[str, str]] | None = None

    def checked(self) -> dict[str, str]:
        """Each need: "ok", or in a few words what is wrong.
        One that does not answer is not asked a second time meanwhile."""
        with self._lock:
            if self._kept is None or time.monotonic() - self._kept[0] > KEPT_SECONDS:
                self._kept = time.monotonic(), self._ask()
            return self._kept[1]

    def met(self) -> dict[str, bool]:
        """Each need, and whether it is met: never why not, which can hold a path or an address."""
        return {name: said == OK for name, said in self.checked().items()}

    def _ask(self) -> dict[str, str]:
        deadline = time.monotonic() + SECONDS
        for name, need in self.needs.items():
            if name not in self._asked:
                self._asked[name] = self._pool.submit(need)
        return {name: self._said(name, deadline) for name in self.needs}

    def _said(self, name: str, deadline: float) -> str:
        future = self._asked[name]
        try:
            future.result(max(0.0, deadline - time.monotonic()))
        except NotInTime:
            if not future.done():
                return f"does not answer within {SECONDS:g} seconds"
            del self._asked[name]
            return "failed: TimeoutError"
        except CihuError as error:
            del self._asked[name]
            return error.message
        except Exception as error:  # noqa: BLE001  # of any kind: it is not met
            del self._asked[name]
            return f"failed: {type(error).__name__}"
        del self._asked[name]
        return OK

    def document(self) -> tuple[bool, dict[str, Any]]:
        checks = self.checked()
        ready = all(said == OK for said in checks.values())
        return ready, {"ready": ready, "checks": checks}


def room_on_disk(folder: Path, least: int = LEAST_FREE_BYTES) -> Need:
    """Requires this number of free bytes where `folder` is."""

    def look() -> None:
        if shutil.disk_usage(folder).free < least:
            raise Unavailable(
                f"The disk of {folder} is nearly full.",
                code="disk_full",
                remedy="Free some space: what cannot be written down cannot be done.",
            )

    return look
