"""The inbox of a person: the notices of the last months that are for them and whose thing they may see still.

Who a notice is for and whether its thing may be seen is decided when it is read. What was read is marked for
each person; of what follows from one's own act one is told nothing.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock
from time import monotonic

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.dialects.postgresql import insert

from marketplace.portal.notices.visible import visible_things
from marketplace.vault import Vault
from sandbox.database import Database
from sandbox.errors import CihuError, Unavailable
from sandbox.identity import Principal
from sandbox.notices import audiences_of
from sandbox.notices.events import EVENTS, OWN_ACTS, page_of, words_for
from sandbox.notices.tables import notices, read_marks
from sandbox.policy import Gate, Resource

SHOWN_FOR = timedelta(days=90)
MOST_LISTED = 500
KEPT_SECONDS = 60.0
"""So long it is known which of somebody's unread notices are visible, where none came and none was read."""
MOST_KEPT = 2000
LIST_SECONDS = 60.0
COUNT_SECONDS = 2.0
"""So long the vault may take for the count, which stands on every page."""
AWAY_SECONDS = 30.0
"""So long the vault is not asked for a count after it did not answer: no page waits for it."""


@dataclass(frozen=True)
class Notice:
    """`id` names it; `about` is its thing, such as "request:12"."""

    id: str
    event: str
    about: str
    at: datetime
    read: bool

    @property
    def kind(self) -> str:
        return EVENTS[self.event].kind

    @property
    def page(self) -> str:
        return page_of(self.event, self.about)

    def words(self, language: str) -> str:
        return words_for(self.event, self.about, language)


class Inbox:
    """Everybody's inbox."""

    def __init__(self, database: Database, gate: Gate, vault: Vault) -> None:
        self.database, self.gate, self.vault = database, gate, vault
        self._counts: OrderedDict[tuple[str, bytes], tuple[float, int | None]] = OrderedDict()
        self._away_at: float | None = None  # when the vault did not answer, last
        self._lock = Lock()

    def list(self, person: Principal, *, unread: bool = False, kind: str = "") -> Sequence[Notice]:
        """The unread first, then the newest first. Raises `Refused` for a service, `Unavailable` where the
        vault cannot say what may be seen."""
        self.require_own(person, "read_notices")
        return self._visible(person, self._addressed(person, unread=unread, kind=kind))

    def count(self, person: Principal) -> int | None:
        """How many visible ones are unread; None where that cannot be said now, or not at once."""
        with self.database.transaction() as tx:
            waiting = tx.execute(_addressed(person, unread=True)).all()
        if not waiting:
            return 0
        ids = "\0".join(sorted(row.id for row in waiting))
        key = person.id, hashlib.sha256(ids.encode()).digest()
        with self._lock:
            kept, away_at = self._counts.get(key), self._away_at
        if kept is not None and monotonic() - kept[0] < KEPT_SECONDS:
            return kept[1]
        if away_at is not None and monotonic() - away_at < AWAY_SECONDS:
            return None
        try:
            number = self._count(person)
        except Unavailable:
            with self._lock:
                self._away_at = monotonic()
            return None
        except CihuError:
            number = None
        with self._lock:
            self._counts[key] = monotonic(), number
            while len(self._counts) > MOST_KEPT:
                self._counts.popitem(last=False)
        return number

    def _count(self, person: Principal) -> int | None:
        self.require_own(person, "read_notices")
        return len(self._visible(person, self._addressed(person, unread=True), seconds=COUNT_SECONDS))

    def mark(self, person: Principal, ids: Iterable[str] | None = None) -> int:
        """Mark notices as read, or the newest 500 that are not; gives how many were not. What is not for this
        person is passed over, as if it were not there."""
        self.require_own(person, "manage_notices")
        own = {each.id for each in self._addressed(person, unread=True)}
        chosen = sorted(own if ids is None else own & set(ids))
        if chosen:
            with self.database.transaction() as tx:
                rows = [{"account": person.id, "notice": each} for each in chosen]
                tx.execute(insert(read_marks).on_conflict_do_nothing(), rows)
        return len(chosen)

    def require_own(self, person: Principal, action: str) -> None:
        """An inbox is for its person alone. Raises `Refused` for a service."""
        self.gate.require(person, action, Resource("Account", person.id, {}))

    def _visible(
        self, person: Principal, found: Sequence[Notice], *, seconds: float = LIST_SECONDS
    ) -> Sequence[Notice]:
        about = {each.about for each in found}
        seen = visible_things(self.database, self.gate, self.vault, person, about, seconds=seconds)
        return [each for each in found if each.about in seen]

    def _addressed(self, person: Principal, *, unread: bool, kind: str = "") -> Sequence[Notice]:
        with self.database.transaction() as tx:
            rows = tx.execute(_addressed(person, unread=unread, kind=kind)).all()
        return [Notice(row.id, row.event, row.about, row.at, row.read) for row in rows]


def _addressed(
    person: Principal, *, unread: bool, kind: str = ""
) -> Select[tuple[str, str, str, datetime, bool]]:
    """Each notice once, by however many ways it comes, with the time of the first row: the unread first, then
    the newest first."""
    events = [name for name, told in EVENTS.items() if kind in {"", told.kind}]
    mark = and_(read_marks.c.notice == notices.c.id, read_marks.c.account == person.id)
    read = func.bool_or(read_marks.c.notice.is_not(None))
    at = func.min(notices.c.at)
    wanted = (
        select(notices.c.id, notices.c.event, notices.c.about, at.label("at"), read.label("read"))
        .outerjoin(read_marks, mark)
        .where(for_person(person), notices.c.at > datetime.now(UTC) - SHOWN_FOR, notices.c.event.in_(events))
        .group_by(notices.c.id, notices.c.event, notices.c.about)
        .order_by(read, at.desc(), notices.c.id)
        .limit(MOST_LISTED)
    )
    return wanted.where(read_marks.c.notice.is_(None)) if unread else wanted


def for_person(person: Principal) -> ColumnElement[bool]:
    """Which rows are for somebody: those of their audiences that do not follow from their own act."""
    mine = audiences_of(
        account=person.id, organisation=person.organisation, roles=person.roles, teams=person.teams
    )
    return and_(
        notices.c.audience.in_(mine),
        or_(notices.c.actor != person.id, notices.c.event.in_(sorted(OWN_ACTS))),
    )
