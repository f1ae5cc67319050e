"""Erases personal data from the log. The opening is erased; the entry, and every proof, stays as it was."""

from sqlalchemy import delete
from sqlalchemy.exc import ProgrammingError

from sandbox.audit.append import append
from sandbox.audit.model import Event
from sandbox.audit.tables import openings
from sandbox.database import Transaction
from sandbox.errors import Forbidden, NotFound


def erase_opening(tx: Transaction, *, index: int, by: str, reason: str) -> int:
    """Erase what entry `index` committed to, and log that it was done. Gives the index of that new entry.

    Only the database's owner can: the services' roles have no DELETE on the log. Raises
    `Forbidden`, `NotFound`.
    """
    try:
        erased = tx.execute(delete(openings).where(openings.c.index == index)).rowcount
    except ProgrammingError as error:
        raise Forbidden(
            "This role may not erase from the log.", remedy="Erase as the owner of the database."
        ) from error
    if not erased:
        raise NotFound(
            f"Entry {index} has no opening.", remedy="It was erased before, or there is no such entry."
        )
    return append(
        tx, Event(kind="opening.erased", actor=by, subject=f"entry:{index}", payload={"reason": reason})
    )
