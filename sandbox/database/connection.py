"""How do we talk to Postgres? One pool, and one way to open a transaction."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import OperationalError

from sandbox.errors import Unavailable

Transaction = Connection
"""A connection inside a transaction: it commits when its block ends, rolls back when its block raises."""


class Database:
    """A pool of connections to one Postgres database.

    `url` is a SQLAlchemy URL, such as `postgresql+psycopg://cihu_vault:…@/cihu?host=/run/postgres`.
    """

    def __init__(self, url: str, *, pool_size: int = 20) -> None:
        self.engine = create_engine(url, pool_size=pool_size, max_overflow=20, pool_pre_ping=True)

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """One transaction, READ COMMITTED. Raises `Unavailable` if Postgres cannot be reached."""
        try:
            connection = self.engine.connect()
        except OperationalError as error:
            raise Unavailable(
                "The database cannot be reached.",
                mend="Is Postgres running, and is CIHU_DATABASE_URL right?",
                internal=str(error),
            ) from error
        with connection, connection.begin():
            yield connection

    def close(self) -> None:
        self.engine.dispose()
