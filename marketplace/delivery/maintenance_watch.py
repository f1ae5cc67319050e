"""Whether calls are refused for maintenance: from memory, as long as the listener hears of every change."""

import asyncio
import time
from datetime import UTC, datetime

from sandbox.database import Database
from sandbox.errors import CihuError
from sandbox.operations.maintenance import Maintenance, UnderMaintenance, known_maintenance

WATCHED_SECONDS = 1.0


class MaintenanceWatch:
    """While the listener listens, the database is asked after a notification alone; without it, at most once
    a second. It is never asked by the event loop itself: a call that came meanwhile is answered as before,
    with its line."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.listening, self.changes = False, 0
        self.kept: tuple[float, list[Maintenance]] | None = None

    def open(self) -> None:
        self.listening = True
        self.forget()

    def close(self) -> None:
        self.listening = False
        self.forget()

    def drop(self, about: str, _id: str) -> None:
        if about == "maintenance":
            self.forget()

    def forget(self) -> None:
        self.kept = None
        self.changes += 1

    async def refusal(self) -> UnderMaintenance | None:
        """A refused call has no usage line and costs nothing."""
        if self.kept is None or not (self.listening or time.monotonic() - self.kept[0] <= WATCHED_SECONDS):
            changes = self.changes
            try:
                found = await asyncio.to_thread(self.look)
            except CihuError:
                return None  # the database is away: the commit of the call's line says so
            if changes == self.changes:  # what was read before a change is not kept
                self.kept = time.monotonic(), found
        else:
            found = self.kept[1]
        now = datetime.now(UTC)
        known = next((each for each in found if each.state(now) == "now"), None)
        return None if known is None else UnderMaintenance(known, now)

    def look(self) -> list[Maintenance]:
        with self.database.transaction() as tx:
            return known_maintenance(tx, datetime.now(UTC))
