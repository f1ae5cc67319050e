"""What the operations on reviews before opening work with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sandbox.catalog.dataset_repository import DatasetRepository
from sandbox.catalog.model import Version
from sandbox.catalog.notice import NoticeRule
from sandbox.catalog.populations import Population
from sandbox.database import Database
from sandbox.identity import Principal
from sandbox.policy import Gate, Resource


@dataclass(frozen=True)
class OpeningContext:
    """`published` is called with each version once it is open, `notice` is the rule of announcing."""

    database: Database
    repository: DatasetRepository
    gate: Gate
    populations: Mapping[str, Population]
    notice: NoticeRule
    published: Callable[[Principal, Version], None]

    def require_officer(self, officer: Principal, dataset: str, department: str) -> None:
        """Raises `Refused` for anybody but an officer of the dataset's department."""
        self.gate.require(
            officer, "manage_dataset", Resource("Dataset", dataset, {"department": department, "grade": "1"})
        )
