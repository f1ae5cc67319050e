"""Holds what the training operations need."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from sandbox.database import Database
from sandbox.policy import Gate
from sandbox.training.course import Course


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class TrainingContext:
    """`clock` gives every moment, so that a test can have its own."""

    database: Database
    gate: Gate
    course: Course
    clock: Callable[[], datetime] = _now
