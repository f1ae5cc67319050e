"""The services that the model library needs."""

from dataclasses import dataclass, replace
from functools import cached_property
from threading import BoundedSemaphore

from sandbox.database import Database
from sandbox.jobs import RunContext
from sandbox.policy import Gate
from sandbox.reviews import ReviewContext

MIB = 1024 * 1024
CALL_PLACES = 2
CALL_WAITING = 8
CALL_MEMORY_BYTES = 512 * MIB


@dataclass(frozen=True)
class ModelContext:
    """`runs`: where and with what seals are made; `reviews`: the buckets, and what reviews found."""

    runs: RunContext
    reviews: ReviewContext

    @property
    def database(self) -> Database:
        return self.reviews.database

    @property
    def gate(self) -> Gate:
        return self.reviews.gate

    @cached_property
    def sealed(self) -> RunContext:
        """For predictions: less memory than a run of a team has."""
        return replace(self.runs, memory_bytes=min(self.runs.memory_bytes, CALL_MEMORY_BYTES))

    @cached_property
    def places(self) -> BoundedSemaphore:
        """So many predictions are made at once; they take no place of a sealed run."""
        return BoundedSemaphore(CALL_PLACES)

    @cached_property
    def waiting(self) -> BoundedSemaphore:
        """So many are made or wait for a place; whoever comes then is refused at once, without a thread."""
        return BoundedSemaphore(CALL_WAITING)
