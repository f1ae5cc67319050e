"""Does what is due with notices several times a minute, in one portal at a time: tells what came due, drops
what is long past, and posts mails."""

import logging
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete

from marketplace.portal.notices.due import tell_due
from marketplace.portal.notices.post import Post, tell_failures
from sandbox.chores import Chore
from sandbox.database import Database, Transaction, try_lock_name
from sandbox.notices.tables import notices, outbox, read_marks

SECONDS = 20.0
KEPT_FOR = timedelta(days=400)
"""What is late for so long is told again."""
MAILS_KEPT_FOR = timedelta(days=30)
DROPPED_EVERY = timedelta(hours=1)
log = logging.getLogger("cihu.portal")


class NoticeJob(Chore):
    """Tells what comes due, drops what is old, and hands mails to the courier."""

    def __init__(self, database: Database, post: Post, *, seconds: float = SECONDS) -> None:
        super().__init__(seconds=seconds, name="notices", log=log)
        self.database, self.mails = database, post
        self._dropped_at: datetime | None = None

    def run(self, now: datetime | None = None) -> None:
        """Once; nothing if another portal is at it. What is old is dropped once an hour."""
        moment = now or datetime.now(UTC)
        with self.database.transaction() as tx:
            if try_lock_name(tx, "notices job"):
                tell_due(tx, moment)
                tell_failures(tx, moment)
                if self._dropped_at is None or moment >= self._dropped_at + DROPPED_EVERY:
                    drop_old(tx, moment)
                    self._dropped_at = moment
        with self.database.transaction() as tx:
            if try_lock_name(tx, "notices job"):
                self.mails.post(tx, moment)


def drop_old(tx: Transaction, now: datetime) -> None:
    tx.execute(delete(notices).where(notices.c.at < now - KEPT_FOR))
    tx.execute(delete(read_marks).where(read_marks.c.read_at < now - KEPT_FOR))
    ended = outbox.c.state.in_(["sent", "failed"])
    tx.execute(delete(outbox).where(ended, outbox.c.ended_at < now - MAILS_KEPT_FOR))
