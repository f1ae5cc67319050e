"""Locks of Postgres by a name, held until the transaction ends. For what no row stands for, or a row that the
role may not lock."""

from sqlalchemy import func, select

from sandbox.database.connection import Transaction


def lock_name(tx: Transaction, name: str, *, shared: bool = False) -> None:
    """Wait until nobody else holds the name, and hold it. Those who share it wait for nobody who does."""
    lock = func.pg_advisory_xact_lock_shared if shared else func.pg_advisory_xact_lock
    tx.execute(select(lock(func.hashtextextended(name, 0))))


def try_lock_name(tx: Transaction, name: str) -> bool:
    """Hold the name if nobody else does; whether it is held. Waits for nobody."""
    held = tx.execute(select(func.pg_try_advisory_xact_lock(func.hashtextextended(name, 0)))).scalar_one()
    return bool(held)
