"""Connects to Postgres: one pool, and one way to open a transaction."""

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg.errors import DiskFull
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import DataError, OperationalError

from sandbox.errors import InvalidInput, Unavailable
from sandbox.plain_text import REMEDY, REMEDY_ZH

LOCK_SECONDS = 600

Transaction = Connection
"""A connection inside a transaction: it commits when its block ends, rolls back when its block raises."""


class Database:
    """A pool of connections to one Postgres database.

    `url` is a SQLAlchemy URL, such as `postgresql+psycopg://cihu_vault:…@/cihu?host=/run/postgres`.
    """

    def __init__(self, url: str, *, pool_size: int = 20) -> None:
        self.engine = create_engine(url, pool_size=pool_size, max_overflow=20, pool_pre_ping=True)
        self._locks = create_engine(
            url,
            pool_size=16,
            max_overflow=0,
            pool_timeout=LOCK_SECONDS,
            pool_pre_ping=True,
            isolation_level="AUTOCOMMIT",
        )

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """One transaction, READ COMMITTED.

        Raises `Unavailable` if Postgres cannot be reached, or goes away in the middle: whether a commit in
        which it went away was made, nobody here can know.
        """
        with _told_plainly(), self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """Hold a lock that all processes of this database share, by name,
        until the block ends or the process dies.

        It is held by a connection of its own, from a pool of its own: whoever waits for it takes no
        transaction's place. Raises `Unavailable` as `transaction` does.
        """
        with _told_plainly(), self._locks.connect() as connection:
            key = {"name": name}
            connection.execute(text("SELECT pg_advisory_lock(hashtextextended(:name, 0))"), key)
            try:
                yield
            finally:
                connection.execute(text("SELECT pg_advisory_unlock(hashtextextended(:name, 0))"), key)

    def close(self) -> None:
        self.engine.dispose()
        self._locks.dispose()


@contextmanager
def _told_plainly() -> Iterator[None]:
    """What Postgres could not do through no fault of ours, as `Unavailable`.
    The operator reads which kind it was, not the statement: that could hold what somebody asked."""
    try:
        yield
    except (DataError, UnicodeEncodeError) as error:
        # a value that no column holds came past the types at the endpoints: what was sent is at
        # fault, not the service
        raise InvalidInput(
            "A value cannot be stored: it is too large, or no plain text.",
            code="cannot_be_stored",
            remedy=REMEDY,
            zh="有一个值无法存储：过大，或不是文字。",
            remedy_zh=REMEDY_ZH,
            internal=type(error).__name__,
        ) from error
    except OperationalError as error:
        if isinstance(error.orig, DiskFull):
            raise Unavailable(
                "The database's disk is full, so nothing can be written down.",
                code="disk_full",
                remedy="Free some space there, or give it a larger disk; then try again.",
                zh="数据库的磁盘已满，无法写入。",
                remedy_zh="请清理空间或扩容，然后重试。",
            ) from error
        raise Unavailable(
            "The database cannot be reached, or could not go on.",
            remedy=(
                "Try again in a minute. For the operator: is Postgres running, and is "
                "CIHU_DATABASE_URL right?"
            ),
            internal=f"{type(error.orig).__name__}: {str(error.orig).partition(chr(10))[0]}",
        ) from error
