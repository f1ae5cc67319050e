"""Says for whom a thing that waits has a named person: they are told first that it is late, and their
department after them."""

from collections.abc import Iterable

from sqlalchemy import select

from sandbox import notices
from sandbox.catalog.tables import taken_on
from sandbox.database import Transaction


def but_named(tx: Transaction, kind: str, id: object, audiences: Iterable[str]) -> list[str]:
    """The audiences, without the departments in which somebody has taken it on, and without all officers
    together where anybody has."""
    wanted = select(taken_on.c.department).where(taken_on.c.kind == kind, taken_on.c.id == str(id))
    named = {notices.officers(department) for department in tx.scalars(wanted)}
    if named:
        named.add(notices.ALL_OFFICERS)
    return [each for each in audiences if each not in named]
