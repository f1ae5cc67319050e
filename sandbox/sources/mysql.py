"""Reads a table or a query of MySQL or MariaDB, row by row, in one read-only transaction.

The query is first prepared by itself, as one complete statement, and then stands inside another: it can only
be a SELECT, and write no file.
"""

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import pymysql
from pymysql.constants import FIELD_TYPE
from pymysql.converters import conversions
from pymysql.cursors import SSCursor

from sandbox.sources.deadline import Deadline
from sandbox.sources.failures import SourceFailure
from sandbox.sources.reach_socket import connected_socket
from sandbox.sources.source_list import DataSource
from sandbox.sources.table_stream import Since, SinceKind, TableChoice, TableStream
from sandbox.sources.tls_context import tls_context

BINARY = 63  # the character set of bytes
BYTES = frozenset(
    {
        FIELD_TYPE.BLOB,
        FIELD_TYPE.TINY_BLOB,
        FIELD_TYPE.MEDIUM_BLOB,
        FIELD_TYPE.LONG_BLOB,
        FIELD_TYPE.STRING,
        FIELD_TYPE.VAR_STRING,
        FIELD_TYPE.VARCHAR,
        FIELD_TYPE.GEOMETRY,
    }
)
SINCE_TYPES: Mapping[SinceKind, frozenset[int]] = {
    "integer": frozenset(
        {
            FIELD_TYPE.TINY,
            FIELD_TYPE.SHORT,
            FIELD_TYPE.INT24,
            FIELD_TYPE.LONG,
            FIELD_TYPE.LONGLONG,
            FIELD_TYPE.NEWDECIMAL,
        }
    ),
    "date": frozenset({FIELD_TYPE.DATE, FIELD_TYPE.DATETIME, FIELD_TYPE.TIMESTAMP}),
    "timestamp": frozenset({FIELD_TYPE.DATETIME, FIELD_TYPE.TIMESTAMP}),
}
ENCODERS = {kind: encode for kind, encode in conversions.items() if isinstance(kind, type)}
"""Only of what is sent: each value of an answer stays the text that the server wrote."""
CODES = {
    1044: "source_no_rights",
    1045: "source_login_refused",
    1049: "source_table_missing",
    1051: "source_table_missing",
    1054: "source_table_missing",
    1142: "source_no_rights",
    1143: "source_no_rights",
    1146: "source_table_missing",
    1227: "source_no_rights",
    1251: "source_login_refused",
    1698: "source_login_refused",
    1969: "source_timeout",
    2006: "source_cut",
    2013: "source_cut",
    2026: "source_tls",
    3024: "source_timeout",
}
STALLED_SECONDS = 120


@contextmanager
def mysql_table(
    source: DataSource, addresses: list[str], password: str, chosen: TableChoice, deadline: Deadline
) -> Iterator[TableStream]:
    """The rows of one moment. Raises `SourceFailure`."""
    connection: Any = None
    unread: Any = None
    try:
        connection = _connected(source, addresses, password, deadline)
        with connection.cursor() as plain:
            _begin(plain, deadline)
            names, columns = _described(plain, chosen)
            where = _where(plain, chosen.since) if chosen.since is not None else ""
        unread = connection.cursor(SSCursor)
        unread.execute(f"SELECT {columns} FROM {_from(chosen)}{where}")
        yield TableStream(names, _rows(unread))
    except pymysql.MySQLError as error:
        raise _failure(error, deadline) from None
    except (OSError, ssl.SSLError) as error:
        code = "source_tls" if isinstance(error, ssl.SSLError) else "source_cut"
        raise deadline.failure(code, internal=type(error).__name__) from None
    except UnicodeDecodeError:
        raise SourceFailure("source_not_text") from None
    finally:
        _abandon(connection, unread)


def _abandon(connection: Any, unread: Any) -> None:
    """Close the connection without a word. PyMySQL would first read all that is left of an answer."""
    if unread is not None:
        if unread._result is not None:
            unread._result.unbuffered_active, unread._result.connection = False, None
        unread.connection = None
    if connection is not None:
        connection._force_close()


