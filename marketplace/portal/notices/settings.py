"""What somebody wants mails of, and where they go to."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from sqlalchemy import select, update

from marketplace.portal.notices.inbox import Inbox
from marketplace.portal.notices.schemas import NoticeSettings
from marketplace.portal.notices.switches import set_switches, switched_off
from sandbox.database import Database, Transaction
from sandbox.errors import CihuError
from sandbox.identity import Principal
from sandbox.notices.events import KINDS
from sandbox.notices.tables import courier_signs, mail_addresses

ALIVE_FOR = timedelta(minutes=5)
MISSED_FOR = timedelta(days=7)


def settings_of(inbox: Inbox, person: Principal) -> NoticeSettings:
    """Raises `Refused` for a service."""
    inbox.require_own(person, "read_notices")
    with inbox.database.transaction() as tx:
        off = switched_off(tx, person.id)
        row = tx.execute(select(mail_addresses).where(mail_addresses.c.account == person.id)).first()
        return {
            "kinds": [
                {"kind": kind, "name": {"zh": words.zh, "en": words.en}, "mail": kind not in off}
                for kind, words in KINDS.items()
            ],
            "address": row.address if row else None,
            "verified": bool(row and row.verified_at),
            "language": row.language if row else "zh",
            "daily": bool(row and row.daily),
            "sending": is_sending(tx),
        }


def change_settings(inbox: Inbox, person: Principal, *, off: Iterable[str], daily: bool) -> None:
    """Raises `Refused` for a service, `InvalidInput` for what is no kind."""
    inbox.require_own(person, "manage_notices")
    with inbox.database.transaction() as tx:
        set_switches(tx, person.id, off)
        tx.execute(update(mail_addresses).where(mail_addresses.c.account == person.id).values(daily=daily))


def is_sending(tx: Transaction, now: datetime | None = None) -> bool:
    """Whether a courier was seen of late."""
    return _seen_within(tx, ALIVE_FOR, now)


def mails_are_sent(database: Database) -> bool:
    """For the page of the parts: whether a courier was seen of late. A database that is away has none."""
    try:
        with database.transaction() as tx:
            return is_sending(tx)
    except CihuError:
        return False


def was_sending(tx: Transaction, now: datetime) -> bool:
    """Whether mails wait for a courier: one that was away for longer is taken for switched off."""
    return _seen_within(tx, MISSED_FOR, now)


def _seen_within(tx: Transaction, span: timedelta, now: datetime | None) -> bool:
    seen = tx.scalar(select(courier_signs.c.seen_at))
    return seen is not None and seen > (now or datetime.now(UTC)) - span
