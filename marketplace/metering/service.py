"""Puts the parts of metering together: memory, listener, committer, and what is done once a second or a
minute."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial

from sqlalchemy import func, make_url, update

from marketplace.keys.networks import note_networks
from marketplace.keys.tables import keys
from marketplace.metering.abandoned import KEYED_AFTER, credit_abandoned, lines_of_worker
from marketplace.metering.credit import LineName, awaits_retry, credit_lines
from marketplace.metering.group_committer import Doubtful, GroupCommitter
from marketplace.metering.licence_cache import FINDERS, READERS, RENEWERS, LicenceCache
from marketplace.metering.line import Draft
from marketplace.metering.listener import Listener
from marketplace.metering.model import Reason
from marketplace.metering.partitions import keep_partitions
from marketplace.metering.places import Places
from marketplace.metering.seal import seal_usage
from marketplace.metering.verdicts import Committed
from sandbox.chores import attempt, name_of, repeat, until_done
from sandbox.database import Database

SEAL_SECONDS = 1.0
SWEEP_SECONDS = 60.0
log = logging.getLogger("cihu.portal")


class Metering:
    """Metering in one process. Made anywhere, started on the event loop that answers calls."""

    def __init__(
        self, database_url: str, *, abandoned_after: timedelta, keyed_after: timedelta = KEYED_AFTER
    ) -> None:
        self.database = Database(database_url, pool_size=READERS + FINDERS + RENEWERS + 2)
        address = make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)
        self.cache = LicenceCache(self.database)
        self.committer = GroupCommitter(address, self.cache)
        self.listener = Listener(address, self.cache)
        self.places = Places(address)
        self.abandoned_after, self.keyed_after = abandoned_after, keyed_after
        self.chores: list[asyncio.Task[None]] = []
        self.partitions_kept: date | None = None

    async def start(self) -> None:
        """Begin: what a crash cut off is credited first. Without a database the service starts all the same,
        and meters once there is one."""
        await self.try_to(self.sweep)
        self.chores = [
            asyncio.create_task(repeat(SEAL_SECONDS, self.each_second, name="each second", log=log)),
            asyncio.create_task(repeat(SWEEP_SECONDS, self.each_minute, name="each minute", log=log)),
            asyncio.create_task(until_done(self.committer.start, name="metering's connection", log=log)),
        ]
        self.listener.start()

    async def stop(self) -> None:
        for chore in self.chores:
            chore.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await chore
        await self.listener.stop()
        await self.places.stop()
        await self.committer.stop()
        await self.each_second()
        self.cache.shutdown()
        self.database.close()

    async def try_to(self, deed: Callable[[], None]) -> None:
        await attempt(lambda: self.cache.in_thread(deed), name=deed.__name__, log=log)

    async def each_second(self) -> None:
        await self.credit_doubtful()
        await self.try_to(self.seal)

    async def each_minute(self) -> None:
        await self.credit_overdue()
        await self.try_to(self.sweep)

    def seal(self) -> None:
        """What was metered in the last second goes into the log."""
        seal_usage(self.database)

    def write_last_use(self) -> None:
        """Write down, to the minute, which keys were used, and from which networks."""
        used, self.cache.used = self.cache.used, set()
        called_from, self.cache.called_from = self.cache.called_from, set()
        if called_from:
            with self.database.transaction() as tx:
                note_networks(tx, called_from)
        if used:
            with self.database.transaction() as tx:
                tx.execute(
                    update(keys).where(keys.c.id.in_(used)).values(last_used_at=func.clock_timestamp())
                )

    def sweep(self) -> None:
        self.write_last_use()
        if self.partitions_kept != (today := datetime.now(UTC).date()):
            keep_partitions(self.database)
            self.partitions_kept = today
        credited = credit_abandoned(
            self.database,
            older_than=self.abandoned_after,
            keyed_after=self.keyed_after,
            but_not=self.committer.worker,
        )
        if credited:
            log.warning("%s calls that were metered and never answered are credited", credited)

    async def credit_doubtful(self) -> None:
        """Lines whose calls got no answer, or of which nobody knew whether they were written. What cannot be
        credited now is tried again a second later, behind the others; what a retry may still be handed, or
        the server may still write, is looked at again."""
        doubtful = self.committer.doubtful
        for each in tuple(doubtful):
            if each.own and each.connects == self.committer.connects:
                continue  # the server process that may be writing it was not ended yet
            try:
                settled = await self.cache.in_thread(partial(self.credit_one, each))
            except Exception as error:  # noqa: BLE001  # whatever it was, it is tried again
                log.warning("a credit is put off: %s", name_of(error))
                doubtful.remove(each)
                doubtful.append(each)
                return
            if settled:
                doubtful.remove(each)
                self.committer.confirmations.confirm(each.draft.sequence)

    def credit_one(self, doubtful: Doubtful) -> bool:
        """Whether nothing of it is open any more."""
        name = LineName(doubtful.draft.licence.id, doubtful.month, doubtful.usage)
        sequence = doubtful.draft.sequence
        if doubtful.own and lines_of_worker(self.database, self.committer.worker, [sequence]) != {
            sequence: name
        }:
            return True  # it was not written
        return self.credit(name, reason=doubtful.reason, only_held=doubtful.only_held) is not None

    async def credit_overdue(self) -> None:
        """Credit what this process itself metered and neither sent nor settled for as long as a dead one is
        given: so nothing stays open as long as the process lives."""
        confirmations = self.committer.confirmations
        before = asyncio.get_running_loop().time() - self.abandoned_after.total_seconds()
        doubtful = {each.draft.sequence for each in self.committer.doubtful}
        if not (overdue := [each for each in confirmations.overdue(before) if each not in doubtful]):
            return
        try:
            settled = await self.cache.in_thread(partial(self.credit_numbers, overdue))
        except Exception as error:  # noqa: BLE001  # whatever it was, it is tried again
            log.warning("overdue credits are put off: %s", name_of(error))
            return
        for number in settled:
            confirmations.confirm(number)

    def credit_numbers(self, numbers: Sequence[int]) -> list[int]:
        """Those of the numbers of which nothing is open any more."""
        lines = lines_of_worker(self.database, self.committer.worker, numbers)
        return [
            number
            for number in numbers
            if number not in lines or self.credit(lines[number], reason=Reason.UNCONFIRMED) is not None
        ]

    def credit(self, name: LineName, *, reason: Reason | None = None, only_held: bool = False) -> bool | None:
        """Whether the line was credited; None if that cannot be said while a retry may be answered."""
        with self.database.transaction() as tx:
            if credit_lines(tx, [name], reason=reason, only_held=only_held, died_after=self.abandoned_after):
                return True
            waits = not only_held and awaits_retry(tx, name, died_after=self.abandoned_after)
            return None if waits else False

    async def give_back(
        self, draft: Draft, committed: Committed, *, reason: Reason | None = None, only_held: bool = False
    ) -> bool:
        """Credit a call that was not delivered; False if it was before, or may be by a retry. Its number is
        settled with it. If it cannot be credited now it is later: then True, for it costs nothing."""
        name = LineName(draft.licence.id, committed.month, committed.usage)
        try:
            credited = await self.cache.in_thread(
                partial(self.credit, name, reason=reason, only_held=only_held)
            )
        except BaseException as error:
            self.credit_later(draft, committed, reason=reason, only_held=only_held)
            if not isinstance(error, Exception):
                raise
            log.warning("a credit is put off: %s", name_of(error))
            return True
        if credited is None:
            self.credit_later(draft, committed, reason=reason)
            return False
        self.committer.confirmations.confirm(committed.sequence)
        return credited

    def credit_later(
        self, draft: Draft, committed: Committed, *, reason: Reason | None = None, only_held: bool = False
    ) -> None:
        """Credit it with what is in doubt, until that succeeds."""
        named = replace(draft, sequence=committed.sequence)
        self.committer.doubtful.append(
            Doubtful(named, committed.month, committed.usage, only_held=only_held, reason=reason)
        )
