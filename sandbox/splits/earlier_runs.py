"""Holds back the files of runs that read people before these were split: the checks of outputs know train
people alone until the split is opened, and would not find what such a file has of the others."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from sandbox.budgets.tables import population_splits
from sandbox.catalog.model import Version
from sandbox.database import Transaction
from sandbox.errors import Conflict


def require_read_as_now(tx: Transaction, versions: Iterable[Version], started_at: datetime | None) -> None:
    """Raises `Conflict` where a run of these versions began before the split that is committed now."""
    ids = {UUID(version.split) for version in versions if version.split}
    if not ids or started_at is None:
        return
    later = select(population_splits.c.id).where(
        population_splits.c.id.in_(ids), population_splits.c.committed_at > started_at
    )
    if tx.execute(later).first() is not None:
        raise Conflict(
            "This run read people who were split for a competition since.",
            code="split_since",
            remedy="Run the program again, on train people; or ask once the split is opened.",
            zh="该运行读取了之后因大赛而划分的人群。",
            remedy_zh="请重新运行程序（只用训练人群），或等划分公开后再申请。",
        )
