"""Lists the log for anybody, the newest first, by kind and by time: never an opening."""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import select, text

from sandbox.audit.model import parse_entry
from sandbox.audit.stored import size_of
from sandbox.audit.tables import checkpoints, entries
from sandbox.database import Database, Transaction
from sandbox.errors import InvalidInput

MOST_LISTED = 100
FIRST_AT = text("""
    WITH RECURSIVE halved (low, high) AS (
        SELECT CAST(0 AS bigint), CAST(:size AS bigint)
        UNION ALL
        SELECT CASE WHEN early THEN middle + 1 ELSE low END, CASE WHEN early THEN high ELSE middle END
        FROM (
            SELECT low, high, middle, (CAST(entry AS json) ->> 'time') COLLATE "C" < :wanted AS early
            FROM (SELECT low, high, (low + high) / 2 AS middle FROM halved WHERE low < high) AS parts
            JOIN log.entries ON index = middle
        ) AS looked
    )
    SELECT low FROM halved WHERE low = high
""")
"""Halves the log until one place is left: one statement for all of them."""
MOST_CHECKPOINTS = 20


@dataclass(frozen=True)
class ListedEntry:
    """What an entry tells everybody. `time`: ISO 8601, UTC."""

    index: int
    kind: str
    time: str
    commitment: str


@dataclass(frozen=True)
class Listing:
    """`size` of the log; `older`: from which entry on (not with it) the list goes on, None at its end."""

    size: int
    entries: tuple[ListedEntry, ...]
    older: int | None


def list_entries(
    database: Database,
    *,
    kind: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    before: int | None = None,
    limit: int = MOST_LISTED,
) -> Listing:
    """At most `limit` entries with an index below `before`. `since` counts, `until` does not."""
    with database.transaction() as tx:
        size = size_of(tx)
        low = first_at(tx, size, since) if since else 0
        high = min(size if before is None else before, first_at(tx, size, until) if until else size)
        wanted = select(entries).where(entries.c.index >= low, entries.c.index < high)
        if kind is not None:
            wanted = wanted.where(text("(entry::jsonb ->> 'kind') = :kind").bindparams(kind=kind))
        rows = list(tx.execute(wanted.order_by(entries.c.index.desc()).limit(limit + 1)))
    listed = tuple(ListedEntry(row._mapping["index"], *parse_entry(row.entry)) for row in rows[:limit])
    return Listing(size, listed, listed[-1].index if len(rows) > limit else None)


def require_zone(moment: datetime | None) -> datetime | None:
    """The moment in UTC. Raises `InvalidInput` for one without a time zone, or outside the calendar."""
    if moment is None:
        return None
    try:
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except OverflowError:
        pass
    raise InvalidInput(
        "A moment has no time zone, or lies outside the calendar.",
        remedy="Write it like 2026-12-01T00:00:00Z.",
        zh="时间缺少时区，或超出日历范围。",
        remedy_zh="请写作 2026-12-01T00:00:00Z 的形式。",
    )


def list_checkpoints(database: Database) -> list[tuple[int, datetime, str]]:
    """The sizes at which the log was signed last, when, and the signed notes."""
    signed = select(checkpoints.c.size, checkpoints.c.signed_at, checkpoints.c.note).order_by(
        checkpoints.c.size.desc()
    )
    with database.transaction() as tx:
        return [(row.size, row.signed_at, row.note) for row in tx.execute(signed.limit(MOST_CHECKPOINTS))]


def first_index_at(tx: Transaction, moment: datetime) -> int:
    """The first entry that is not before a moment; the size of the log if all are."""
    return first_at(tx, size_of(tx), moment)


def first_at(tx: Transaction, size: int, moment: datetime) -> int:
    """The first entry that is not before a moment: their times rise, because each is taken under the lock
    of the appends."""
    wanted = moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    found: int = tx.execute(FIRST_AT, {"size": size, "wanted": wanted}).scalar_one()
    return found
