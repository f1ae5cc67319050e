"""Reads a table or a query of an SQLite file. It is opened for reading only; a query can do nothing else."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date, timedelta
from pathlib import Path
from urllib.parse import quote

from sandbox.sources.deadline import Deadline
from sandbox.sources.failures import SourceFailure
from sandbox.sources.table_stream import Since, TableChoice, TableStream

ROWS_AT_ONCE = 2000
YEAR_FIRST = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*"
STEPS = 10_000  # of SQLite's machine, between two looks at the clock
ALLOWED = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE})


@contextmanager
def sqlite_table(path: str, chosen: TableChoice, deadline: Deadline) -> Iterator[TableStream]:
    """The rows of one moment: a writer waits, or is waited for. Raises `SourceFailure`."""
    if not Path(path).is_file():
        raise SourceFailure("source_unreachable")
    try:
        with closing(sqlite3.connect(f"file:{quote(path)}?mode=ro", uri=True)) as connection:
            connection.set_authorizer(_authorize)
            connection.set_progress_handler(lambda: int(deadline.passed), STEPS)
            cursor = connection.execute(_statement(chosen))
            names = tuple(column[0] for column in cursor.description or ())
            if not names:
                raise SourceFailure("source_refuses_query")
            if chosen.since is not None:
                if chosen.since.column not in names:
                    raise SourceFailure("source_since_column", column=chosen.since.column)
                cursor = connection.execute(*_since(_statement(chosen), chosen.since))
            yield TableStream(names, _rows(cursor, names))
    except sqlite3.Error as error:
        words = str(error)
        if deadline.passed:
            code = "source_timeout"
        elif words.startswith(("no such table", "no such column")):
            code = "source_table_missing"
        elif words.startswith("Could not decode"):
            raise SourceFailure("source_not_text") from None
        else:
            code = "source_refuses_query"
        raise SourceFailure(code, database_words=words, internal=type(error).__name__) from None


def _authorize(action: int, _first: str | None, second: str | None, *_: str | None) -> int:
    if action == sqlite3.SQLITE_FUNCTION:
        return sqlite3.SQLITE_DENY if (second or "").lower() == "load_extension" else sqlite3.SQLITE_OK
    return sqlite3.SQLITE_OK if action in ALLOWED else sqlite3.SQLITE_DENY


def _statement(chosen: TableChoice) -> str:
    if chosen.table is None:
        return chosen.query or ""
    quoted = chosen.table.replace('"', '""')
    return f'SELECT * FROM "{quoted}"'


def _since(statement: str, since: Since) -> tuple[str, tuple[int | str, ...]]:
    """SQLite's cells have types of their own, and moments are texts, which are compared by their day alone:
    rows of the day before are read again. What is not written year first is read each time."""
    quoted = '"' + since.column.replace('"', '""') + '"'
    inner = statement.strip().rstrip(";")
    asked = f"SELECT * FROM (\n{inner}\n) WHERE {quoted} IS NULL OR {quoted} >= ?"
    if since.kind == "integer":
        return asked, (int(since.at_least),)
    day = date.fromisoformat(since.at_least[:10]) - timedelta(days=1)
    return f"{asked} OR typeof({quoted}) <> 'text' OR {quoted} NOT GLOB ?", (day.isoformat(), YEAR_FIRST)


def _rows(cursor: sqlite3.Cursor, names: tuple[str, ...]) -> Iterator[list[str | None]]:
    while rows := cursor.fetchmany(ROWS_AT_ONCE):
        for row in rows:
            yield [_text(cell, name) for cell, name in zip(row, names, strict=True)]


def _text(cell: object, name: str) -> str | None:
    if cell is None or isinstance(cell, str):
        return cell
    if isinstance(cell, bytes):
        raise SourceFailure("source_unreadable_column", column=name)
    return repr(cell)  # of a float: the shortest text that reads back the same
