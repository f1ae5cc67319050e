"""Writes a notice, in the transaction of the change itself: both are written, or neither is."""

from collections.abc import Iterable, Sequence

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from sandbox.database import Transaction
from sandbox.notices.events import EVENTS
from sandbox.notices.tables import notices


def tell(tx: Transaction, *, id: str, event: str, about: str, actor: str, to: Iterable[str]) -> None:
    """One notice for each audience; told twice it is one. `id`: derived from what it tells of. `about`: the
    thing, such as "request:12", by which it is decided who may still see it."""
    values = [
        {"id": id, "audience": each, "event": event, "about": about, "actor": actor}
        for each in sorted(set(to))
    ]
    if not values:
        return
    if event not in EVENTS:
        raise AssertionError(f"{event} has no words: add it to sandbox/notices/events.py")
    tx.execute(insert(notices).on_conflict_do_nothing(), values)


def addressees(tx: Transaction, about: str, event: str) -> Sequence[str]:
    """Who was told of an event of a thing: they are told how it goes on."""
    told = select(notices.c.audience).distinct()
    return tx.scalars(told.where(notices.c.about == about, notices.c.event == event)).all()
