"""Searches the log by person, object, kind and time, for those who may read every opening.

What a filter names is looked up in the index of objects, and a page begins where the last one ended: a search
costs the same on the first page and on the last, in a short log and in a long one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, and_, or_, select, text

from sandbox.audit.listing import first_at
from sandbox.audit.model import Content, parse_content, parse_entry
from sandbox.audit.object_index import LONGEST_OBJECT
from sandbox.audit.stored import size_of
from sandbox.audit.tables import entries, objects, openings
from sandbox.database import Database, Transaction

MOST_FOUND = 200


@dataclass(frozen=True)
class LogFilter:
    """What is looked for; empty texts and None stand for everything. `person`: an account that did it or that
    it names. `object`: as `dataset:health.visits`; `also`: another that the entry names. `begun`: an entry
    that counts although it names only one of them. `kinds`: how the kind begins, one of these. `since`
    counts, `until` does not."""

    person: str = ""
    object: str = ""
    kind: str = ""
    since: datetime | None = None
    until: datetime | None = None
    also: str = ""
    begun: int | None = None
    kinds: tuple[str, ...] = ()

    @property
    def named(self) -> list[str]:
        """The objects that an entry must name, each."""
        wanted = [f"account:{self.person}" if self.person else "", self.object, self.also]
        return sorted({each[:LONGEST_OBJECT] for each in wanted if each})


@dataclass(frozen=True)
class FoundEntry:
    """An entry with what it says. `content` is None where the opening was erased. `time`: ISO 8601, UTC."""

    index: int
    kind: str
    time: str
    content: Content | None


@dataclass(frozen=True)
class Found:
    """`size` of the log; `older`: from which entry on (not with it) the search goes on, None at its end."""

    size: int
    entries: tuple[FoundEntry, ...]
    older: int | None


def search_log(
    database: Database, wanted: LogFilter, *, before: int | None = None, limit: int = MOST_FOUND
) -> Found:
    """At most `limit` entries with an index below `before`, the newest first."""
    with database.transaction() as tx:
        size = size_of(tx)
        found = indexes_of(tx, wanted, size=size, before=before, limit=limit + 1)
        rows = tx.execute(
            select(entries.c.index, entries.c.entry, openings.c.content)
            .select_from(entries.outerjoin(openings, openings.c.index == entries.c.index))
            .where(entries.c.index.in_(found[:limit]))
            .order_by(entries.c.index.desc())
        )
        shown = tuple(_found(*row) for row in rows)
    return Found(size, shown, shown[-1].index if len(found) > limit else None)


def indexes_of(tx: Transaction, wanted: LogFilter, *, size: int, before: int | None, limit: int) -> list[int]:
    """The indexes of the newest `limit` entries of the log's first `size` that fit, below `before`."""
    low = first_at(tx, size, wanted.since) if wanted.since else 0
    high = min(size if before is None else before, first_at(tx, size, wanted.until) if wanted.until else size)
    fitting = _by_object(wanted) if wanted.named else _by_kind(wanted)
    place = fitting.selected_columns[0]
    fitting = fitting.where(place >= low, place < high).order_by(place.desc()).limit(limit)
    return [row[0] for row in tx.execute(fitting)]


def all_indexes(
    tx: Transaction, wanted: LogFilter, *, size: int, most: int, chunk: int = 1000
) -> Iterator[int]:
    """The same, a chunk at a time, up to `most`."""
    before, left = size, most
    while left > 0:
        found = indexes_of(tx, wanted, size=size, before=before, limit=min(chunk, left))
        yield from found
        if not found:
            return
        before, left = found[-1], left - len(found)


def _by_object(wanted: LogFilter) -> Select[int]:
    first, *others = wanted.named
    fitting = select(objects.c.index).where(objects.c.object == first)
    if wanted.kind:
        fitting = fitting.where(objects.c.kind == wanted.kind)
    if wanted.kinds:
        fitting = fitting.where(or_(*(objects.c.kind.startswith(each) for each in wanted.kinds)))
    if not others:
        return fitting
    each = (objects.alias(f"other_{number}") for number in range(len(others)))
    names_all = and_(
        *(
            select(1).where(other.c.object == name, other.c.index == objects.c.index).exists()
            for name, other in zip(others, each, strict=True)
        )
    )
    return fitting.where(
        or_(names_all, objects.c.index == wanted.begun) if wanted.begun is not None else names_all
    )


def _by_kind(wanted: LogFilter) -> Select[int]:
    fitting = select(entries.c.index)
    if wanted.kind:
        fitting = fitting.where(text("(entry::jsonb ->> 'kind') = :kind").bindparams(kind=wanted.kind))
    return fitting


def _found(index: int, entry: str, content: str | None) -> FoundEntry:
    stated = parse_entry(entry)
    return FoundEntry(index, stated.kind, stated.time, None if content is None else parse_content(content))
