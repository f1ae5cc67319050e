"""Reads what a pull names at a source, as a file in pieces: a table becomes Parquet, an object stays."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from sandbox.sources.deadline import Deadline
from sandbox.sources.mysql import mysql_table
from sandbox.sources.objects import https_object, s3_object
from sandbox.sources.postgres import postgres_table
from sandbox.sources.secret_reference import read_secret
from sandbox.sources.source_list import DataSource
from sandbox.sources.sqlite import sqlite_table
from sandbox.sources.table_stream import TableChoice, TableStream, parquet_pieces


@contextmanager
def read_source(
    source: DataSource, addresses: list[str], *, chosen: TableChoice | str
) -> Iterator[Iterator[bytes]]:
    """The file's pieces. `addresses`: of the source's host, checked. `chosen`: a table or query, or an
    object's name. Raises `SourceFailure`, also while the pieces are read."""
    with Deadline(source.seconds) as deadline:
        secret = read_secret(source.secret)
        if isinstance(chosen, TableChoice):
            with _table(source, addresses, secret, chosen, deadline) as table:
                yield _in_time(parquet_pieces(table), deadline)
            return
        reader = s3_object if source.kind == "s3" else https_object
        with reader(source, secret, chosen, deadline) as pieces:
            yield pieces


def _table(
    source: DataSource, addresses: list[str], secret: str, chosen: TableChoice, deadline: Deadline
) -> AbstractContextManager[TableStream]:
    if source.kind == "sqlite":
        return sqlite_table(source.path, chosen, deadline)
    if source.kind == "mysql":
        return mysql_table(source, addresses, secret, chosen, deadline)
    more: dict[str, str | int] = {
        "host": source.host,
        "hostaddr": addresses[0],
        "port": source.port,
        "dbname": source.database,
        "user": source.user,
        "sslmode": "verify-full" if source.tls else "disable",
        "application_name": "cihu-puller",
        "passfile": "/nowhere",
    }
    if secret:
        more["password"] = secret
    if source.tls:
        more["sslrootcert"] = source.ca or "system"
    return postgres_table("", more, chosen, deadline)


def _in_time(pieces: Iterator[bytes], deadline: Deadline) -> Iterator[bytes]:
    for piece in pieces:
        deadline.check()
        yield piece
