"""Listens for changes of keys, licences, products and maintenance, and lets what remembers them drop them.

A lost listener closes their memory at once: what it did not hear of must not be kept.
"""

import asyncio
import contextlib
from typing import Any, Protocol, TypeVar

import asyncpg

from marketplace.metering.group_committer import CONNECT_SECONDS, LOST
from marketplace.metering.invalidation import CHANNEL
from marketplace.metering.licence_cache import LicenceCache

PING_SECONDS = 1.0


class Memory(Protocol):
    """What is told of changes. It may keep what it read from `open` on, until `close`."""

    def open(self) -> None: ...

    def close(self) -> None: ...

    def drop(self, about: str, id: str, /) -> None: ...


M = TypeVar("M", bound=Memory)


class Listener:
    """One connection that listens, as long as it runs."""

    def __init__(self, url: str, cache: LicenceCache) -> None:
        self.url = url
        self.told: list[Memory] = [cache]
        self.running: asyncio.Task[None] | None = None

    def telling(self, memory: M) -> M:
        """Tell this one, too, from the next start on."""
        self.told.append(memory)
        return memory

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
            connection.add_termination_listener(lambda _: self.close())
            for memory in self.told:
                memory.open()
            while True:  # a connection that is dead without a word is found out
                await connection.fetchval("SELECT 1")
                await asyncio.sleep(PING_SECONDS)
        finally:
            self.close()
            connection.terminate()

    def heard(self, _connection: Any, _process: int, _channel: str, payload: str) -> None:
        about, _, id = payload.partition(":")
        for memory in self.told:
            memory.drop(about, id)

    def close(self) -> None:
        for memory in self.told:
            memory.close()
