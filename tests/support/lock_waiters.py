"""Waits until somebody waits for a lock of a database: the moment at which two deeds have met."""

import time

from sqlalchemy import Connection, text

WAITING = text(
    "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid) "
    "WHERE NOT granted AND datname = current_database() AND (:kind = '' OR locktype = :kind)"
)


def await_lock_waiter(connection: Connection, kind: str = "", *, seconds: float = 60) -> None:
    """`kind`: of the lock, such as "advisory"; any by default."""
    ends = time.monotonic() + seconds
    while not connection.execute(WAITING, {"kind": kind}).scalar_one():
        assert time.monotonic() < ends, "nobody waits"
        time.sleep(0.01)  # another process waits: there is nothing to wait on but asking
