"""Takes what waits in the outbox, one mail after the other, until it is sent or given up.

A mail is claimed by a commit that counts the try and says when the next one may come; then it is sent; then a
second commit says so. If the courier dies in between, the mail is sent again with the same Message-ID: at
least once, never lost.
"""

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, Row, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from sandbox.courier.letter import Letter, write
from sandbox.courier.mail_server import MailServer, Refusal
from sandbox.courier.settings import Settings
from sandbox.database import Database
from sandbox.notices.tables import courier_signs, outbox

MOST_TRIES = 10
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=6)
GIVEN_UP_AFTER = timedelta(days=3)
"""A notice that is older is no news: while the mail server was away, nobody tried."""
MOST_AT_ONCE = 100

log = logging.getLogger("cihu.courier")
Clock = Callable[[], datetime]


def now_utc() -> datetime:
    return datetime.now(UTC)


def wait_after(tries: int) -> timedelta:
    """How long after the try of this number the next one comes: twice as long each time."""
    return min(FIRST_WAIT * int(2 ** (tries - 1)), LONGEST_WAIT)


def deliver(database: Database, server: MailServer, settings: Settings, clock: Clock = now_utc) -> int:
    """Send what is due, as far as the server takes it; gives how many mails it took. Where the connection
    ends, the rest waits for the next look. Raises `Unavailable` where the server cannot be reached: then no
    try is counted."""
    sign_of_life(database, clock())
    give_up_old(database, clock())
    if not _is_due(database, clock()):
        return 0
    sent = 0
    with server.connected():
        for _ in range(MOST_AT_ONCE):
            claimed = claim(database, clock())
            if claimed is None:
                break
            refusal = _send(database, server, settings, claimed, clock)
            if refusal is None:
                sent += 1
            elif refusal.gone and sent:
                _give_back(database, claimed, clock())
            else:  # of the first mail of a connection: it may be what ends it, so the try counts
                _refused(database, claimed, refusal, clock)
            if refusal is not None and refusal.gone:
                break
    return sent


def claim(database: Database, now: datetime) -> Row[tuple[object, ...]] | None:
    """The next mail, with this try counted and committed."""
    due = (
        select(outbox.c.id, outbox.c.tries)
        .where(outbox.c.state == "waiting", outbox.c.next_at <= now)
        .order_by(outbox.c.next_at, outbox.c.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    with database.transaction() as tx:
        row = tx.execute(due).first()
        if row is None:
            return None
        tries = row.tries + 1
        return tx.execute(
            update(outbox)
            .where(outbox.c.id == row.id)
            .values(tries=tries, next_at=now + wait_after(tries))
            .returning(outbox)
        ).one()


def _send(
    database: Database, server: MailServer, settings: Settings, row: Row[tuple[object, ...]], clock: Clock
) -> Refusal | None:
    """None: the server has taken it."""
    known = row._mapping
    letter = Letter(
        known["id"], known["account"], known["address"], known["language"], known["form"], known["items"],
        known["token"] or "", known["made_at"],
    )  # fmt: skip
    try:
        message = write(letter, sender=settings.mail_sender, portal_url=settings.portal_url)
    except ValueError:
        return Refusal("bad_address", final=True)
    try:
        server.send(message)
    except Refusal as refusal:
        return refusal
    with database.transaction() as tx:
        done = {"state": "sent", "ended_at": clock(), "token": None, "fault": None}
        tx.execute(update(outbox).where(outbox.c.id == known["id"]).values(**done))
    return None


def _refused(database: Database, row: Row[tuple[object, ...]], refusal: Refusal, clock: Clock) -> None:
    """Keep why; end what is refused for good, or was tried often enough."""
    known = row._mapping
    given_up = refusal.final or known["tries"] >= MOST_TRIES
    values: dict[str, object] = {"fault": refusal.code}
    if given_up:
        values |= {"state": "failed", "ended_at": clock(), "token": None}
    with database.transaction() as tx:
        tx.execute(update(outbox).where(*_still(known["id"])).values(**values))
    if given_up:
        log.warning("a mail to the account %s was given up: %s", known["account"], refusal.code)


def _give_back(database: Database, row: Row[tuple[object, ...]], now: datetime) -> None:
    """The connection ended before this mail had its turn: it is due at once, and this was no try."""
    values = {"tries": outbox.c.tries - 1, "next_at": now}
    with database.transaction() as tx:
        tx.execute(update(outbox).where(*_still(row._mapping["id"])).values(**values))


def _still(id: str) -> tuple[ColumnElement[bool], ...]:
    """The mail, unless its person has ended it since it was claimed."""
    return outbox.c.id == id, outbox.c.state == "waiting"


def give_up_old(database: Database, now: datetime) -> int:
    """End what waited for so long that it is no news, and what was tried often enough without an end (the
    courier died each time); gives how many."""
    over = or_(outbox.c.made_at < now - GIVEN_UP_AFTER, outbox.c.tries >= MOST_TRIES)
    fault = func.coalesce(outbox.c.fault, "too_old")
    with database.transaction() as tx:
        ended = (
            update(outbox)
            .where(outbox.c.state == "waiting", outbox.c.next_at <= now, over)
            .values(state="failed", ended_at=now, token=None, fault=fault)
            .returning(outbox.c.id)
        )
        number = len(tx.execute(ended).all())
    if number:
        log.warning("%s mails were given up: they waited or were tried for too long", number)
    return number


def sign_of_life(database: Database, now: datetime) -> None:
    """By which the portal knows that mails are sent here."""
    sign = insert(courier_signs).values(id=1, seen_at=now)
    with database.transaction() as tx:
        tx.execute(sign.on_conflict_do_update(index_elements=["id"], set_={"seen_at": now}))


def _is_due(database: Database, now: datetime) -> bool:
    with database.transaction() as tx:
        waiting = select(outbox.c.id).where(outbox.c.state == "waiting", outbox.c.next_at <= now)
        return tx.execute(waiting.limit(1)).first() is not None
