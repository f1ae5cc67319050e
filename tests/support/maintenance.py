"""Maintenance around a part of a test."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from sandbox.database import Database
from sandbox.operations.maintenance import end_maintenance, set_maintenance


@contextmanager
def under_maintenance(database: Database, now: datetime | None = None) -> Iterator[None]:
    """It is on at `now`, for an hour at most."""
    now = now or datetime.now(UTC)
    with database.transaction() as tx:
        known = set_maintenance(
            tx,
            text_zh="升级",
            text_en="Upgrade",
            starts_at=now - timedelta(minutes=1),
            ends_at=now + timedelta(hours=1),
            by="he",
            now=now,
        )
    try:
        yield
    finally:
        with database.transaction() as tx:
            end_maintenance(tx, known.id, by="he", now=now)
