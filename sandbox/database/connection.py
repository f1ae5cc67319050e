"""Connects to Postgres: one pool, and one way to open a transaction."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from psycopg.errors import DiskFull
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import DataError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from sandbox.database.local_locks import LocalLocks, at_work, lock_busy
from sandbox.errors import InvalidInput, Unavailable
from sandbox.plain_text import REMEDY, REMEDY_ZH

LOCK_SECONDS = 600
LOCK_CONNECTION_SECONDS = 30
LOCK_CONNECTIONS, MORE_LOCK_CONNECTIONS = 16, 24
"""For locks: in all as many as a service has threads for requests, of which each holds one at most."""

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
            pool_size=LOCK_CONNECTIONS,
            max_overflow=MORE_LOCK_CONNECTIONS,
            pool_timeout=LOCK_CONNECTION_SECONDS,
            pool_pre_ping=True,
            isolation_level="AUTOCOMMIT",
        )
        self._local_locks = LocalLocks()
        self._of_thread = threading.local()

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """One transaction, READ COMMITTED.

        Raises `Unavailable` if Postgres cannot be reached, or goes away in the middle: whether a commit in
        which it went away was made, nobody here can know.
        """
        with _told_plainly(), self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def lock(self, name: str, *, waiting: int | None = None) -> Iterator[None]:
        """Hold a lock that all processes of this database share, by name,
        until the block ends or the process dies. `waiting`: so many of this process may wait for it.

        It is held by a connection of its own, from a pool of its own: whoever waits for it takes no
        transaction's place. Of this process one thread at a time asks Postgres for it, and a thread that
        holds another lock asks on the same connection: so waiting threads do not keep the connections that
        the lock's holder needs. Raises `Unavailable` as `transaction` does, and where too many wait.
        """
        with (
            self._local_locks.hold(name, seconds=LOCK_SECONDS, waiting=waiting),
            self._locking() as connection,
        ):
            key = {"name": name}
            connection.execute(text("SELECT pg_advisory_lock(hashtextextended(:name, 0))"), key)
            try:
                yield
            finally:
                connection.execute(text("SELECT pg_advisory_unlock(hashtextextended(:name, 0))"), key)

    @contextmanager
    def try_lock(self, name: str) -> Iterator[None]:
        """As `lock`, but whoever would have to wait is refused: `Conflict` (code "at_work")."""
        with (
            self._local_locks.hold(name, seconds=0, waiting=0),
            self._locking() as connection,
            _tried(connection, name),
        ):
            yield

    @contextmanager
    def try_lock_of_answer(self, name: str) -> Iterator[None]:
        """As `try_lock`, for an answer that is sent in pieces, which threads take turns to make: each such
        lock has a connection of its own."""
        with _told_plainly(), self._locks.connect() as connection, _tried(connection, name):
            yield

    @contextmanager
    def _locking(self) -> Iterator[Connection]:
        """The connection that holds this thread's locks."""
        held: Connection | None = getattr(self._of_thread, "connection", None)
        if held is not None:
            yield held
            return
        with _told_plainly(), self._locks.connect() as connection:
            self._of_thread.connection = connection
            try:
                yield connection
            finally:
                self._of_thread.connection = None

    def close(self) -> None:
        self.engine.dispose()
        self._locks.dispose()


@contextmanager
def _tried(connection: Connection, name: str) -> Iterator[None]:
    key = {"name": name}
    taken = connection.execute(text("SELECT pg_try_advisory_lock(hashtextextended(:name, 0))"), key)
    if not taken.scalar_one():
        raise at_work()
    try:
        yield
    finally:
        connection.execute(text("SELECT pg_advisory_unlock(hashtextextended(:name, 0))"), key)


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
    except PoolTimeout as error:
        raise lock_busy() from error
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
