"""Counts the calls of companies that are answered at the same time, over all portals.

A company with a limit of concurrent calls has places. A portal asks the database for one before it answers a
call (`places_function.py`), and gives it back before the last byte of the answer is sent: so whoever calls
again after an answer finds the place free, at whichever portal. What comes while the database is asked is
asked together next. Companies without such a limit are not counted, and cost nothing.
"""

import asyncio
import contextlib
import logging
import secrets
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from marketplace.metering.group_committer import CONNECT_SECONDS, LOST, RETRY_SECONDS, away
from sandbox.errors import CihuError

log = logging.getLogger("cihu.portal")
TAKE = "SELECT company, granted FROM market.take_places($1, $2, $3, $4, $5)"
DEADLINE_SECONDS = 10.0
# a portal whose machine is away holds its places until Postgres knows: 11 s
ALIVE = {
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "11000",
}


@dataclass
class Round:
    """What is asked of the database together: who wants a place, and who waits for a place to be given
    back."""

    entering: dict[str, "list[asyncio.Future[bool]]"] = field(default_factory=dict)
    leaving: "list[asyncio.Future[None]]" = field(default_factory=list)
    changed: set[str] = field(default_factory=set)


class Places:
    """The places of one portal process. `url` is an address of Postgres as libpq writes it. It connects when
    a company with a limit calls first."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.held: Counter[str] = Counter()
        self.next = Round()
        self.asked = asyncio.Event()
        self.connection: asyncpg.Connection[Any] | None = None
        self.session = 0
        self.former: list[int] = []  # sessions of before that may still have rows
        self.running: asyncio.Task[None] | None = None

    async def enter(self, organisation: str, most: int) -> bool:
        """Whether there is a place for one more call; if so it is held until `leave`. `most`: the limit, as
        far as this process knows. Raises `Unavailable`."""
        if self.held[organisation] >= most:
            return False
        entering: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self.next.entering.setdefault(organisation, []).append(entering)
        self.ask(organisation)
        try:
            return await entering
        except asyncio.CancelledError:
            if (
                entering.done()
                and not entering.cancelled()
                and not entering.exception()
                and entering.result()
            ):
                self.leave(organisation)
            raise

    def leave(self, organisation: str) -> "asyncio.Future[None]":
        """Give a place back; done once the other portals know."""
        self.held[organisation] -= 1
        leaving: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.next.leaving.append(leaving)
        self.ask(organisation)
        return leaving

    def ask(self, organisation: str) -> None:
        self.next.changed.add(organisation)
        self.asked.set()
        if self.running is None:
            self.running = asyncio.get_running_loop().create_task(self.run())

    async def stop(self) -> None:
        """What is held ends with the connection."""
        if self.running is not None:
            self.running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self.running
            self.running = None
        self.forget_connection()

    async def run(self) -> None:
        while True:
            await self.asked.wait()
            self.asked.clear()
            current, self.next = self.next, Round()
            try:
                await self.settle(current)
            except Exception as error:  # noqa: BLE001  # whatever it was, nobody waits for ever
                log.warning("places of companies are not known: %s", error)
                refusal = error if isinstance(error, CihuError) else away(error)
                for entering in [each for waiting in current.entering.values() for each in waiting]:
                    if not entering.done():
                        entering.set_exception(refusal)
                # said with the next question, on another connection, also if nobody else asks
                self.forget_connection()
                self.next.changed |= current.changed
                asyncio.get_running_loop().call_later(RETRY_SECONDS, self.asked.set)
            for leaving in current.leaving:
                if not leaving.done():
                    leaving.set_result(None)

    async def settle(self, current: Round) -> None:
        """Ask until there is an answer, or the deadline. Raises `Unavailable`."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + DEADLINE_SECONDS
        while True:
            try:
                await self.connect(current)
                await self.take(current)
            except LOST as error:
                self.forget_connection()
                if loop.time() >= deadline:
                    raise away(error) from error
                await asyncio.sleep(RETRY_SECONDS)
            else:
                return

    async def take(self, current: Round) -> None:
        assert self.connection is not None
        waiting = {
            name: [each for each in entering if not each.done()]
            for name, entering in current.entering.items()
        }
        before = {name: self.held[name] for name in current.changed}
        wanted = [len(waiting.get(name, ())) for name in before]
        rows = await self.connection.fetch(
            TAKE, self.session, self.former, list(before), list(before.values()), wanted
        )
        self.former = []
        for row in rows:
            name, free = row["company"], row["granted"] - before[row["company"]]
            for entering in waiting.get(name, ()):
                admitted = free > 0
                if entering.done():  # the caller is gone: another question gives the place back
                    self.next.changed.add(name)
                    self.asked.set()
                    continue
                if admitted:
                    free -= 1
                    self.held[name] += 1
                entering.set_result(admitted)

    async def connect(self, current: Round) -> None:
        """A new connection is a new session: it says all that is held again, and of what nothing is held any
        more, so that the rows of the session before go."""
        if self.connection is not None and not self.connection.is_closed():
            return
        self.forget_connection()
        self.connection = await asyncpg.connect(
            self.url,
            timeout=CONNECT_SECONDS,
            command_timeout=CONNECT_SECONDS,
            server_settings={"application_name": "cihu-places", "synchronous_commit": "off", **ALIVE},
        )
        self.session = secrets.randbits(62)
        await self.connection.execute("SELECT pg_advisory_lock($1)", self.session)
        current.changed |= set(self.held)

    def forget_connection(self) -> None:
        if self.connection is not None:
            self.connection.terminate()
            self.former.append(self.session)
        self.connection = None
