"""The health of the vault for operators: what it needs, what waits, and what failed. Nothing of data.

Numbers of what waits are numbers of work. What failed is counted by the kinds of the public log, which
anybody may list: of a sealed run only that the vault ended meanwhile, never how a program ended.
"""

import shutil
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path

from sqlalchemy import ColumnElement, Table, func, select, text

from sandbox.audit import KINDS
from sandbox.audit.listing import first_at
from sandbox.audit.stored import size_of
from sandbox.audit.tables import entries
from sandbox.catalog.opening import WAITING as OPENING_WAITS
from sandbox.catalog.tables import opening_reviews, problem_reports
from sandbox.database import Database, Transaction
from sandbox.grants.model import RequestStatus
from sandbox.grants.tables import requests
from sandbox.identity import Principal
from sandbox.jobs.model import RunState
from sandbox.jobs.tables import runs
from sandbox.oversight.schemas import FailedWork, PullsStanding, VaultHealthDocument
from sandbox.policy import Gate, Resource
from sandbox.pulls.tables import pull_attempts, pulls
from sandbox.reviews.model import WAITING
from sandbox.reviews.tables import reviews

FAILED_WITHIN = timedelta(days=7)
FAILURES = tuple(
    sorted(kind for kind in KINDS if kind.endswith((".failed", ".interrupted")) or kind == "pull.suspended")
)

Needs = Callable[[], Mapping[str, bool]]
"""What the vault needs, by name, and whether each is met."""


def vault_health(
    database: Database, gate: Gate, asker: Principal, *, needs: Needs, home: Path, now: datetime | None = None
) -> VaultHealthDocument:
    """Raises `Forbidden`."""
    gate.require(asker, "read_health", Resource("Operations", "operations"))
    now = now or datetime.now(UTC)
    disk = shutil.disk_usage(home)
    with database.transaction() as tx:
        return {
            "version": version("cihu"),
            "needs": [{"name": name, "met": met} for name, met in needs().items()],
            "queues": [{"name": name, "waiting": waiting} for name, waiting in _queues(tx).items()],
            "failed": _failed(tx, now),
            "pulls": _pulls(tx),
            "disk_free_bytes": disk.free,
            "disk_bytes": disk.total,
        }


def _queues(tx: Transaction) -> dict[str, int]:
    def number(table: Table, condition: ColumnElement[bool]) -> int:
        return tx.scalar(select(func.count()).select_from(table).where(condition)) or 0

    return {
        "runs_queued": number(runs, runs.c.state == RunState.QUEUED.value),
        "runs_running": number(runs, runs.c.state == RunState.RUNNING.value),
        "requests": number(requests, requests.c.status == RequestStatus.ASKED.value),
        "reviews": number(reviews, reviews.c.state.in_([state.value for state in WAITING])),
        "openings": number(opening_reviews, opening_reviews.c.state == OPENING_WAITS),
        "problems": number(problem_reports, problem_reports.c.outcome.is_(None)),
    }


def _failed(tx: Transaction, now: datetime) -> list[FailedWork]:
    since = first_at(tx, size_of(tx), now - FAILED_WITHIN)
    rows = tx.execute(
        select(text("(entry::jsonb ->> 'kind') AS kind"), func.count().label("times"))
        .select_from(entries)
        .where(
            text("(entry::jsonb ->> 'kind') = ANY(:kinds)").bindparams(kinds=list(FAILURES)),
            entries.c.index >= since,
        )
        .group_by(text("1"))
    )
    return [{"kind": row.kind, "times": row.times} for row in sorted(rows, key=lambda row: row.kind)]


def _pulls(tx: Transaction) -> PullsStanding:
    """How many sources are pulled, and of how many the last attempt failed."""
    active = tx.scalar(select(func.count()).select_from(pulls).where(pulls.c.state == "active")) or 0
    newest = select(func.max(pull_attempts.c.id)).group_by(pull_attempts.c.pull)
    failing = tx.scalar(
        select(func.count())
        .select_from(pull_attempts.join(pulls, pulls.c.id == pull_attempts.c.pull))
        .where(pulls.c.state == "active", pull_attempts.c.outcome == "failed", pull_attempts.c.id.in_(newest))
    )
    return {"active": active, "failing": failing or 0}
