"""Tells the hub at once whose logins were ended, so that it can end what it holds of them:
a session, a server, kernels.

The hub keeps one request open and reads a line for each revocation: the account. It learns only
that it should ask for that person at userinfo. Asking, and not being called, is what the design lets
the hub do; what it misses while it is not connected it learns by asking for everybody when it connects
(the first line, `*`).
"""

from collections.abc import AsyncIterator

from psycopg import AsyncConnection, sql

from sandbox.database import Database
from sandbox.identity import CHANNEL

ALIVE_SECONDS = 10.0


async def ended_logins(database: Database) -> AsyncIterator[str]:
    """Lines, until whoever reads them goes away or Postgres does."""
    address = database.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    async with await AsyncConnection.connect(address, autocommit=True) as connection:
        await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(CHANNEL)))
        yield "*\n"
        while True:
            async for notice in connection.notifies(timeout=ALIVE_SECONDS):
                yield f"{notice.payload}\n"
            yield "\n"  # so that either side learns when the other is gone
