"""Reads a table or a query of a database that speaks Postgres's protocol: by COPY, read-only.

The query is first prepared by itself: the server says whether it is one complete statement, so nothing in it
can end the COPY that is put around it.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import psycopg
from psycopg import pq, sql
from psycopg.generators import execute
from psycopg.pq.abc import PGresult

from sandbox.city_time import CITY_TIME_ZONE
from sandbox.sources.deadline import Deadline
from sandbox.sources.failures import SourceFailure
from sandbox.sources.table_stream import Since, SinceKind, TableChoice, TableStream

BYTES, MOMENT = 17, 1184  # the types bytea and timestamptz
SINCE_TYPES: Mapping[SinceKind, frozenset[int]] = {
    "integer": frozenset({20, 21, 23, 1700}),  # int8, int2, int4, numeric
    "date": frozenset({1082, 1114, MOMENT}),
    "timestamp": frozenset({1114, MOMENT}),
}
SETTINGS = (
    "SET LOCAL datestyle = 'ISO, YMD'",
    "SET LOCAL extra_float_digits = 3",  # a double is written so that it reads back the same
    f"SET LOCAL timezone = '{CITY_TIME_ZONE}'",
    "SET LOCAL client_encoding = 'UTF8'",
    "SET LOCAL bytea_output = 'hex'",
)
MISSING = frozenset({"42P01", "42703", "3F000", "3D000"})  # no such table, column, schema, database
CONNECT_SECONDS = 15
NO_TLS = re.compile(r"\bSSL\b|certificate|\btls\b", re.IGNORECASE)
NOT_THERE = re.compile(
    r"refused|timeout|timed out|could not translate|no route|unreachable|reset|"
    r"closed the connection|failed to resolve|No such file",
    re.IGNORECASE,
)


@contextmanager
def postgres_table(
    address: str, more: Mapping[str, str | int], chosen: TableChoice, deadline: Deadline
) -> Iterator[TableStream]:
    """The rows of one moment. `address` and `more` are a libpq connection's. Raises `SourceFailure`."""
    connection = _connected(address, more, deadline)
    try:
        with connection:
            deadline.watch(connection.fileno())
            connection.read_only = True
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.execute(f"SET statement_timeout = {int(deadline.left * 1000) + 1}")
            for setting in SETTINGS:
                connection.execute(setting)
            statement = _statement(connection, chosen)
            kinds = _described(connection, statement)
            yield TableStream(tuple(kinds), _rows(connection, statement, kinds, chosen.since))
    except psycopg.OperationalError as error:
        raise _failure(error, deadline, "source_cut") from None
    except psycopg.Error as error:
        raise _failure(error, deadline, "source_refuses_query") from None
    except UnicodeDecodeError:
        raise SourceFailure("source_not_text") from None


def _connected(
    address: str, more: Mapping[str, str | int], deadline: Deadline
) -> psycopg.Connection[tuple[object, ...]]:
    try:
        return psycopg.connect(address, connect_timeout=CONNECT_SECONDS, **more)  # type: ignore[arg-type]
    except psycopg.Error as error:
        words = str(error)
        code = "source_login_refused"
        if NO_TLS.search(words):
            code = "source_tls"
        elif NOT_THERE.search(words):
            code = "source_unreachable"
        raise deadline.failure(code, internal=type(error).__name__) from None


def _statement(connection: psycopg.Connection[tuple[object, ...]], chosen: TableChoice) -> str:
    if chosen.table is not None:
        named = sql.SQL("SELECT * FROM {}").format(sql.Identifier(*chosen.table.split(".")))
        return named.as_string(connection)
    return (chosen.query or "").strip().rstrip(";")


def _described(connection: psycopg.Connection[tuple[object, ...]], statement: str) -> dict[str, int]:
    """The columns' names and types, once the server has read the statement by itself.
    Raises `psycopg.Error`, `SourceFailure`."""
    raw = connection.pgconn
    # sent and waited for as psycopg does: a call of libpq that blocks would hold the deadline's thread too
    raw.send_prepare(b"", statement.encode())
    _require_good(connection.wait(execute(raw))[-1])
    raw.send_describe_prepared(b"")
    described = connection.wait(execute(raw))[-1]
    _require_good(described)
    kinds: dict[str, int] = {}
    for place in range(described.nfields):
        name = (described.fname(place) or b"").decode()
        if described.ftype(place) == BYTES:
            raise SourceFailure("source_unreadable_column", column=name)
        kinds[name] = described.ftype(place)
    if not kinds or len(kinds) < described.nfields:
        raise SourceFailure("source_refuses_query")
    return kinds


def _require_good(result: PGresult) -> None:
    if result.status != pq.ExecStatus.COMMAND_OK:
        raise psycopg.errors.error_from_result(result)


def _rows(
    connection: psycopg.Connection[tuple[object, ...]],
    statement: str,
    kinds: Mapping[str, int],
    since: Since | None,
) -> Iterator[tuple[str | None, ...]]:
    columns = ", ".join(_column(connection, name, kind) for name, kind in kinds.items())
    # a comment at the end of the statement ends with its line
    where = _where(connection, since, kinds) if since is not None else ""
    copied = f"COPY (SELECT {columns} FROM (\n{statement}\n) AS pulled{where}) TO STDOUT"
    with connection.cursor() as cursor, cursor.copy(copied.encode()) as copy:
        yield from copy.rows()


def _where(connection: psycopg.Connection[tuple[object, ...]], since: Since, kinds: Mapping[str, int]) -> str:
    """The server reads the value as it reads the column's own type: an index serves, and moments are of the
    city's clock, which is the session's."""
    if kinds.get(since.column) not in SINCE_TYPES[since.kind]:
        raise SourceFailure("source_since_column", column=since.column)
    condition = sql.SQL(" WHERE {0} >= {1} OR {0} IS NULL").format(
        sql.Identifier(since.column), sql.Literal(since.at_least)
    )
    return condition.as_string(connection)


def _column(connection: psycopg.Connection[tuple[object, ...]], name: str, kind: int) -> str:
    """A column as it is copied: a moment as the city's clock shows it, as everywhere here."""
    quoted = sql.Identifier(name).as_string(connection)
    return f"({quoted} AT TIME ZONE '{CITY_TIME_ZONE}') AS {quoted}" if kind == MOMENT else quoted


def _failure(error: psycopg.Error, deadline: Deadline, otherwise: str) -> SourceFailure:
    state = error.sqlstate or ""
    if deadline.passed or state == "57014":  # the statement's own time is the same
        return SourceFailure("source_timeout")
    code = otherwise
    if state in MISSING:
        code = "source_table_missing"
    elif state == "42501":
        code = "source_no_rights"
    elif state.startswith(("08", "57P")):
        code = "source_cut"
    elif state:
        code = "source_refuses_query"
    return SourceFailure(
        code, database_words=error.diag.message_primary or type(error).__name__, internal=state
    )
