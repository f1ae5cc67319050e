"""Listens for changes of keys, licences and products, and drops them from the cache.

A lost listener closes the cache at once: what it did not hear of must not be kept.
"""

import asyncio
import contextlib
from typing import Any

import asyncpg

from marketplace.metering.group_committer import CONNECT_SECONDS, LOST
from marketplace.metering.invalidation import CHANNEL
from marketplace.metering.licence_cache import LicenceCache

PING_SECONDS = 1.0


class Listener:
    """One connection that listens, as long as it runs."""

    def __init__(self, url: str, cache: LicenceCache) -> None:
        self.url, self.cache = url, cache
        self.running: asyncio.Task[None] | None = None

    def start(self) -> None:
        self.running = asyncio.create_task(self.run())

    async def stop(self) -> None:
        if self.running is not None:
            self.running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self.running
            self.running = None

    async def run(self) -> None:
        while True:
            with contextlib.suppress(*LOST, asyncpg.PostgresError):
                await self.listen()
            await asyncio.sleep(PING_SECONDS)

    async def listen(self) -> None:
        """Listen until the connection breaks."""
        connection = await asyncpg.connect(self.url, timeout=CONNECT_SECONDS, command_timeout=CONNECT_SECONDS)
        try:
            await connection.add_listener(CHANNEL, self.heard)
            connection.add_termination_listener(lambda _: self.cache.close())
            self.cache.open()
            while True:  # a connection that is dead without a word is found out
                await connection.fetchval("SELECT 1")
                await asyncio.sleep(PING_SECONDS)
        finally:
            self.cache.close()
            connection.terminate()

    def heard(self, _connection: Any, _process: int, _channel: str, payload: str) -> None:
        about, _, id = payload.partition(":")
        self.cache.drop(about, id)
