"""The puller's process: looks at what is due, and fetches it, one pull after the other."""

import logging
import signal
import sys
import threading
from types import FrameType

import httpx

from sandbox.errors import CihuError
from sandbox.http.log_lines import set_up
from sandbox.http.redacted_logs import redact_logs
from sandbox.memory_dumps import forbid_core_dumps, hide_memory
from sandbox.puller.pull import pull
from sandbox.puller.settings import Settings, read_settings
from sandbox.puller.vault import DuePull, VaultClient
from sandbox.sources.reach import Reach
from sandbox.sources.source_list import DataSource, read_sources

log = logging.getLogger("cihu.puller")


class Puller:
    """Looks and fetches until it is told to stop."""

    def __init__(self, settings: Settings, sources: dict[str, DataSource], reach: Reach) -> None:
        self._settings, self._sources, self._reach = settings, sources, reach
        self._vault = VaultClient(settings)
        self._stop = threading.Event()
        self._silent = False

    def run(self) -> None:
        while not self._stop.is_set():
            self.look()
            self._stop.wait(self._settings.puller_seconds)
        self._vault.close()

    def look(self) -> None:
        """Fetch what is due. A vault that does not answer is asked again later."""
        try:
            self._reach.permit(*self._settings.vault_place)
            for due in self._vault.due():
                if self._stop.is_set():
                    return
                self._pull(due)
        except (httpx.HTTPError, CihuError, OSError) as error:
            if not self._silent:
                log.warning("the vault cannot be asked: %s", type(error).__name__)
            self._silent = True
        else:
            self._silent = False

    def _pull(self, due: DuePull) -> None:
        """Whatever one pull meets with, the others are fetched."""
        try:
            pull(self._vault, self._sources, self._reach.permit_source, due)
        except Exception as error:  # noqa: BLE001  # of which only the class is told
            log.warning("pull %s of %s came to no end: %s", due.id, due.source, type(error).__name__)

    def stop(self, _signal: int = 0, _frame: FrameType | None = None) -> None:
        self._stop.set()


def main() -> None:
    """`python -m sandbox.puller`."""
    redact_logs()
    forbid_core_dumps()
    hide_memory()
    set_up("puller")
    try:
        settings = read_settings()
        sources = read_sources(settings.policies)
    except CihuError as error:
        sys.exit(f"The puller cannot start: {error}")
    reach = Reach()
    puller = Puller(settings, sources, reach)
    signal.signal(signal.SIGTERM, puller.stop)
    reach.install()
    log.info("the puller looks after %s sources", len(sources))
    puller.run()
