"""Pauses kernels while their team's sealed program reads rows of a high grade.

The vault decides: a run that is `kernels_frozen` pauses the kernels of its team from its start until the
moment when its end is disclosed, whenever it really ends. The servers that own the kernels ask, each second,
and report what they have. The program begins when none of them has a kernel of the team that still runs, or
not at all. Kernels themselves learn nothing here: a server asks with the token of its person's workspace,
which no kernel has.
"""

import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import func, select

from sandbox.database import Database, Transaction
from sandbox.errors import Unavailable
from sandbox.identity import load_principal
from sandbox.jobs.model import Run, RunState
from sandbox.jobs.tables import runs

ASKED_SECONDS = 1.0  # how often a server asks
SETTLED_SECONDS = 2.5 * ASKED_SECONDS  # in which every server that lives has asked
SILENT_SECONDS = 60.0  # a server that is silent so long is gone, and its kernels with it


@dataclass(frozen=True)
class Heard:
    """What a person's server reported of its kernels: how many are not paused."""

    account: str
    running: int
    at: float


def paused_until(tx: Transaction, account: str) -> datetime | None:
    """Until when the kernels of the account are paused; None if they are not."""
    teams = sorted(load_principal(tx, account).teams)
    until: datetime | None = tx.scalar(
        select(func.max(runs.c.told_at)).where(
            runs.c.team.in_(teams),
            runs.c.state == RunState.RUNNING.value,
            runs.c.kernels_frozen,
            runs.c.told_at > datetime.now(UTC),
        )
    )
    return until


class KernelPauses:
    """What the servers last reported, and the wait until none has a kernel of a team that runs."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._heard: dict[str, Heard] = {}
        self._changed = threading.Condition()

    def hear(self, account: str, server: str, running: int) -> datetime | None:
        """Keep what a server says of its kernels; until when its kernels are to be paused."""
        with self._database.transaction() as tx:
            until = paused_until(tx, account)
        with self._changed:
            now = time.monotonic()
            self._heard = {
                server: heard for server, heard in self._heard.items() if now - heard.at < SILENT_SECONDS
            }
            self._heard[server] = Heard(account, running, now)
            self._changed.notify_all()
        return until

    def await_frozen(self, run: Run, seconds: float) -> None:
        """Return when no server has a kernel of the run's team that runs.
        Raises `Unavailable` when that is not so in time: then the program may not begin."""
        began = time.monotonic()
        with self._changed:
            while (left := self._left(run, began)) > 0:
                if time.monotonic() - began > seconds:
                    raise Unavailable("Kernels of the team could not be paused.", internal=f"{seconds:g} s")
                self._changed.wait(min(left, ASKED_SECONDS))

    def _left(self, run: Run, began: float) -> float:
        """Seconds to wait at least; 0 if all are paused, as each server reported after the
        run had begun to wait."""
        now = time.monotonic()
        with self._database.transaction() as tx:
            concerned = {
                server
                for server, heard in self._heard.items()
                if now - heard.at < SILENT_SECONDS and run.team in load_principal(tx, heard.account).teams
            }
        if any(self._heard[server].running or self._heard[server].at < began for server in concerned):
            return ASKED_SECONDS
        return max(0.0, began + SETTLED_SECONDS - now)
