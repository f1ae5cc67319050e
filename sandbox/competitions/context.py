"""What the operations on competitions work with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Row

from sandbox.catalog.dataset_repository import DatasetRepository
from sandbox.catalog.model import DatasetPolicy
from sandbox.competitions.document import Competition, Track
from sandbox.competitions.read_document import read_competition
from sandbox.database import Database, Transaction
from sandbox.errors import NotFound
from sandbox.identity import Principal
from sandbox.policy import Gate, Resource
from sandbox.splits import SplitRawStore


def _now() -> datetime:
    return datetime.now(UTC)


Admit = Callable[[Transaction, Row[Any], Track, int, Mapping[str, Any]], int]
"""Looks at an entry before it is taken: its competition, track, team and content. Gives its limit in seconds.
Raises `CihuError`."""


@dataclass(frozen=True)
class CompetitionContext:
    """`clock` gives every moment, so that a test can have its own. `slots`: how many entries are scored at
    once. `store`: the raw bucket, for splits of people; without it no board can be set up. `admit` looks at
    entries that are to be scored; `entered` is called when one was queued."""

    database: Database
    repository: DatasetRepository
    gate: Gate
    policies: Path
    store: SplitRawStore | None = None
    clock: Callable[[], datetime] = _now
    slots: int = 1
    admit: Admit | None = None
    entered: Callable[[], None] = lambda: None

    @property
    def schema(self) -> Path:
        return self.policies / "competition.schema.json"

    def read(self, text: str) -> Competition:
        """A document that is being written, with its datasets looked up. Raises `PolicyFaults`."""
        return read_competition(text, schema=self.schema, policy_of=self.policy_of)

    def policy_of(self, dataset: str, number: int) -> DatasetPolicy:
        """Of the version that is in use. Raises `NotFound`, also for a version that is not in use."""
        version = self.repository.usable(dataset)
        if version.number != number:
            raise NotFound(
                f"Version {number} of {dataset} is not in use.",
                code="version_not_in_use",
                remedy=f"Name version {version.number}, or wait until it is the newest.",
                zh=f"{dataset} 的第 {number} 版不是使用中的版本。",
                remedy_zh=f"请填写第 {version.number} 版。",
            )
        return version.policy

    def require_organiser(self, officer: Principal, name: str, department: str) -> None:
        """Raises `Refused` for anybody but officers of the organiser's department."""
        self.gate.require(
            officer, "hold_competition", Resource("Competition", name, {"department": department})
        )

    def require_entrant(self, person: Principal, name: str, department: str) -> None:
        """Raises `Refused` for whoever takes no part in this organiser's competitions."""
        self.gate.require(
            person, "enter_competition", Resource("Competition", name, {"department": department})
        )