def _connected(source: DataSource, addresses: list[str], password: str, deadline: Deadline) -> Any:
    sock = connected_socket(addresses, source.port)
    deadline.watch(sock.fileno())
    # closed by whoever owns the connection, or here when it is not made
    try:
        connection = pymysql.Connection(
            host=source.host,
            port=source.port,
            user=source.user,
            password=password,
            database=source.database,
            charset="utf8mb4",
            conv=ENCODERS,
            local_infile=False,
            read_timeout=STALLED_SECONDS,
            write_timeout=STALLED_SECONDS,
            ssl=tls_context(source) if source.tls else None,
            ssl_disabled=not source.tls,
            defer_connect=True,
        )
        connection.connect(sock)
        if source.tls and not isinstance(connection._sock, ssl.SSLSocket):
            raise SourceFailure("source_tls")
    except BaseException:
        sock.close()
        raise
    return connection


def _begin(cursor: Any, deadline: Deadline) -> None:
    cursor.execute("SET SESSION time_zone = '+08:00'")
    seconds = int(deadline.left) + 1
    # MariaDB counts seconds, MySQL milliseconds; neither knows the other's name
    for limit in (f"max_statement_time = {seconds}", f"max_execution_time = {seconds * 1000}"):
        with suppress(pymysql.MySQLError):
            cursor.execute(f"SET SESSION {limit}")
    cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")


def _from(chosen: TableChoice) -> str:
    if chosen.table is not None:
        return ".".join(_quoted(part) for part in chosen.table.split("."))
    # a comment at the end of the query ends with its line
    return f"(\n{_query(chosen)}\n) AS pulled"


def _query(chosen: TableChoice) -> str:
    return (chosen.query or "").strip().rstrip(";")


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _described(cursor: Any, chosen: TableChoice) -> tuple[tuple[str, ...], str]:
    """The columns' names, and what is selected: a FLOAT as DOUBLE, since its own text is rounded."""
    if chosen.query is not None:
        cursor.execute("SET @cihu_query = %s", (_query(chosen),))
        cursor.execute("PREPARE cihu_query FROM @cihu_query")
        cursor.execute("DEALLOCATE PREPARE cihu_query")
    cursor.execute(f"SELECT * FROM {_from(chosen)} LIMIT 0")
    names, columns = [], []
    for field in cursor._result.fields:
        names.append(field.name)
        if field.type_code in BYTES and field.charsetnr == BINARY:
            raise SourceFailure("source_unreadable_column", column=field.name)
        quoted = _quoted(field.name)
        columns.append(quoted)
        if field.type_code == FIELD_TYPE.FLOAT:
            columns[-1] = f"({quoted} + 0e0) AS {quoted}"
        elif field.type_code == FIELD_TYPE.BIT:
            columns[-1] = f"({quoted} + 0) AS {quoted}"
    return tuple(names), ", ".join(columns)


def _where(described: Any, since: Since) -> str:
    """`described`: the cursor that looked at the columns. The session's clock is the city's."""
    kinds = {field.name: field.type_code for field in described._result.fields}
    if kinds.get(since.column) not in SINCE_TYPES[since.kind]:
        raise SourceFailure("source_since_column", column=since.column)
    quoted = _quoted(since.column)
    return f" WHERE {quoted} >= {described.mogrify('%s', (since.at_least,))} OR {quoted} IS NULL"


def _rows(cursor: Any) -> Iterator[tuple[str | None, ...]]:
    yield from iter(cursor.fetchone, None)


def _failure(error: pymysql.MySQLError, deadline: Deadline) -> SourceFailure:
    number = error.args[0] if error.args and isinstance(error.args[0], int) else 0
    code = CODES.get(number, "source_refuses_query" if 1000 <= number < 2000 else "source_cut")
    if number == 2003:  # the socket was connected before: it is what came over it
        secure = isinstance(getattr(error, "original_exception", None), ssl.SSLError)
        code = "source_tls" if secure else "source_cut"
    if deadline.passed:
        code = "source_timeout"
    words = str(error.args[1]) if len(error.args) > 1 else ""
    return SourceFailure(code, database_words=words, internal=f"{type(error).__name__} {number}")
