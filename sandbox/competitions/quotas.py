"""Counts what a team has used of the limits of entries, and refuses what goes beyond them.

An entry that never ran, or was taken back while it waited, counts nothing, unless it was charged. An entry
costs its declared limit of the compute quota: how long it really ran could depend on rows.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Any

from sqlalchemy import Row, select

from sandbox.competitions.charged_entries import charged
from sandbox.competitions.document import Competition, EntryLimits, Track
from sandbox.competitions.schemas import QuotaDocument
from sandbox.competitions.tables import competition_entries
from sandbox.database import Transaction
from sandbox.errors import TooMany

FREE = ("cancelled", "not_run")
"""States in which an entry counts nothing."""


def counted_entries(tx: Transaction, team: int) -> Sequence[Row[Any]]:
    """The entries of a team that count, without those of the final."""
    rows = tx.execute(
        select(competition_entries).where(
            competition_entries.c.team == team, competition_entries.c.final_of.is_(None)
        )
    ).all()
    counted = counted_of(tx, rows)
    return [row for row in rows if row.id in counted]


def counted_of(tx: Transaction, rows: Sequence[Row[Any]]) -> set[int]:
    """Of these entries the ids of those that count against their team. None of the final does."""
    paid = charged(tx, [row.id for row in rows if row.state in FREE])
    return {row.id for row in rows if row.final_of is None and (row.state not in FREE or row.id in paid)}


def quotas_of(tx: Transaction, document: Competition, team: int, now: datetime) -> list[QuotaDocument]:
    """Of each track, in the document's order."""
    entries = counted_entries(tx, team)
    return [
        _quota(document, track, [one for one in entries if one.track == track.id], now)
        for track in document.tracks
    ]


def _quota(document: Competition, track: Track, entries: Sequence[Row[Any]], now: datetime) -> QuotaDocument:
    today = now.astimezone(document.zone).date()
    failed = Counter(entry.failure for entry in entries if entry.failure)
    return QuotaDocument(
        track=track.id,
        today=sum(entry.submitted_at.astimezone(document.zone).date() == today for entry in entries),
        per_day=track.entries.per_day,
        in_total=len(entries),
        of_total=track.entries.in_total,
        compute_seconds=sum(entry.seconds for entry in entries),
        of_compute_seconds=track.entries.compute_seconds,
        failed=dict(sorted(failed.items())),
    )


def require_room(
    document: Competition, track: Track, quota: QuotaDocument, seconds: int, now: datetime
) -> None:
    """Raises `TooMany`, saying when there is room again."""
    limits: EntryLimits = track.entries
    if quota["in_total"] >= limits.in_total or quota["compute_seconds"] + seconds > limits.compute_seconds:
        raise TooMany(
            f"Your team has used {quota['in_total']} of {limits.in_total} entries and "
            f"{quota['compute_seconds']} of {limits.compute_seconds} seconds in the track {track.id}.",
            code="entries_used_up",
            remedy="Choose one of your entries for the final.",
            zh=f"您的团队在赛道 {track.id} 已提交 {quota['in_total']}/{limits.in_total} 次，"
            f"使用算力 {quota['compute_seconds']}/{limits.compute_seconds} 秒。",
            remedy_zh="请从已有提交中选择参加决赛的提交。",
        )
    if quota["today"] >= limits.per_day:
        local = now.astimezone(document.zone)
        tomorrow = datetime.combine(local.date() + timedelta(days=1), time(), document.zone)
        raise TooMany(
            f"Your team has handed in {quota['today']} entries today; {limits.per_day} a day are allowed.",
            code="entries_of_today_used_up",
            remedy=f"Hand in the next from {tomorrow.isoformat()} on.",
            zh=f"您的团队今日已提交 {quota['today']} 次，每日至多 {limits.per_day} 次。",
            remedy_zh=f"请于 {tomorrow.isoformat()} 之后再提交。",
        )


def days_so_far(document: Competition, now: datetime) -> int:
    """On how many days of the competition's zone one could have handed in an entry until now, at least 1."""
    first = document.opens_at.astimezone(document.zone).date()
    return max(1, (now.astimezone(document.zone).date() - first).days + 1)
