"""Loads what was published when a vault starts, so that the first question is not slow."""

import asyncio
import logging
import time
from math import inf

from sandbox.catalog.dataset_index import private_datasets
from sandbox.catalog.dataset_repository import DatasetRepository
from sandbox.engines import Engine
from sandbox.errors import Unavailable

STORE_AWAY = frozenset({"storage_unreachable", "storage_refused", "storage_bucket_missing", "storage_failed"})
START_SECONDS = 20.0
"""A start waits so long for the rows. A city with thousands of datasets is served meanwhile: a dataset that
is asked before its turn is loaded for its first question."""


class Loading:
    """The private datasets one after another, each once."""

    def __init__(self, repository: DatasetRepository, engine: Engine) -> None:
        self._repository, self._engine = repository, engine
        self._waiting = iter(private_datasets(repository))

    async def go_on(self, seconds: float = inf) -> None:
        """Load for so long, or until all are loaded. A version that cannot be loaded is set aside, whatever
        is wrong with it, and the others are served. Raises `Unavailable` where the store is away: then
        nothing is wrong with a version."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and (name := next(self._waiting, None)) is not None:
            for published in await asyncio.to_thread(self._repository.some, [name]):
                try:
                    await asyncio.to_thread(self._engine.warm, published)
                except Exception as error:
                    if isinstance(error, Unavailable) and error.code in STORE_AWAY:
                        raise
                    self._repository.set_aside(published.dataset, published.number, type(error).__name__)

    async def go_on_behind(self) -> None:
        """Load the others while the vault serves."""
        try:
            await self.go_on()
        except Unavailable as error:
            logging.getLogger("cihu.vault").warning(
                "datasets are loaded when they are first asked: the store is away (%s)", error.code
            )
