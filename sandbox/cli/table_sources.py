"""A table of a database as a stream of CSV: read on the officer's own machine, with the officer's own rights.

The vault never connects to a source. A connection is read-only, and the whole table is of one moment.
Kingbase and openGauss speak the protocol of Postgres (the login method must be md5 or scram-sha-256); they
were not tried. `sandbox/sources` reads.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import unquote

from sandbox.errors import InvalidInput, Unavailable
from sandbox.sources.deadline import Deadline
from sandbox.sources.failures import SourceFailure
from sandbox.sources.table_stream import Cells, TableChoice, TableStream

POSTGRES = ("postgresql://", "postgres://")
SQLITE = "sqlite:///"
LINES_AT_ONCE = 2000
SECONDS = 6 * 3600.0
PLAIN_NAME = re.compile(r"[^\w.-]+")
TO_QUOTE = re.compile(r'[",\r\n]|^\s|\s$')


def is_database(source: str) -> bool:
    return source.startswith((*POSTGRES, SQLITE))


def file_name(table: str | None) -> str:
    """What the upload is called. The address of the database stays on this machine."""
    return f"{PLAIN_NAME.sub('_', table or 'query')}.csv"


def rows_of(source: str, *, table: str | None, query: str | None) -> Iterator[bytes]:
    """The rows as CSV with a header line, in UTF-8. Raises `InvalidInput` or `Unavailable`."""
    if (table is None) == (query is None):
        raise InvalidInput(
            "Name a table or a query.", remedy="Use --table schema.name, or --query 'SELECT ...'."
        )
    try:
        with Deadline(SECONDS) as deadline, _opened(source, TableChoice(table, query), deadline) as read:
            yield _line(read.names)
            lines = []
            for row in read.rows:
                lines.append(_line(row))
                if len(lines) == LINES_AT_ONCE:
                    yield b"".join(lines)
                    lines = []
            yield b"".join(lines)
    except SourceFailure as failure:
        raise _told(failure, source) from None


@contextmanager
def _opened(source: str, chosen: TableChoice, deadline: Deadline) -> Iterator[TableStream]:
    # each is slow to import, and few need both
    if source.startswith(SQLITE):
        from sandbox.sources.sqlite import sqlite_table

        with sqlite_table(unquote(source.removeprefix(SQLITE)), chosen, deadline) as read:
            yield read
    else:
        from sandbox.sources.postgres import postgres_table

        with postgres_table(source, {}, chosen, deadline) as read:
            yield read


def _told(failure: SourceFailure, source: str) -> InvalidInput | Unavailable:
    """In words for who reads with their own account: the database's own are among them."""
    if source.startswith(SQLITE) and failure.code == "source_unreachable":
        return InvalidInput(
            f"{unquote(source.removeprefix(SQLITE))} is no file.", remedy="Write sqlite:///folder/file.db."
        )
    if failure.code in {"source_unreachable", "source_login_refused", "source_tls"}:
        return Unavailable(
            "The database cannot be reached, or refuses the login.",
            code="source_unreachable",
            remedy="Check the address, the account and its password (PGPASSWORD or ~/.pgpass).",
            internal=failure.internal,
        )
    if failure.database_words:
        return InvalidInput(
            f"The database refuses it: {failure.database_words}.",
            remedy="Check the table's or the query's names, and your rights.",
        )
    return InvalidInput(failure.message, code=failure.code, remedy=failure.remedy, zh=failure.zh)


def _line(cells: Cells) -> bytes:
    """One line of CSV. An empty cell is no value, and "" is an empty text."""
    return (",".join(map(_cell, cells)) + "\n").encode()


def _cell(cell: str | None) -> str:
    if cell is None:
        return ""
    if not cell or TO_QUOTE.search(cell):
        return '"' + cell.replace('"', '""') + '"'
    return cell
