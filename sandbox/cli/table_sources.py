"""A table of a database as a stream of CSV: read on the officer's own machine, with the officer's own rights.

The vault never connects to a source. A connection is read-only, and the whole table is of one moment.
Kingbase and openGauss speak the protocol of Postgres (the login method must be md5 or scram-sha-256); they
were not tried.
"""

import csv
import io
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote

from sandbox.errors import InvalidInput, Unavailable

POSTGRES = ("postgresql://", "postgres://")
SQLITE = "sqlite:///"
ROWS_AT_ONCE = 2000
PLAIN_NAME = re.compile(r"[^\w.-]+")


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
    if source.startswith(SQLITE):
        return _sqlite(unquote(source.removeprefix(SQLITE)), table, query)
    return _postgres(source, table, query)


def _postgres(source: str, table: str | None, query: str | None) -> Iterator[bytes]:
    import psycopg
    from psycopg import sql

    try:
        with psycopg.connect(source, options="-c default_transaction_read_only=on") as connection:
            chosen: sql.Composable
            if table is not None:
                chosen = sql.SQL("SELECT * FROM {}").format(sql.Identifier(*table.split(".")))
            else:
                chosen = sql.SQL(query.strip().rstrip(";"))  # type: ignore[union-attr]  # the officer's own
            copied = sql.SQL("COPY ({}) TO STDOUT WITH (FORMAT csv, HEADER true, ENCODING 'UTF8')").format(
                chosen
            )
            with connection.cursor() as cursor, cursor.copy(copied) as rows:
                for part in rows:
                    yield bytes(part)
    except psycopg.OperationalError as error:
        raise Unavailable(
            "The database cannot be reached, or refuses the login.",
            code="source_unreachable",
            remedy="Check the address, the account and its password (PGPASSWORD or ~/.pgpass).",
            internal=type(error).__name__,
        ) from None
    except psycopg.Error as error:
        said = error.diag.message_primary or type(error).__name__
        raise InvalidInput(
            f"The database refuses it: {said}.",
            remedy="Check the table's or the query's names, and your rights.",
        ) from None


def _sqlite(path: str, table: str | None, query: str | None) -> Iterator[bytes]:
    if not Path(path).is_file():
        raise InvalidInput(f"{path} is no file.", remedy="Write sqlite:///folder/file.db.")
    statement = (
        f'SELECT * FROM "{table.replace(chr(34), chr(34) * 2)}"' if table is not None else str(query)
    )  # quoted
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            cursor = connection.execute(statement)
            yield _lines([[column[0] for column in cursor.description or ()]])
            while rows := cursor.fetchmany(ROWS_AT_ONCE):
                yield _lines(rows)
    except sqlite3.Error as error:
        raise InvalidInput(
            f"The database refuses it: {error}.", remedy="Check the table's or the query's names."
        ) from None


def _lines(rows: list[list[object]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([["" if cell is None else cell for cell in row] for row in rows])
    return text.getvalue().encode()
