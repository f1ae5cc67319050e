"""Maintenance: a time in which what changes something is refused, and reading goes on.

Both services ask the database at each request that changes something, so maintenance begins and ends in both
at once. What waits in a queue, or is due by a schedule, begins after it: sealed runs, entries of
competitions, refreshes of derived datasets. What began goes on; its end is written down as always.
"""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Row, insert, select, text, update

from sandbox.database import Database, Transaction
from sandbox.errors import Conflict, InvalidInput, NotFound, Unavailable
from sandbox.operations.tables import maintenance

LONGEST = timedelta(days=7)
FURTHEST = timedelta(days=90)
LONGEST_TEXT = 1000


@dataclass(frozen=True)
class Maintenance:
    """`text`: why, in Chinese and in English. It is over at its end, or when an operator ended it."""

    id: int
    text_zh: str
    text_en: str
    starts_at: datetime
    ends_at: datetime
    set_by: str
    ended_at: datetime | None = None

    def state(self, now: datetime) -> Literal["coming", "now", "over"]:
        """`coming`, `now` or `over`."""
        if self.ended_at is not None or self.ends_at <= now:
            return "over"
        return "now" if self.starts_at <= now else "coming"


class UnderMaintenance(Unavailable):
    """Nothing can be changed for a while. `retry_after`: whole seconds to the end that was announced."""

    code = "maintenance"

    def __init__(self, known: Maintenance, now: datetime) -> None:
        end = known.ends_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
        super().__init__(
            f"The service is under maintenance until {end}: nothing can be changed. {known.text_en}",
            remedy="Reading goes on. Try again after the end; nothing was charged.",
            zh=f"系统正在维护，预计 {end} 结束，期间不能进行任何变更。{known.text_zh}",
            remedy_zh="仍可查看内容。请在维护结束后重试；本次未产生任何费用。",
        )
        self.retry_after = max(1, math.ceil((known.ends_at - now).total_seconds()))


def known_maintenance(tx: Transaction, now: datetime) -> list[Maintenance]:
    """What is not over, the earliest first."""
    rows = tx.execute(
        select(maintenance)
        .where(maintenance.c.ended_at.is_(None), maintenance.c.ends_at > now)
        .order_by(maintenance.c.starts_at, maintenance.c.id)
    )
    return [_of(row) for row in rows]


def maintenance_now(database: Database) -> Maintenance | None:
    with database.transaction() as tx:
        return maintenance_at(tx, datetime.now(UTC))


def maintenance_at(tx: Transaction, now: datetime) -> Maintenance | None:
    """What is on at a moment. Whatever begins by itself, such as a queued run, does not begin then."""
    return next((each for each in known_maintenance(tx, now) if each.starts_at <= now), None)


def require_no_maintenance(tx: Transaction) -> None:
    """For what changes something although it is asked for by GET. Raises `UnderMaintenance`."""
    now = datetime.now(UTC)
    known = maintenance_at(tx, now)
    if known is not None:
        raise UnderMaintenance(known, now)


def set_maintenance(
    tx: Transaction,
    *,
    text_zh: str,
    text_en: str,
    starts_at: datetime,
    ends_at: datetime,
    by: str,
    now: datetime,
) -> Maintenance:
    """Raises `InvalidInput`, and `Conflict` where another one is not over."""
    check_texts(text_zh, text_en)
    check_times(starts_at, ends_at, now)
    if ends_at - starts_at > LONGEST:
        raise InvalidInput(
            f"Maintenance lasts at most {LONGEST.days} days.",
            remedy="Give an earlier end; it can be set again.",
            zh=f"维护最长 {LONGEST.days} 天。",
            remedy_zh="请填写更早的结束时间；到时可以再次设定。",
        )
    tx.execute(text("LOCK TABLE operations.maintenance IN EXCLUSIVE MODE"))  # two operators at once
    if known_maintenance(tx, now):
        raise Conflict(
            "There is maintenance already that is not over.",
            code="maintenance_known",
            remedy="End it first, then set the new one.",
            zh="已有尚未结束的维护。",
            remedy_zh="请先结束它，再设定新的维护。",
        )
    values = {
        "text_zh": text_zh,
        "text_en": text_en,
        "starts_at": starts_at,
        "ends_at": ends_at,
        "set_by": by,
    }
    return _of(tx.execute(insert(maintenance).values(values).returning(maintenance)).one())


def end_maintenance(tx: Transaction, number: int, *, by: str, now: datetime) -> Maintenance:
    """Raises `NotFound` for what is not there or over."""
    ended = tx.execute(
        update(maintenance)
        .where(maintenance.c.id == number, maintenance.c.ended_at.is_(None), maintenance.c.ends_at > now)
        .values(ended_by=by, ended_at=now)
        .returning(maintenance)
    ).first()
    if ended is None:
        raise NotFound(
            f"There is no maintenance {number} that is not over.",
            remedy="GET /api/v1/maintenance lists what is known.",
            zh=f"没有编号为 {number} 且未结束的维护。",
            remedy_zh="可在“维护与公告”页查看。",
        )
    return _of(ended)


def check_texts(text_zh: str, text_en: str) -> None:
    """Raises `InvalidInput`: both languages are needed."""
    for language, given in (("Chinese", text_zh), ("English", text_en)):
        if not given.strip() or len(given) > LONGEST_TEXT:
            raise InvalidInput(
                f"The {language} text is missing, or longer than {LONGEST_TEXT} characters.",
                remedy="Write what happens, in both languages.",
                zh=f"{'中文' if language == 'Chinese' else '英文'}说明缺失，或超过 {LONGEST_TEXT} 个字符。",
                remedy_zh="请用中英文各写一段说明。",
            )


def check_times(starts_at: datetime, ends_at: datetime, now: datetime) -> None:
    """Raises `InvalidInput`: from a start to a later end, which is not past."""
    if ends_at <= starts_at or ends_at <= now:
        raise InvalidInput(
            "The end must be after the start, and not past.",
            remedy="Give a later end.",
            zh="结束时间必须晚于开始时间，且不能已过去。",
            remedy_zh="请填写更晚的结束时间。",
        )
    if starts_at > now + FURTHEST:
        raise InvalidInput(
            f"The start is more than {FURTHEST.days} days away.",
            remedy="Set it later, when it is nearer.",
            zh=f"开始时间距今超过 {FURTHEST.days} 天。",
            remedy_zh="请临近时再设定。",
        )


def _of(row: Row[*tuple[Any, ...]]) -> Maintenance:
    values = row._mapping
    return Maintenance(
        id=values["id"],
        text_zh=values["text_zh"],
        text_en=values["text_en"],
        starts_at=values["starts_at"],
        ends_at=values["ends_at"],
        set_by=values["set_by"],
        ended_at=values["ended_at"],
    )
