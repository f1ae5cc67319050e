"""Appends an event to the log, in the transaction of the change itself: both are written, or neither is."""

import secrets
from collections.abc import Iterable

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from sandbox.audit.decision_trace import take_decisions
from sandbox.audit.model import SALT_BYTES, Event, canonical
from sandbox.database import Transaction
from sandbox.errors import CihuError, Forbidden, Unavailable
from sandbox.notices import tell

APPEND = text("SELECT log.append(:kind, :salt, :content)")
APPEND_DECIDED = text("SELECT log.append(:kind, :salt, :content, :decisions)")

NOT_ALLOWED, TAKEN, CORRUPTED = "42501", "23505", "XX001"  # SQLSTATEs


def append(tx: Transaction, event: Event, *, to: Iterable[str] = (), about: str = "") -> int:
    """Append the event in the caller's transaction and give its index in the log.

    `to`: whom it is told, as `sandbox/notices` names them; each gets one notice, with the entry or not at
    all. `about`: the thing whose page they open and who may see it, where that is not the event's subject.

    The entry keeps the decisions that the event names, or those that allowed its actor in this request.

    Make it the transaction's last write: from here until the commit every other append waits (the index is
    the number of committed entries, so a transaction that rolls back leaves no gap). The work is the
    database's own (`append_function.py`). Raises `Forbidden` if the event is another service's to append.
    """
    given = {"kind": event.kind, "salt": secrets.token_bytes(SALT_BYTES), "content": event.content}
    if decisions := event.decisions or take_decisions(event.actor):
        given["decisions"] = canonical([dict(each) for each in decisions])
    try:
        index = int(tx.execute(APPEND_DECIDED if decisions else APPEND, given).scalar_one())
    except DBAPIError as error:
        raise _meaning(event.kind, error) from error
    # a row of its own that waits for nobody
    tell(tx, id=f"log:{index}", event=event.kind, about=about or event.subject, actor=event.actor, to=to)
    return index


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
