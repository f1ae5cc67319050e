"""What a database is asked within a block: a measure of work that no other load on the machine moves."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import event

from sandbox.database import Database


@contextmanager
def statements_of(database: Database) -> Iterator[list[str]]:
    """The SQL of each statement from here to the end of the block, of all threads."""
    asked: list[str] = []

    def note(_connection: object, _cursor: object, sql: str, *_: object) -> None:
        asked.append(sql)

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(database.engine, "before_cursor_execute", note)
