"""What the operations on the life of datasets work with."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import select

from sandbox.catalog.dataset_repository import DatasetRepository
from sandbox.catalog.notice import NoticeRule
from sandbox.catalog.resource import department_resource
from sandbox.database import Database, Transaction
from sandbox.grants.tables import grants
from sandbox.identity import Principal
from sandbox.policy import Gate
from sandbox.storage import RawStore


@dataclass(frozen=True)
class LifecycleContext:
    """`forget`: each lets go of the rows that one part holds in memory."""

    database: Database
    repository: DatasetRepository
    gate: Gate
    raw: RawStore
    notice: NoticeRule
    forget: Sequence[Callable[[], None]]

    def forget_rows(self) -> None:
        for let_go in self.forget:
            let_go()

    def require_officer(self, officer: Principal, dataset: str, department: str) -> None:
        """Raises `Refused` for anybody but an officer of the dataset's department."""
        self.gate.require(officer, "manage_dataset", department_resource(dataset, department))


def has_live_grants(tx: Transaction, dataset: str) -> bool:
    """Whether a team, or the marketplace for its buyers, has a grant on the dataset now."""
    live = select(grants.c.id).where(
        grants.c.dataset == dataset, grants.c.status == "live", grants.c.until > datetime.now(UTC)
    )
    return tx.execute(live.limit(1)).first() is not None
