"""One Postgres: the engine, the transaction, the tables' metadata, the migrations."""

from sandbox.database.connection import Database, Transaction
from sandbox.database.metadata import metadata
from sandbox.database.named_locks import lock_name, try_lock_name

__all__ = ["Database", "Transaction", "lock_name", "metadata", "try_lock_name"]
