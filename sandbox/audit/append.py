"""Appends an event to the log, in the transaction of the change itself: both are written, or neither is."""

import secrets

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from sandbox.audit.model import SALT_BYTES, Event
from sandbox.database import Transaction
from sandbox.errors import CihuError, Forbidden, Unavailable

APPEND = text("SELECT log.append(:kind, :salt, :content)")

NOT_ALLOWED, TAKEN, CORRUPTED = "42501", "23505", "XX001"  # SQLSTATEs


def append(tx: Transaction, event: Event) -> int:
    """Append the event in the caller's transaction and give its index in the log.

    Make it the transaction's last write: from here until the commit every other append waits (the index is
    the number of committed entries, so a transaction that rolls back leaves no gap). The work is the
    database's own (`append_function.py`). Raises `Forbidden` if the event is another service's to append.
    """
    given = {"kind": event.kind, "salt": secrets.token_bytes(SALT_BYTES), "content": event.content}
    try:
        return int(tx.execute(APPEND, given).scalar_one())
    except DBAPIError as error:
        raise _meaning(event.kind, error) from error


def _meaning(kind: str, error: DBAPIError) -> CihuError | DBAPIError:
    state, said = getattr(error.orig, "sqlstate", None), str(error.orig)
    if state == NOT_ALLOWED:
        return Forbidden(
            f"This service does not append {kind} to the log.",
            internal=said,
            remedy=(
                "sandbox/audit/writers.py says which service does; "
                "`python -m sandbox.vault.migrate` tells the database."
            ),
        )
    if state == CORRUPTED:
        return Unavailable(
            "A node of the log is missing, so nothing can be appended.", code="log_broken", internal=said
        )
    if state == TAKEN:
        # a row that no append wrote stands in the way, or the transaction sees an old snapshot
        return Unavailable("The log's next place is taken.", code="log_broken", internal=said)
    return error
