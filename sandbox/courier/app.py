"""The courier's process: looks at the outbox every few seconds, and sends what waits."""

import logging
import signal
import sys
import threading
from types import FrameType

from sandbox.courier.deliver import deliver
from sandbox.courier.mail_server import MailServer
from sandbox.courier.settings import Settings, read_settings
from sandbox.database import Database
from sandbox.errors import CihuError
from sandbox.http.log_lines import set_up
from sandbox.http.redacted_logs import redact_logs
from sandbox.memory_dumps import forbid_core_dumps, hide_memory

log = logging.getLogger("cihu.courier")


class Courier:
    """Looks and sends until it is told to stop."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.database = Database(settings.database_url, pool_size=2)
        self.server = MailServer(settings)
        self._stop = threading.Event()
        self._silent = False

    def run(self) -> None:
        while not self._stop.is_set():
            self.look()
            self._stop.wait(self.settings.courier_seconds)
        self.database.close()

    def look(self) -> None:
        """Send what is due. A mail server or a database that is away is tried again at the next look; it is
        said once."""
        try:
            deliver(self.database, self.server, self.settings)
        except CihuError as error:
            if not self._silent:
                log.warning("no mails are sent: %s (%s)", error.message, error.code)
            self._silent = True
        else:
            self._silent = False

    def stop(self, _signal: int = 0, _frame: FrameType | None = None) -> None:
        self._stop.set()


def main() -> None:
    """`python -m sandbox.courier`, `cihu courier`."""
    redact_logs()
    forbid_core_dumps()
    hide_memory()
    set_up("courier")
    try:
        settings = read_settings()
    except CihuError as error:
        sys.exit(f"The courier cannot start: {error}")
    courier = Courier(settings)
    signal.signal(signal.SIGTERM, courier.stop)
    signal.signal(signal.SIGINT, courier.stop)
    log.info("the courier sends by %s", settings.smtp_tls)
    courier.run()
