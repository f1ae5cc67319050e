"""What was backed up, when, and whether somebody restored it to look: as the operator's own backup program
records it. Cihu makes no backup; it says when none was made."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

from sqlalchemy import Row, func, select
from sqlalchemy.dialects.postgresql import insert

from sandbox.database import Transaction
from sandbox.errors import InvalidInput
from sandbox.operations.tables import backups

What = Literal["database", "store", "keys"]
WHAT: tuple[What, ...] = get_args(What)
MADE_WITHIN: dict[str, timedelta] = {
    "database": timedelta(hours=26),
    "store": timedelta(hours=26),
    "keys": timedelta(days=31),
}
"""How old the newest backup of each may be: a day and two hours, so that a nightly one is never late."""
VERIFIED_WITHIN = timedelta(days=92)
"""A restore drill each quarter."""


@dataclass(frozen=True)
class Backup:
    """`verified_at`: when somebody restored it elsewhere and looked."""

    what: str
    label: str
    made_at: datetime
    verified_at: datetime | None
    recorded_by: str


@dataclass(frozen=True)
class BackupStanding:
    """Of one thing that is to be backed up. `state`: ok, warning (never verified in time) or bad."""

    what: str
    made_at: datetime | None
    verified_at: datetime | None
    state: str


def record_backup(
    tx: Transaction,
    *,
    what: str,
    label: str,
    made_at: datetime,
    verified_at: datetime | None,
    by: str,
    now: datetime,
) -> Backup:
    """Record a backup, or that one with this label was verified since. Raises `InvalidInput`."""
    future = max(made_at, verified_at or made_at) > now + timedelta(minutes=5)
    if future or (verified_at is not None and verified_at < made_at) or what not in WHAT:
        raise InvalidInput(
            "A backup was made in the past, and verified after it was made.",
            remedy=f"Correct the moments; `what` is one of {', '.join(WHAT)}.",
            zh="备份时间应在过去，验证时间应晚于备份时间。",
            remedy_zh="请更正时间；备份内容为 database、store 或 keys 之一。",
        )
    values = {"what": what, "label": label, "made_at": made_at, "verified_at": verified_at, "recorded_by": by}
    given = insert(backups).values(values)
    kept = given.on_conflict_do_update(
        index_elements=[backups.c.what, backups.c.label],
        set_={"verified_at": func.coalesce(given.excluded.verified_at, backups.c.verified_at)},
    )
    return _of(tx.execute(kept.returning(backups)).one())


def standings(tx: Transaction, now: datetime) -> list[BackupStanding]:
    """The newest backup of each, and when one was verified last."""
    rows = {
        row.what: row
        for row in tx.execute(
            select(
                backups.c.what,
                func.max(backups.c.made_at).label("made_at"),
                func.max(backups.c.verified_at).label("verified_at"),
            ).group_by(backups.c.what)
        )
    }
    return [_standing(what, rows.get(what), now) for what in WHAT]


def _standing(what: str, row: Any, now: datetime) -> BackupStanding:
    if row is None or row.made_at < now - MADE_WITHIN[what]:
        return BackupStanding(what, row and row.made_at, row and row.verified_at, "bad")
    fresh = row.verified_at is not None and row.verified_at >= now - VERIFIED_WITHIN
    return BackupStanding(what, row.made_at, row.verified_at, "ok" if fresh else "warning")


def _of(row: Row[*tuple[Any, ...]]) -> Backup:
    values = row._mapping
    return Backup(**{name: values[name] for name in Backup.__dataclass_fields__})
