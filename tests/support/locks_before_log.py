"""Watches that a transaction takes no lock after its first entry of the log: every other append waits for it,
and among those that wait may be whoever holds that lock."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from sandbox.database import Database

LOCKS = ("pg_advisory_xact_lock", "FOR UPDATE", "FOR NO KEY UPDATE", "FOR SHARE")


@contextmanager
def locks_after_log(database: Database) -> Iterator[list[str]]:
    """The locks that were first taken after an append of the same transaction."""
    held: dict[int, set[str]] = {}
    logged: set[int] = set()
    late: list[str] = []

    def begun(connection: Any) -> None:
        held[id(connection)] = set()
        logged.discard(id(connection))

    def executing(connection: Any, _cursor: Any, statement: str, given: Any, *_: Any) -> None:
        if "log.append(" in statement:
            logged.add(id(connection))
        elif any(each in statement for each in LOCKS):
            lock = f"{statement} {given}"
            if id(connection) in logged and lock not in held.get(id(connection), ()):
                late.append(lock)
            held.setdefault(id(connection), set()).add(lock)

    event.listen(database.engine, "begin", begun)
    event.listen(database.engine, "before_cursor_execute", executing)
    try:
        yield late
    finally:
        event.remove(database.engine, "begin", begun)
        event.remove(database.engine, "before_cursor_execute", executing)
